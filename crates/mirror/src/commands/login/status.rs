//! `mirror login --status`: where credentials come from.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use registry_client::credentials::{LoginLocation, StoredLogin};
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::registries::client;
use crate::session::Session;

/// The stored credentials in the order of lookup, without secrets.
#[derive(Debug, Serialize)]
pub(super) struct LoginStatus {
    logins: Vec<LoginJson>,
}

#[derive(Debug, Serialize)]
struct LoginJson {
    /// `HOST[:PORT][/PATH]`, `*` for a helper for all other hosts.
    host: String,
    file: PathBuf,
    helper: Option<String>,
    username: Option<String>,
    problem: Option<String>,
}

/// Prints the stored credentials, or those for one registry or path.
///
/// # Errors
///
/// [`Failure`] for an auth file that cannot be read.
pub(super) async fn run(
    session: &Session,
    target: Option<&(String, String)>,
) -> Result<Exit, Failure> {
    let store = client::credential_store(&session.common, &session.environment)?;
    let entries = store.entries().await;
    let entries = entries.map_err(|error| Failure::failed(error.to_string()))?;
    let is_selected = |entry: &StoredLogin| {
        target.is_none_or(|(host, repository)| entry.covers(host, repository))
    };
    let logins = entries.into_iter().filter(is_selected).map(LoginJson::from);
    let status = LoginStatus {
        logins: logins.collect(),
    };
    session.output.write(&status, &status)?;
    Ok(Exit::Done)
}

impl From<StoredLogin> for LoginJson {
    fn from(login: StoredLogin) -> Self {
        let (file, helper) = match login.location {
            LoginLocation::File(file) => (file, None),
            LoginLocation::Helper { name, file } => (file, Some(name)),
        };
        Self {
            host: login.key,
            file,
            helper,
            username: login.username,
            problem: login.problem.map(|problem| problem.to_string()),
        }
    }
}

impl Display for LoginStatus {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.logins.is_empty() {
            return writeln!(f, "no credentials stored");
        }
        let width = self.logins.iter().map(|login| login.host.len()).max();
        for login in &self.logins {
            let width = width.unwrap_or_default();
            write!(f, "{:width$}  {}", login.host, login.file.display())?;
            if let Some(helper) = &login.helper {
                write!(f, ", docker-credential-{helper}")?;
            }
            if let Some(username) = &login.username {
                write!(f, ", user {username}")?;
            }
            if let Some(problem) = &login.problem {
                write!(f, ", unusable: {problem}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
