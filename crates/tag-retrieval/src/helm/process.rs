//! One run of a program, bounded in time and in output.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

/// How long a killed program is waited for; the kernel ends it at once unless a dead file system
/// holds it.
const KILL_GRACE: Duration = Duration::from_secs(1);

/// Bytes of stderr that are kept; the rest is read and dropped.
const STDERR: usize = 16 * 1024;

/// How a run ended.
pub(super) struct Finished {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    /// The end of it: that is where the cause is.
    pub(super) stderr: Vec<u8>,
}

/// Why a run has no end to speak of; the program was killed.
pub(super) enum RunError {
    Start(io::Error),
    TimedOut,
    TooLong,
    Io(io::Error),
}

impl From<io::Error> for RunError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Runs `command`, whose pipes are set, for as long as `deadline` and until it wrote more than
/// `most` bytes to stdout; where stdin is a pipe, it reads `input` there. It is killed where this
/// future is dropped.
pub(super) async fn run(
    mut command: Command,
    input: &[u8],
    deadline: Duration,
    most: usize,
) -> Result<Finished, RunError> {
    let mut child = command
        .kill_on_drop(true)
        .spawn()
        .map_err(RunError::Start)?;
    let ended = tokio::time::timeout(deadline, talk(&mut child, input, most)).await;
    let ended = ended.unwrap_or(Err(RunError::TimedOut));
    if ended.is_err() {
        // Not only on drop: it is gone, and waited for, when the error is told.
        let _ = tokio::time::timeout(KILL_GRACE, child.kill()).await;
    }
    ended
}

async fn talk(child: &mut Child, input: &[u8], most: usize) -> Result<Finished, RunError> {
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
    };
    let stdin = child.stdin.take();
    let write = async {
        if let Some(mut stdin) = stdin {
            // Who does not want to read it says why.
            let _ = stdin.write_all(input).await;
        }
        Ok(())
    };
    let end = async { Ok(read_end(stderr).await?) };
    let ((), stdout, stderr) = tokio::try_join!(write, read_whole(stdout, most), end)?;
    Ok(Finished {
        status: child.wait().await?,
        stdout,
        stderr,
    })
}

async fn read_whole(pipe: impl AsyncRead + Unpin, most: usize) -> Result<Vec<u8>, RunError> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    pipe.take(limit).read_to_end(&mut bytes).await?;
    if bytes.len() > most {
        return Err(RunError::TooLong);
    }
    Ok(bytes)
}

/// Reads to the end, lest the program stand still at a full pipe.
async fn read_end(mut pipe: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let mut buffer = vec![0_u8; 4096];
    loop {
        let read = pipe.read(&mut buffer).await?;
        if read == 0 {
            return Ok(kept);
        }
        kept.extend_from_slice(&buffer[..read]);
        kept.drain(..kept.len().saturating_sub(STDERR));
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn of_much_that_goes_wrong_the_end_is_kept() {
        let script = "yes | head -c 200000 >&2; echo the cause >&2; echo out; exit 3";
        let Ok(finished) = run(shell(script), b"", LONG, 100).await else {
            panic!("a full pipe holds it");
        };
        assert_eq!(finished.status.code(), Some(3));
        assert_eq!(finished.stdout, b"out\n");
        assert_eq!(finished.stderr.len(), STDERR);
        assert!(finished.stderr.ends_with(b"y\nthe cause\n"));
    }

    #[tokio::test]
    async fn a_program_that_never_stops_writing_is_stopped() {
        let ended = run(shell("exec yes"), b"", LONG, 100_000).await;
        assert!(matches!(ended, Err(RunError::TooLong)));
    }
}
