//! What a run costs.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::failure::Failure;
use crate::processors;

/// How long a run may take.
const DEADLINE: Duration = Duration::from_secs(1200);

/// How often memory is looked at: what lives shorter is not seen.
const SAMPLE: Duration = Duration::from_millis(20);

/// Time and memory of a run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// From start to end.
    pub(crate) wall: Duration,
    /// User and system time of the process and of all that it waited for.
    pub(crate) cpu: Duration,
    /// The largest sum of the peaks of all processes that were alive at once, in bytes; Linux only.
    pub(crate) memory: u64,
}

impl Cost {
    /// Of one run after another.
    pub(crate) fn then(self, next: Self) -> Self {
        Self {
            wall: self.wall + next.wall,
            cpu: self.cpu + next.cpu,
            memory: self.memory.max(next.memory),
        }
    }
}

/// A run that came to its end.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) cost: Cost,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The last lines of stderr, else of stdout: why a tool failed.
    pub(crate) fn said(&self) -> String {
        let text = match self.stderr.trim() {
            "" => &self.stdout,
            stderr => stderr,
        };
        let lines: Vec<&str> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(5)..].join(" | ");
        format!("{}: {last}", self.status)
    }
}

/// Runs a command in a home of its own. No other child may end meanwhile: it would be charged.
///
/// # Errors
///
/// When it cannot start or does not end; a failed command is no error.
pub(crate) async fn run(mut command: Command, home: &Path) -> Result<Ran, Failure> {
    let shown = format!("{:?}", command.as_std().get_program());
    let file = |name: &str| -> Result<(PathBuf, File), Failure> {
        let path = home.join(name);
        let file = File::create(&path).map_err(Failure::io(format!("create {name}")))?;
        Ok((path, file))
    };
    let (stdout, to_stdout) = file("stdout")?;
    let (stderr, to_stderr) = file("stderr")?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path);
    command.env("HOME", home).env("XDG_RUNTIME_DIR", home);
    command
        .stdin(Stdio::null())
        .stdout(to_stdout)
        .stderr(to_stderr);
    command.kill_on_drop(true);
    let before = processors::ended_children()?;
    let started = Instant::now();
    let mut child = command
        .spawn()
        .map_err(Failure::io(format!("start {shown}")))?;
    let ended = timeout(DEADLINE, watched(&mut child)).await;
    let wall = started.elapsed();
    let (status, memory) = ended.map_err(|_| Failure::Deadline {
        program: shown.clone(),
        after: DEADLINE,
    })??;
    let cpu = processors::ended_children()?.saturating_sub(before);
    let read = |path: &Path| fs::read(path).map(|text| String::from_utf8_lossy(&text).into_owned());
    Ok(Ran {
        cost: Cost { wall, cpu, memory },
        status,
        stdout: read(&stdout).map_err(Failure::io("read the output"))?,
        stderr: read(&stderr).map_err(Failure::io("read the output"))?,
    })
}

/// Waits for a child; says how much memory it and those under it had.
async fn watched(child: &mut Child) -> Result<(ExitStatus, u64), Failure> {
    let id = child.id().unwrap_or_default();
    let mut samples = interval(SAMPLE);
    samples.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut most = 0;
    loop {
        tokio::select! {
            status = child.wait() => {
                return Ok((status.map_err(Failure::io("wait for a process"))?, most));
            }
            _ = samples.tick() => most = most.max(memory_under(id)),
        }
    }
}

/// The sum of the peaks of a process and of its descendants.
fn memory_under(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let mut sum = peak(&status);
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
    for child in children.unwrap_or_default().split_whitespace() {
        sum += child.parse().map_or(0, memory_under);
    }
    sum
}

/// `VmHWM:     1234 kB` of `/proc/PID/status`, in bytes.
fn peak(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) << 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_grandchild_costs_is_charged() {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        let spin =
            "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; echo done; sleep 0.1";
        command.arg("-c").arg(spin);
        let ran = run(command, home.path()).await.unwrap();
        assert!(ran.status.success());
        assert_eq!(ran.stdout, "done\n");
        assert!(ran.cost.cpu > Duration::from_millis(20), "{:?}", ran.cost);
        assert!(ran.cost.wall > Duration::from_millis(120), "{:?}", ran.cost);
        assert!(ran.cost.memory > 100 << 10, "{:?}", ran.cost);
    }
}
