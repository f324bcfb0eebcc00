//! A temporary home directory for a client, without the credentials, configuration and proxy of the
//! machine's user.

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

/// Maximum run time of a client.
const DEADLINE: Duration = Duration::from_secs(180);

/// A failed command of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandError {
    /// The command with its arguments.
    pub command: String,
    /// Its stderr.
    pub stderr: String,
}

/// A temporary home directory.
#[derive(Debug)]
pub(super) struct Home {
    directory: TempDir,
    credentials: Map<String, Value>,
}

impl Home {
    pub(super) fn new() -> Self {
        let home = Self {
            directory: tempfile::tempdir().expect("create a home"),
            credentials: Map::new(),
        };
        fs::create_dir(home.path(".docker")).expect("create .docker");
        home
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
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

    /// Runs a program with this home directory and returns its stdout.
    pub(super) async fn run<A: AsRef<OsStr>>(
        &self,
        name: &str,
        arguments: &[A],
        environment: &[(&str, &Path)],
    ) -> Result<Vec<u8>, CommandError> {
        let mut command = Command::new(program(name));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.directory.path())
            .env("TMPDIR", self.directory.path())
            .env("XDG_RUNTIME_DIR", self.directory.path())
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let shown = format!("{:?}", command.as_std());
        let output = match timeout(DEADLINE, command.output()).await {
            Ok(output) => output.unwrap_or_else(|error| panic!("start {shown}: {error}")),
            Err(_) => panic!("{shown}: not finished after {DEADLINE:?}"),
        };
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(CommandError {
            command: shown,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}
