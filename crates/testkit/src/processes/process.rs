//! The process of a registry, and its log.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::time::sleep;

use super::access_log::{Request, parse};

/// Maximum time until a registry listens. It takes milliseconds, unless the machine is busy.
const START: Duration = Duration::from_secs(30);

/// A log without changes for this long is complete. Registries log a request after their response.
const SETTLED: Duration = Duration::from_millis(60);

/// Maximum wait for a log without changes.
const SETTLE_DEADLINE: Duration = Duration::from_secs(10);

const POLL: Duration = Duration::from_millis(10);

/// Maximum printed lines of the log when a test fails.
const PRINTED_LINES: usize = 200;

/// A registry that runs until this is dropped. If the test panics, the log is printed.
#[derive(Debug)]
pub struct RegistryProcess {
    name: String,
    child: Child,
    address: SocketAddr,
    directory: TempDir,
    /// Bytes of the log before the last `clear_requests`.
    cleared: usize,
}

impl RegistryProcess {
    /// Runs `command`, which must log `listening on HOST:PORT`, with its log in `directory`.
    pub(super) async fn start(name: &str, mut command: Command, directory: TempDir) -> Self {
        let log = File::create(directory.path().join("log")).expect("create the log");
        let child = command
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("share the log"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("start {command:?}: {error}"));
        let mut process = Self {
            name: name.to_owned(),
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            directory,
            cleared: 0,
        };
        process.address = process.listening().await;
        process
    }

    async fn listening(&mut self) -> SocketAddr {
        let deadline = Instant::now() + START;
        loop {
            if let Some(address) = listening_on(&self.log()) {
                return address;
            }
            if let Some(status) = self.child.try_wait().expect("query the process") {
                panic!("{} ended at start with {status}", self.name);
            }
            assert!(Instant::now() < deadline, "{} does not listen", self.name);
            sleep(POLL).await;
        }
    }

    /// Returns the address of the registry.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns `127.0.0.1:PORT`, the registry part of references.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the log so far.
    pub fn log(&self) -> String {
        let log = fs::read(self.log_path()).expect("read the log");
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Waits until the log is complete and returns the requests in it.
    pub async fn requests(&self) -> Vec<Request> {
        parse(&self.complete_log().await[self.cleared..])
    }

    /// Waits until the log is complete and drops the requests in it.
    pub async fn clear_requests(&mut self) {
        self.cleared = self.complete_log().await.len();
    }

    /// Returns the directory with the configuration, the log and the stored files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn log_path(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    async fn complete_log(&self) -> String {
        let deadline = Instant::now() + SETTLE_DEADLINE;
        let mut log = self.log();
        let mut since = Instant::now();
        while since.elapsed() < SETTLED && Instant::now() < deadline {
            sleep(POLL).await;
            let now = self.log();
            if now.len() != log.len() {
                log = now;
                since = Instant::now();
            }
        }
        log
    }
}

impl Drop for RegistryProcess {
    fn drop(&mut self) {
        // Fails if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let printed = &lines[lines.len().saturating_sub(PRINTED_LINES)..];
            eprintln!("--- log of {} ---\n{}", self.name, printed.join("\n"));
        }
    }
}

/// Returns the address in `… listening on 127.0.0.1:PORT …`.
fn listening_on(log: &str) -> Option<SocketAddr> {
    let (_, rest) = log.split_once("listening on ")?;
    let end =
        rest.find(|character: char| !character.is_ascii_digit() && !".:".contains(character))?;
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_on_reads_every_form_of_the_line() {
        let address = Some(SocketAddr::from(([127, 0, 0, 1], 5000)));
        for line in [
            "2026/11/21 08:37:50 listening on 127.0.0.1:5000\n",
            "level=info msg=\"listening on 127.0.0.1:5000\" go.version=go1.19.8\n",
            "level=info msg=\"listening on 127.0.0.1:5000, tls\" go.version=go1.19.8\n",
        ] {
            assert_eq!(listening_on(line), address, "{line}");
        }
        assert_eq!(
            listening_on("listening on 127.0.0.1:50"),
            None,
            "an incomplete line"
        );
    }
}
