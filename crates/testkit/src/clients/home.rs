//! A home of its own for a client: no credentials, configuration or proxy of the machine's user.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::program;

/// How long a client may take.
const DEADLINE: Duration = Duration::from_secs(180);

/// A client that did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The command with its arguments.
    pub command: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

/// A folder that a client takes for its user's home.
#[derive(Debug)]
pub(super) struct Home {
    folder: TempDir,
    credentials: Map<String, Value>,
}

impl Home {
    pub(super) fn new() -> Self {
        let home = Self {
            folder: tempfile::tempdir().expect("create a home"),
            credentials: Map::new(),
        };
        fs::create_dir(home.path(".docker")).expect("create .docker");
        home
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Adds credentials to `.docker/config.json`, which skopeo and crane read.
    pub(super) fn add_credentials(&mut self, host: &str, user: &str, password: &str) {
        let auth = STANDARD.encode(format!("{user}:{password}"));
        self.credentials
            .insert(host.to_owned(), json!({ "auth": auth }));
        let config = json!({"auths": self.credentials});
        fs::write(self.path(".docker/config.json"), config.to_string()).expect("write credentials");
    }

    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("write into the home");
        path
    }

    /// Runs a program here and returns its stdout.
    pub(super) async fn run<A: AsRef<OsStr>>(
        &self,
        name: &str,
        arguments: &[A],
        environment: &[(&str, &Path)],
    ) -> Result<Vec<u8>, Failed> {
        let mut command = Command::new(program(name));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("TMPDIR", self.folder.path())
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let shown = format!("{:?}", command.as_std());
        let output = match timeout(DEADLINE, command.output()).await {
            Ok(output) => output.unwrap_or_else(|error| panic!("start {shown}: {error}")),
            Err(_) => panic!("{shown} takes more than {DEADLINE:?}"),
        };
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(Failed {
            command: shown,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}
