//! Commands of this program, run as a user runs them.

use std::path::{Path, PathBuf};

use program_runner::Program;

use crate::cli::failure::Failure;
use crate::cli::options::OutputFormat;

/// The running program, in the directory of the demo.
pub(super) struct OwnProgram {
    executable: PathBuf,
    directory: PathBuf,
}

impl OwnProgram {
    /// Finds the running program.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the system does not tell where it is.
    pub(super) fn new(directory: &Path) -> Result<Self, Failure> {
        let executable = std::env::current_exe()
            .map_err(|error| Failure::failed(format!("cannot find this program: {error}")))?;
        Ok(Self {
            executable,
            directory: directory.to_owned(),
        })
    }

    /// Runs a command without environment and returns its standard output.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the command does not succeed.
    pub(super) async fn run(&self, line: &str, format: OutputFormat) -> Result<String, Failure> {
        let format: &[&str] = match format {
            OutputFormat::Text => &[],
            OutputFormat::Json => &["--output", "json"],
        };
        let program = Program::new(&self.executable)
            .args(line.split_whitespace())
            .args(format)
            .env("HOME", &self.directory)
            .current_dir(&self.directory);
        let run = async { program.run().await?.successful() };
        let output = run
            .await
            .map_err(|error| Failure::failed(format!("`mirror {line}` failed: {error}")))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
