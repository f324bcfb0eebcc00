//! The output of a run.

use std::fmt;
use std::path::PathBuf;
use std::process::ExitStatus;

use zeroize::Zeroizing;

use crate::error::RunError;

/// The output of a program that ended by itself.
pub struct Output {
    /// The exit status.
    pub status: ExitStatus,
    /// Everything that the program wrote to stdout.
    pub stdout: Zeroizing<Vec<u8>>,
    /// The part of stderr that was kept.
    pub stderr: Zeroizing<Vec<u8>>,
    pub(crate) program: PathBuf,
}

impl Output {
    /// Returns the output of a program that succeeded.
    ///
    /// # Errors
    ///
    /// [`RunError::Failed`] for every other exit status.
    pub fn successful(self) -> Result<Self, RunError> {
        if self.status.success() {
            return Ok(self);
        }
        Err(RunError::Failed {
            status: self.status,
            stderr: String::from_utf8_lossy(&self.stderr).into_owned(),
            program: self.program,
        })
    }
}

impl fmt::Debug for Output {
    /// Without the output, which can be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("program", &self.program)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
