//! A registry's process: started, waited for, read and ended.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::time::sleep;

use super::access_log::{Request, parse};

/// How long a registry may take to listen. They take milliseconds, unless the machine is busy.
const START: Duration = Duration::from_secs(30);

/// How long a log has to stay the same to be complete: requests are logged after their answer.
const SETTLED: Duration = Duration::from_millis(60);

/// How long a log may go on changing.
const SETTLE: Duration = Duration::from_secs(10);

const POLL: Duration = Duration::from_millis(10);

/// How much of a log a failing test shows.
const SHOWN_LINES: usize = 200;

/// A registry that runs until this is dropped. When a test panics, its log is printed.
#[derive(Debug)]
pub struct RegistryProcess {
    name: String,
    child: Child,
    address: SocketAddr,
    folder: TempDir,
    /// How much of the log `clear_requests` has done with.
    seen: usize,
}

impl RegistryProcess {
    /// Runs `command`, which has to log `listening on HOST:PORT`, with its log in `folder`.
    pub(super) async fn start(name: &str, mut command: Command, folder: TempDir) -> Self {
        let log = File::create(folder.path().join("log")).expect("create the log");
        let child = command
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("share the log"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("start {command:?}: {error}"));
        let mut process = Self {
            name: name.to_owned(),
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            folder,
            seen: 0,
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
            if let Some(status) = self.child.try_wait().expect("look after the process") {
                panic!("{} ended at once with {status}", self.name);
            }
            assert!(Instant::now() < deadline, "{} does not listen", self.name);
            sleep(POLL).await;
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The registry part of references to it: `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        let log = fs::read(self.log_path()).expect("read the log");
        String::from_utf8_lossy(&log).into_owned()
    }

    /// The requests so far, once the log has come to rest.
    pub async fn requests(&self) -> Vec<Request> {
        parse(&self.settled().await[self.seen..])
    }

    /// Forgets the requests so far, once the log has come to rest.
    pub async fn clear_requests(&mut self) {
        self.seen = self.settled().await.len();
    }

    /// The folder with its configuration, log and (where it has any) storage.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    async fn settled(&self) -> String {
        let deadline = Instant::now() + SETTLE;
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
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let shown = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
            eprintln!("--- log of {} ---\n{}", self.name, shown.join("\n"));
        }
    }
}

/// The address in `… listening on 127.0.0.1:PORT …`.
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
    fn the_address_is_found_in_every_form_of_the_line() {
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
            "half a line"
        );
    }
}
