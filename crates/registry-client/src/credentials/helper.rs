//! Credential helpers: the protocol of docker-credential-helpers.
//!
//! `docker-credential-NAME get|store|erase`, the request on stdin, the answer
//! or the message of a failure on stdout.

use std::ffi::OsString;
use std::io;
use std::time::Duration;

use program_runner::{KeptStderr, Output, Program, RunError, find};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::credential::{Credential, TOKEN_USER};
use super::helper_error::HelperError;
use super::helper_name::HelperName;
use super::secret::Secret;

/// Where helpers are found and how long one may take.
#[derive(Debug, Clone)]
pub struct Helpers {
    search_path: OsString,
    deadline: Duration,
}

/// What docker's own client takes as "none", whoever says it.
const NOT_FOUND: &str = "credentials not found in native keychain";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    secret: Secret,
}

/// The bound of an answer, in bytes: no credential is longer.
const MAX_ANSWER: usize = 64 * 1024;

impl Helpers {
    /// Looks for helpers in `search_path`, of the form of `PATH`; what is not an
    /// absolute folder in it does not count. One run may take 30 s.
    pub fn new(search_path: impl Into<OsString>) -> Self {
        Self {
            search_path: search_path.into(),
            deadline: Duration::from_secs(30),
        }
    }

    /// The same with another deadline for one run.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Asks for the credential of `server`.
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
        let done = self.run(&call, server.as_bytes()).await?;
        let answer: Option<Answer> = serde_json::from_slice(&done.stdout).ok();
        if !done.status.success() {
            if is_not_found(&done) {
                return Ok(None);
            }
            return Err(call.failed(&done, answer.as_ref().map(|answer| &answer.secret)));
        }
        let answer = answer.ok_or_else(|| HelperError::Answer {
            program: name.program(),
            server: server.into(),
        })?;
        Ok(Credential::from_pair(answer.username, answer.secret))
    }

    /// Gives it the credential of `server` to keep.
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
        let done = self.run(&call, request.as_bytes()).await?;
        if done.status.success() {
            return Ok(());
        }
        Err(call.failed(&done, Some(secret)))
    }

    /// Lets it forget `server`; `false` where it knew nothing.
    pub(super) async fn erase(&self, name: &HelperName, server: &str) -> Result<bool, HelperError> {
        let call = Call {
            name,
            action: "erase",
            server,
        };
        let done = self.run(&call, server.as_bytes()).await?;
        if done.status.success() {
            return Ok(true);
        }
        if is_not_found(&done) {
            return Ok(false);
        }
        Err(call.failed(&done, None))
    }

    async fn run(&self, call: &Call<'_>, input: &[u8]) -> Result<Output, HelperError> {
        let name = call.name.program();
        let Some(program) = find(&self.search_path, &name) else {
            return Err(HelperError::NotFound { program: name });
        };
        let run = Program::new(&program)
            .arg(call.action)
            // Helpers find their keys through variables of their own.
            .inherit_environment()
            .env("PATH", &self.search_path)
            .stdin(input.to_vec())
            .deadline(self.deadline)
            .max_stdout(MAX_ANSWER)
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

/// One request to a helper, for messages.
struct Call<'a> {
    name: &'a HelperName,
    action: &'static str,
    server: &'a str,
}

impl Call<'_> {
    fn failed(&self, done: &Output, known: Option<&Secret>) -> HelperError {
        HelperError::Failed {
            program: self.name.program(),
            action: self.action,
            server: self.server.into(),
            status: done.status,
            message: what_it_said(done, known),
        }
    }
}

fn is_not_found(done: &Output) -> bool {
    String::from_utf8_lossy(&done.stdout).contains(NOT_FOUND)
}

/// docker's helper library writes its message to stdout, others to stderr. What
/// looks like an answer is left out of it, and the secret wherever it is known.
fn what_it_said(done: &Output, known: Option<&Secret>) -> String {
    let stdout = String::from_utf8_lossy(&done.stdout);
    let stderr = String::from_utf8_lossy(&done.stderr);
    let stdout = if stdout.contains('{') { "" } else { &stdout };
    let mut said = format!("{} {}", stdout.trim(), stderr.trim());
    if let Some(secret) = known.filter(|secret| !secret.expose().is_empty()) {
        said = said.replace(secret.expose(), "…");
    }
    let words: Vec<&str> = said
        .split(|c: char| c.is_whitespace() || c.is_control())
        .collect();
    let line = words.join(" ");
    let line: String = line.trim().chars().take(300).collect();
    if line.is_empty() {
        "it said nothing".into()
    } else {
        line
    }
}
