//! The cost of a command.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::cpu_time;
use crate::error::BenchError;

/// Maximum time of a command.
const DEADLINE: Duration = Duration::from_secs(1200);

/// The interval of memory samples. Processes with a shorter life are not counted.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(20);

/// The file in the home directory of a command with the certificate authority of the registries.
pub(crate) const AUTHORITY_FILE: &str = "authority.pem";

/// The time and memory of a command.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// The wall time.
    pub(crate) wall: Duration,
    /// User and system time of the process and of the descendants that it waited for.
    pub(crate) cpu: Duration,
    /// The maximum sum of the peaks of all concurrent processes, in bytes (Linux only).
    pub(crate) memory: u64,
    /// Bytes that the process and the descendants that it waited for have given to the disk (Linux only).
    pub(crate) written: u64,
}

impl Cost {
    /// Returns the cost of two consecutive commands.
    pub(crate) fn then(self, next: Self) -> Self {
        Self {
            wall: self.wall + next.wall,
            cpu: self.cpu + next.cpu,
            memory: self.memory.max(next.memory),
            written: self.written + next.written,
        }
    }
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct FinishedCommand {
    pub(crate) cost: Cost,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl FinishedCommand {
    /// Returns the status and the last lines of stderr, or of stdout if stderr is empty.
    pub(crate) fn failure(&self) -> String {
        let text = match self.stderr.trim() {
            "" => &self.stdout,
            stderr => stderr,
        };
        let lines: Vec<&str> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(5)..].join(" | ");
        format!("{}: {last}", self.status)
    }
}

/// Runs a command with a home directory. No other child may end meanwhile, because its CPU time would be
/// counted.
///
/// # Errors
///
/// If the command cannot start or does not end. An exit code other than 0 is no error.
pub(crate) async fn run(mut command: Command, home: &Path) -> Result<FinishedCommand, BenchError> {
    let shown = format!("{:?}", command.as_std().get_program());
    let file = |name: &str| -> Result<(PathBuf, File), BenchError> {
        let path = home.join(name);
        let file = File::create(&path).map_err(BenchError::io(format!("create {name}")))?;
        Ok((path, file))
    };
    let (stdout, to_stdout) = file("stdout")?;
    let (stderr, to_stderr) = file("stderr")?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path);
    command.env("HOME", home).env("XDG_RUNTIME_DIR", home);
    let authority = home.join(AUTHORITY_FILE);
    if authority.exists() {
        // Programs in Go and Rust read the first, curl reads the second.
        command.env("SSL_CERT_FILE", &authority);
        command.env("CURL_CA_BUNDLE", &authority);
    }
    command
        .stdin(Stdio::null())
        .stdout(to_stdout)
        .stderr(to_stderr);
    command.kill_on_drop(true);
    let before = (cpu_time::ended_children()?, written_bytes()?);
    let started = Instant::now();
    let mut child = command
        .spawn()
        .map_err(BenchError::io(format!("start {shown}")))?;
    let ended = timeout(DEADLINE, wait_and_sample(&mut child)).await;
    let wall = started.elapsed();
    let (status, memory) = ended.map_err(|_| BenchError::Deadline {
        program: shown.clone(),
        after: DEADLINE,
    })??;
    let cpu = cpu_time::ended_children()?.saturating_sub(before.0);
    let written = written_bytes()?.saturating_sub(before.1);
    let read = |path: &Path| fs::read(path).map(|text| String::from_utf8_lossy(&text).into_owned());
    Ok(FinishedCommand {
        cost: Cost {
            wall,
            cpu,
            memory,
            written,
        },
        status,
        stdout: read(&stdout).map_err(BenchError::io("read the output"))?,
        stderr: read(&stderr).map_err(BenchError::io("read the output"))?,
    })
}

/// Waits for a child; returns its status and the memory of the child and its descendants.
async fn wait_and_sample(child: &mut Child) -> Result<(ExitStatus, u64), BenchError> {
    let id = child.id().unwrap_or_default();
    let mut samples = interval(SAMPLE_INTERVAL);
    samples.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut peak = 0;
    loop {
        tokio::select! {
            status = child.wait() => {
                return Ok((status.map_err(BenchError::io("wait for a process"))?, peak));
            }
            _ = samples.tick() => peak = peak.max(memory_under(id)),
        }
    }
}

/// Returns the sum of the peaks of a process and its descendants.
fn memory_under(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let mut sum = peak_memory(&status);
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
    for child in children.unwrap_or_default().split_whitespace() {
        sum += child.parse().map_or(0, memory_under);
    }
    sum
}

/// Returns the bytes that this process and all children that have ended have given to the disk: `write_bytes` of
/// proc(5).
fn written_bytes() -> Result<u64, BenchError> {
    let io = fs::read_to_string("/proc/self/io").map_err(BenchError::io("read /proc/self/io"))?;
    let line = io
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes: "));
    let bytes = line.and_then(|bytes| bytes.parse().ok());
    bytes.ok_or_else(|| BenchError::Wrong(format!("/proc/self/io: {io}")))
}

/// Returns `VmHWM:     1234 kB` of `/proc/PID/status` in bytes.
fn peak_memory(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) << 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn cost_includes_grandchildren() {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        let spin = "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; head -c 3000000 /dev/zero > $HOME/file'; echo done; sleep 0.1";
        command.arg("-c").arg(spin);
        let ran = run(command, home.path()).await.unwrap();
        assert!(ran.status.success());
        assert_eq!(ran.stdout, "done\n");
        assert!(ran.cost.cpu > Duration::from_millis(20), "{:?}", ran.cost);
        assert!(ran.cost.wall > Duration::from_millis(120), "{:?}", ran.cost);
        assert!(ran.cost.memory > 100 << 10, "{:?}", ran.cost);
        // Whole pages, and none in a file system in memory.
        let written = ran.cost.written;
        assert!(
            (3_000_000..3_100_000).contains(&written) || written == 0,
            "{:?}",
            ran.cost
        );
    }
}
