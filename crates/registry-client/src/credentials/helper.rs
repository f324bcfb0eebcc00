//! Credential helpers: the protocol of docker-credential-helpers.
//!
//! `docker-credential-NAME get|store|erase` reads its request from stdin and prints the response, or
//! the message of a failure, to stdout.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;
use std::{fmt, io};

use program_runner::{KeptStderr, Output, Program, RunError, find};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::credential::{Credential, Secret, TOKEN_USER};

/// The search path of credential helpers and the deadline of one run.
#[derive(Debug, Clone)]
pub struct Helpers {
    search_path: OsString,
    deadline: Duration,
}

/// The `NAME` of `docker-credential-NAME`: one component of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct HelperName(String);

/// An invalid name of a credential helper.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not the name of a credential helper (letters, digits, `.`, `_` and `-`)")]
pub struct HelperNameError {
    name: String,
}

/// A failure of a credential helper. `program` is `docker-credential-NAME`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HelperError {
    /// The search path has no such executable.
    #[error("{program} is not in PATH; install it, or remove it from the auth file")]
    NotFound {
        /// The executable.
        program: String,
    },
    /// The helper cannot be started, or its input or output failed.
    #[error("cannot run {}: {source}", program.display())]
    Run {
        /// The path of the executable.
        program: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The helper was killed at the deadline.
    #[error("{program} {action} {server} timed out after {} s", deadline.as_secs_f64())]
    TimedOut {
        /// The executable.
        program: String,
        /// `get`, `store` or `erase`.
        action: &'static str,
        /// The server in the request.
        server: String,
        /// The deadline.
        deadline: Duration,
    },
    /// The helper printed more than the longest response.
    #[error("{program} {action} {server} printed more than {limit} bytes")]
    TooLong {
        /// The executable.
        program: String,
        /// `get`, `store` or `erase`.
        action: &'static str,
        /// The server in the request.
        server: String,
        /// The bound in bytes.
        limit: usize,
    },
    /// The helper exited with a failure.
    #[error("{program} {action} {server} failed ({status}): {message}")]
    Failed {
        /// The executable.
        program: String,
        /// `get`, `store` or `erase`.
        action: &'static str,
        /// The server in the request.
        server: String,
        /// The exit status.
        status: ExitStatus,
        /// The output without secrets.
        message: String,
    },
    /// The helper exited successfully without printing a credential.
    #[error("{program} get {server} did not print {{\"Username\": …, \"Secret\": …}}")]
    InvalidResponse {
        /// The executable.
        program: String,
        /// The server in the request.
        server: String,
    },
    /// The protocol cannot store registry tokens.
    #[error("{program} cannot store a registry token, only passwords and identity tokens")]
    Unsupported {
        /// The executable.
        program: String,
    },
}

/// The message with which helpers report that they have no credential; docker looks for it as well.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// The longest response in bytes.
const MAX_RESPONSE: usize = 64 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    #[serde(default)]
    username: String,
    secret: Secret,
}

impl HelperName {
    pub(super) fn parse(name: &str) -> Result<Self, HelperNameError> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || !name.chars().all(is_allowed) {
            return Err(HelperNameError { name: name.into() });
        }
        Ok(Self(name.into()))
    }

    /// Returns the name of the executable.
    fn program(&self) -> String {
        format!("docker-credential-{}", self.0)
    }
}

impl fmt::Display for HelperName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Helpers {
    /// Creates the settings for helpers in `search_path`, which has the form of `PATH`. Its
    /// relative directories are ignored. The deadline of one run is 30 s.
    pub fn new(search_path: impl Into<OsString>) -> Self {
        Self {
            search_path: search_path.into(),
            deadline: Duration::from_secs(30),
        }
    }

    /// Sets the deadline of one run.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Returns the credential for `server`, or `None` if the helper has none.
    pub(super) async fn get(
        &self,
        name: &HelperName,
        server: &str,
    ) -> Result<Option<Credential>, HelperError> {
        let call = Call {
            name,
            action: "get",
            server,
        };
        let output = self.run(&call, server.as_bytes()).await?;
        let response: Option<Response> = serde_json::from_slice(&output.stdout).ok();
        if !output.status.success() {
            if is_not_found(&output) {
                return Ok(None);
            }
            return Err(call.failed(&output, response.as_ref().map(|response| &response.secret)));
        }
        let response = response.ok_or_else(|| HelperError::InvalidResponse {
            program: name.program(),
            server: server.into(),
        })?;
        Ok(Credential::from_pair(response.username, response.secret))
    }

    /// Stores the credential of `server`.
    pub(super) async fn store(
        &self,
        name: &HelperName,
        server: &str,
        credential: &Credential,
    ) -> Result<(), HelperError> {
        let (username, secret) = match credential {
            Credential::Basic { username, password } => (username.as_str(), password),
            Credential::IdentityToken(token) => (TOKEN_USER, token),
            Credential::RegistryToken(_) => {
                let program = name.program();
                return Err(HelperError::Unsupported { program });
            }
        };
        let request = Zeroizing::new(
            json!({"ServerURL": server, "Username": username, "Secret": secret.expose()})
                .to_string(),
        );
        let call = Call {
            name,
            action: "store",
            server,
        };
        let output = self.run(&call, request.as_bytes()).await?;
        if output.status.success() {
            return Ok(());
        }
        Err(call.failed(&output, Some(secret)))
    }

    /// Erases the credential of `server`. Returns whether there was one.
    pub(super) async fn erase(&self, name: &HelperName, server: &str) -> Result<bool, HelperError> {
        let call = Call {
            name,
            action: "erase",
            server,
        };
        let output = self.run(&call, server.as_bytes()).await?;
        if output.status.success() {
            return Ok(true);
        }
        if is_not_found(&output) {
            return Ok(false);
        }
        Err(call.failed(&output, None))
    }

    async fn run(&self, call: &Call<'_>, input: &[u8]) -> Result<Output, HelperError> {
        let name = call.name.program();
        let Some(program) = find(&self.search_path, &name) else {
            return Err(HelperError::NotFound { program: name });
        };
        let run = Program::new(&program)
            .arg(call.action)
            // Helpers find their stores through variables of their own.
            .inherit_environment()
            .env("PATH", &self.search_path)
            .stdin(input.to_vec())
            .deadline(self.deadline)
            .max_stdout(MAX_RESPONSE)
            .keep_stderr(KeptStderr::First(4 * 1024))
            .run();
        let (action, server) = (call.action, call.server.to_owned());
        run.await.map_err(|error| match error {
            RunError::TimedOut { deadline, .. } => HelperError::TimedOut {
                program: name,
                action,
                server,
                deadline,
            },
            RunError::TooMuchOutput { limit, .. } => HelperError::TooLong {
                program: name,
                action,
                server,
                limit,
            },
            RunError::Io { source, .. } => HelperError::Run { program, source },
            error => HelperError::Run {
                program,
                source: io::Error::other(error),
            },
        })
    }
}

/// A request to a helper.
struct Call<'a> {
    name: &'a HelperName,
    action: &'static str,
    server: &'a str,
}

impl Call<'_> {
    fn failed(&self, output: &Output, secret: Option<&Secret>) -> HelperError {
        HelperError::Failed {
            program: self.name.program(),
            action: self.action,
            server: self.server.into(),
            status: output.status,
            message: message(output, secret),
        }
    }
}

fn is_not_found(output: &Output) -> bool {
    String::from_utf8_lossy(&output.stdout).contains(NOT_FOUND)
}

/// Returns the message of a failure on one line. docker's helper library prints messages to stdout,
/// other helpers print them to stderr. Output that may be a credential is left out, and a known
/// secret is replaced.
fn message(output: &Output, secret: Option<&Secret>) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stdout = if stdout.contains('{') { "" } else { &stdout };
    let mut text = format!("{} {}", stdout.trim(), stderr.trim());
    if let Some(secret) = secret.filter(|secret| !secret.expose().is_empty()) {
        text = text.replace(secret.expose(), "…");
    }
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .collect();
    let line = words.join(" ");
    let line: String = line.trim().chars().take(300).collect();
    if line.is_empty() {
        "no output".into()
    } else {
        line
    }
}
