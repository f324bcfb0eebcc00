//! The client tag-watcher (`tests/tag-watcher`), which pulls all listed tags while they are written.

use std::ops::AddAssign;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::home::CommandError;
use crate::program;

/// Maximum time of the last round.
const DEADLINE: Duration = Duration::from_secs(60);

/// A process that repeatedly lists the tags of repositories and pulls each with all its content. It fails at
/// the first listed tag with missing content.
#[derive(Debug)]
pub struct TagWatcher(Child);

/// The counts of a finished watcher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TagWatch {
    /// Listings of all repositories.
    pub rounds: u64,
    /// Different tags.
    pub tags: u64,
    /// Complete pulls of a tag.
    pub pulls: u64,
    /// Manifests read for these pulls.
    pub manifests: u64,
    /// Blobs read completely for these pulls.
    pub blobs: u64,
}

impl TagWatcher {
    /// Watches repositories of a registry (`HOST:PORT`) over plain HTTP. They need not exist yet.
    pub fn start<S: AsRef<str>>(host: &str, repositories: &[S]) -> Self {
        let mut command = Command::new(program("tag-watcher"));
        command
            .arg(host)
            .args(repositories.iter().map(AsRef::as_ref))
            .env_clear()
            // The process ends when its stdin is closed, so it does not outlive the test.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let child = command.spawn();
        Self(child.unwrap_or_else(|error| panic!("start {command:?}: {error}")))
    }

    /// Requests a last round and waits for it.
    ///
    /// # Errors
    ///
    /// If a tag had missing content in any round, with its name.
    pub async fn end(mut self) -> Result<TagWatch, CommandError> {
        drop(self.0.stdin.take());
        let output = match timeout(DEADLINE, self.0.wait_with_output()).await {
            Ok(output) => output.expect("wait for tag-watcher"),
            Err(_) => panic!("tag-watcher: not finished after {DEADLINE:?}"),
        };
        if !output.status.success() {
            return Err(CommandError {
                command: "tag-watcher".to_owned(),
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            });
        }
        let counts: Value = serde_json::from_slice(&output.stdout).expect("a line of JSON");
        let count = |name: &str| counts[name].as_u64().expect("a count");
        Ok(TagWatch {
            rounds: count("rounds"),
            tags: count("tags"),
            pulls: count("pulls"),
            manifests: count("manifests"),
            blobs: count("blobs"),
        })
    }
}

impl AddAssign for TagWatch {
    fn add_assign(&mut self, other: Self) {
        self.rounds += other.rounds;
        self.tags += other.tags;
        self.pulls += other.pulls;
        self.manifests += other.manifests;
        self.blobs += other.blobs;
    }
}
