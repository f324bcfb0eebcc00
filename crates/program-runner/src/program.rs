//! A program with its arguments and bounds, and its run.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use zeroize::Zeroizing;

use crate::confined_process::start_failure;
use crate::confinement::Confinement;
use crate::error::RunError;
use crate::output::Output;

/// The time for a killed program to be gone. The kernel ends it at once unless a dead file system
/// holds it.
const KILL_GRACE: Duration = Duration::from_secs(1);

/// The part of stderr that is kept, in bytes. The rest is read and dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptStderr {
    /// Up to that many bytes from its beginning.
    First(usize),
    /// Up to that many bytes from its end, where most programs name the cause.
    Last(usize),
}

/// A program that is not started yet.
///
/// By default it has no arguments and an empty environment, reads nothing from stdin, may run for
/// 30 seconds, and may write 64 KiB to stdout; the last 16 KiB of stderr are kept.
pub struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    inherits_environment: bool,
    confinement: Option<Confinement>,
    directory: Option<PathBuf>,
    stdin: Option<Zeroizing<Vec<u8>>>,
    deadline: Duration,
    stdout: usize,
    stderr: KeptStderr,
}

impl fmt::Debug for Program {
    /// Without the environment and the input, which can be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("path", &self.path)
            .field("arguments", &self.arguments)
            .field("directory", &self.directory)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl Program {
    /// A program by its path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            inherits_environment: false,
            confinement: None,
            directory: None,
            stdin: None,
            deadline: Duration::from_secs(30),
            stdout: 64 * 1024,
            stderr: KeptStderr::Last(16 * 1024),
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        let arguments = arguments.into_iter();
        self.arguments
            .extend(arguments.map(|one| one.as_ref().to_owned()));
        self
    }

    /// Adds a variable to the environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Adds variables to the environment; the last value of a name counts.
    #[must_use]
    pub fn envs<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables = variables.into_iter();
        self.environment.extend(
            variables.map(|(name, value)| (name.as_ref().to_owned(), value.as_ref().to_owned())),
        );
        self
    }

    /// Adds the environment of this process below the variables that are given. For programs that
    /// depend on variables unknown to us, such as the credential helpers of cloud providers.
    #[must_use]
    pub fn inherit_environment(mut self) -> Self {
        self.inherits_environment = true;
        self
    }

    /// Restricts the program. Its process group ends with it.
    #[must_use]
    pub fn confined(mut self, confinement: Confinement) -> Self {
        self.confinement = Some(confinement);
        self
    }

    /// The working directory, by default that of this process.
    #[must_use]
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// The bytes that the program can read from stdin, by default none.
    #[must_use]
    pub fn stdin(mut self, input: impl Into<Zeroizing<Vec<u8>>>) -> Self {
        self.stdin = Some(input.into());
        self
    }

    /// The time until the program is killed.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The number of bytes that the program may write to stdout; at the next one it is killed.
    #[must_use]
    pub fn max_stdout(mut self, bytes: usize) -> Self {
        self.stdout = bytes;
        self
    }

    /// The part of stderr that is kept.
    #[must_use]
    pub fn keep_stderr(mut self, part: KeptStderr) -> Self {
        self.stderr = part;
        self
    }

    /// Runs the program to its end. Its exit status is in the output.
    ///
    /// The program leads a process group of its own. The group is killed where the run fails or
    /// this future is dropped. At a regular end it is killed if the program is
    /// [confined](Self::confined); otherwise programs that it leaves behind live on.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the program cannot be started or is killed at one of its bounds. The program
    /// is gone when the error is returned.
    pub async fn run(self) -> Result<Output, RunError> {
        let spawned = self.command().spawn();
        let mut child = spawned.map_err(|source| self.not_started(source))?;
        let mut group = Group::of(&child);
        let attended = self.attend(&mut child, &group);
        let ended = tokio::time::timeout(self.deadline, attended).await;
        let error = match ended {
            Ok(Ok(output)) => {
                group.release();
                if self.confinement.is_some()
                    && let Some(source) = start_failure(output.status.code(), &output.stderr)
                {
                    return Err(self.not_started(source));
                }
                return Ok(output);
            }
            Ok(Err(error)) => error,
            Err(_) => RunError::TimedOut {
                program: self.path.clone(),
                deadline: self.deadline,
            },
        };
        group.kill();
        // The killed program is reaped before the error is reported.
        let _ = tokio::time::timeout(KILL_GRACE, child.wait()).await;
        Err(error)
    }

    fn not_started(&self, source: io::Error) -> RunError {
        let program = self.path.clone();
        match source.kind() {
            io::ErrorKind::NotFound => RunError::NotFound { program },
            _ => RunError::Io { program, source },
        }
    }

    fn command(&self) -> Command {
        let confinement = self.confinement.as_ref();
        let confined = confinement.and_then(|it| it.command(&self.path, self.deadline));
        let mut command = match confined {
            Some((executable, arguments)) => {
                let mut command = Command::new(executable);
                command.args(arguments);
                command
            }
            None => Command::new(&self.path),
        };
        command.args(&self.arguments);
        if !self.inherits_environment {
            command.env_clear();
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        let stdin = match self.stdin {
            Some(_) => Stdio::piped(),
            None => Stdio::null(),
        };
        command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    /// Feeds the program, and reads its output until its end.
    async fn attend(&self, child: &mut Child, group: &Group) -> Result<Output, RunError> {
        let io_error = |source| RunError::Io {
            program: self.path.clone(),
            source,
        };
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(io_error(io::ErrorKind::BrokenPipe.into()));
        };
        let stdin = child.stdin.take();
        let write = async {
            if let (Some(mut pipe), Some(input)) = (stdin, &self.stdin) {
                // A program need not read its input.
                let _ = pipe.write_all(input).await;
            }
            Ok(())
        };
        let read_stdout = async {
            let bytes = read_up_to(stdout, self.stdout).await.map_err(io_error)?;
            bytes.ok_or_else(|| RunError::TooMuchOutput {
                program: self.path.clone(),
                limit: self.stdout,
            })
        };
        let read_stderr = async { read_part(stderr, self.stderr).await.map_err(io_error) };
        let leave_nothing = async {
            if self.confinement.is_some() {
                // The rest of the group may hold the pipes open.
                group.kill_after_leader().await.map_err(io_error)?;
            }
            Ok(())
        };
        let ((), stdout, stderr, ()) =
            tokio::try_join!(write, read_stdout, read_stderr, leave_nothing)?;
        Ok(Output {
            status: child.wait().await.map_err(io_error)?,
            stdout,
            stderr,
            program: self.path.clone(),
        })
    }
}

/// The process group of a program that is not reaped yet, which keeps its number from reuse. Killed
/// on drop.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let number = child.id().and_then(|id| i32::try_from(id).ok());
        Self(number.map(Pid::from_raw))
    }

    /// Leaves the group alone, since its leader is reaped.
    fn release(&mut self) {
        self.0 = None;
    }

    fn kill(&mut self) {
        self.signal();
        self.release();
    }

    /// Kills the group while its leader is not reaped.
    fn signal(&self) {
        if let Some(group) = self.0 {
            // It fails where the group is gone.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }

    /// Kills the group once its leader has ended. The leader is not reaped.
    #[cfg(target_os = "linux")]
    async fn kill_after_leader(&self) -> io::Result<()> {
        use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
        use tokio::signal::unix::{SignalKind, signal};
        let Some(leader) = self.0 else {
            return Ok(());
        };
        let mut ends = signal(SignalKind::child())?;
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        while waitid(Id::Pid(leader), flags)? == WaitStatus::StillAlive {
            ends.recv().await;
        }
        self.signal();
        Ok(())
    }

    /// Leaves the group alone: the system cannot wait for a process without reaping it.
    #[cfg(not(target_os = "linux"))]
    async fn kill_after_leader(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads to the end; `None` if there is more than `limit` bytes.
async fn read_up_to(
    pipe: impl AsyncRead + Unpin,
    limit: usize,
) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    pipe.take(most).read_to_end(&mut bytes).await?;
    Ok((bytes.len() <= limit).then_some(bytes))
}

/// Reads to the end, since a program would stand still at a full pipe, and keeps a part.
async fn read_part(
    mut pipe: impl AsyncRead + Unpin,
    part: KeptStderr,
) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut kept = Zeroizing::new(Vec::new());
    let mut buffer = Zeroizing::new([0_u8; 4096]);
    loop {
        let read = pipe.read(buffer.as_mut_slice()).await?;
        if read == 0 {
            return Ok(kept);
        }
        match part {
            KeptStderr::First(limit) => {
                let room = limit.saturating_sub(kept.len()).min(read);
                kept.extend_from_slice(&buffer[..room]);
            }
            KeptStderr::Last(limit) => {
                kept.extend_from_slice(&buffer[..read]);
                let surplus = kept.len().saturating_sub(limit);
                kept.drain(..surplus);
            }
        }
    }
}
