//! tag-watcher (`tests/tag-watcher`): pulls whatever it sees, while others write.

use std::ops::AddAssign;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::home::Failed;
use crate::program;

/// How long the last round may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// A process that lists the tags of some repositories and pulls each of them whole, over and over. It
/// ends at the first that is listed and is not whole.
#[derive(Debug)]
pub struct TagWatcher(Child);

/// What it has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sightings {
    /// Times that it listed the tags of all repositories.
    pub rounds: u64,
    /// Different tags.
    pub tags: u64,
    /// Times that a tag was pulled with everything under it.
    pub pulls: u64,
    /// Manifests read for that, each time anew.
    pub manifests: u64,
    /// Blobs read for that, each time anew and to their last byte.
    pub blobs: u64,
}

impl TagWatcher {
    /// Watches repositories of a registry in plain HTTP (`HOST:PORT`). They need not be there yet.
    pub fn start<S: AsRef<str>>(host: &str, repositories: &[S]) -> Self {
        let mut command = Command::new(program("tag-watcher"));
        command
            .arg(host)
            .args(repositories.iter().map(AsRef::as_ref))
            .env_clear()
            // It goes on until this ends, and so does not outlive the test.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let child = command.spawn();
        Self(child.unwrap_or_else(|error| panic!("start {command:?}: {error}")))
    }

    /// Waits for a last round that begins now.
    ///
    /// # Errors
    ///
    /// Which tag was not whole, now or earlier, and what it lacked.
    pub async fn end(mut self) -> Result<Sightings, Failed> {
        drop(self.0.stdin.take());
        let output = match timeout(DEADLINE, self.0.wait_with_output()).await {
            Ok(output) => output.expect("wait for tag-watcher"),
            Err(_) => panic!("tag-watcher goes on for more than {DEADLINE:?}"),
        };
        if !output.status.success() {
            return Err(Failed {
                command: "tag-watcher".to_owned(),
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            });
        }
        let told: Value = serde_json::from_slice(&output.stdout).expect("a line of JSON");
        let count = |name: &str| told[name].as_u64().expect("a count");
        Ok(Sightings {
            rounds: count("rounds"),
            tags: count("tags"),
            pulls: count("pulls"),
            manifests: count("manifests"),
            blobs: count("blobs"),
        })
    }
}

impl AddAssign for Sightings {
    fn add_assign(&mut self, other: Self) {
        self.rounds += other.rounds;
        self.tags += other.tags;
        self.pulls += other.pulls;
        self.manifests += other.manifests;
        self.blobs += other.blobs;
    }
}
