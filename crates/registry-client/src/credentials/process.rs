//! One short run of a program: no shell, bounded in time and in output.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use std::{env, io};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

/// What a run may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// For the whole run.
    pub(super) deadline: Duration,
    /// Bytes of stdout; more is an error.
    pub(super) stdout: usize,
    /// Bytes of stderr that are kept; the rest is read and dropped.
    pub(super) stderr: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(30),
            stdout: 64 * 1024,
            stderr: 4 * 1024,
        }
    }
}

/// How long a killed program is waited for; the kernel ends it at once unless a
/// dead file system holds it.
const KILL_GRACE: Duration = Duration::from_secs(1);

/// How a run ended.
pub(super) struct Finished {
    pub(super) status: ExitStatus,
    pub(super) stdout: Zeroizing<Vec<u8>>,
    pub(super) stderr: Zeroizing<Vec<u8>>,
}

/// Why a run has no end to speak of; the program was killed.
pub(super) enum RunError {
    TimedOut,
    TooLong,
    Io(io::Error),
}

impl From<io::Error> for RunError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The first executable file `name` in the absolute folders of `search_path`: a
/// relative one would let the current folder choose the program.
pub(super) fn find(search_path: &OsStr, name: &str) -> Option<PathBuf> {
    env::split_paths(search_path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|program| is_executable(program))
}

fn is_executable(program: &Path) -> bool {
    program
        .metadata()
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Runs `program argument` with `input` on stdin. It inherits the environment
/// (helpers need their `HOME`), with `search_path` as its `PATH`.
pub(super) async fn run(
    program: &Path,
    argument: &str,
    search_path: &OsString,
    input: &[u8],
    limits: &Limits,
) -> Result<Finished, RunError> {
    let mut child = Command::new(program)
        .arg(argument)
        .env("PATH", search_path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let talk = tokio::time::timeout(limits.deadline, talk(&mut child, input, limits));
    let ended = talk.await.unwrap_or(Err(RunError::TimedOut));
    if ended.is_err() {
        // Not only on drop: it is gone, and waited for, when the error is told.
        let _ = tokio::time::timeout(KILL_GRACE, child.kill()).await;
    }
    ended
}

async fn talk(child: &mut Child, input: &[u8], limits: &Limits) -> Result<Finished, RunError> {
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
    };
    let write = async {
        // A program may answer without reading; its status tells the rest.
        let _ = stdin.write_all(input).await;
        drop(stdin);
        Ok(())
    };
    let whole = async { read_whole(stdout, limits.stdout).await };
    let start = async { Ok(read_start(stderr, limits.stderr).await?) };
    let ((), stdout, stderr) = tokio::try_join!(write, whole, start)?;
    Ok(Finished {
        status: child.wait().await?,
        stdout,
        stderr,
    })
}

async fn read_whole(
    pipe: impl AsyncRead + Unpin,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, RunError> {
    let mut bytes = Zeroizing::new(Vec::new());
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    pipe.take(most).read_to_end(&mut bytes).await?;
    if bytes.len() > limit {
        return Err(RunError::TooLong);
    }
    Ok(bytes)
}

/// Reads to the end, lest the program stand still at a full pipe.
async fn read_start(
    mut pipe: impl AsyncRead + Unpin,
    limit: usize,
) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut kept = Zeroizing::new(Vec::new());
    let mut buffer = Zeroizing::new([0_u8; 1024]);
    loop {
        let read = pipe.read(buffer.as_mut_slice()).await?;
        if read == 0 {
            return Ok(kept);
        }
        let room = limit.saturating_sub(kept.len()).min(read);
        kept.extend_from_slice(&buffer[..room]);
    }
}
