//! `mirror logout`: removes the stored credentials for a registry.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use registry_client::credentials::{
    Helpers, LoginError, LoginLocation, StoredLogin, parse_login_key, remove_login,
};
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::registries::client;
use crate::session::Session;

/// The arguments of `logout`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror logout quay.io
  mirror logout registry.example.com/team --authfile auth.json")]
pub(crate) struct LogoutArgs {
    /// Registry, or HOST/PATH as given to `mirror login`
    #[arg(value_name = "HOST")]
    pub(crate) host: String,
}

/// The result.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Logout {
    host: String,
    /// The places from which credentials were removed.
    removed: Vec<Place>,
    /// The places of further credentials, which `login` did not store.
    remaining: Vec<Place>,
}

/// A file, or the helper that it configures.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Place {
    file: PathBuf,
    helper: Option<String>,
}

/// Runs the command. The credentials are removed from the file to which `login` writes, and from its
/// helper. Those in other files are reported.
///
/// # Errors
///
/// [`Failure`] if no credentials are stored there, or the file or helper cannot be changed.
pub(super) async fn run(session: &Session, args: &LogoutArgs) -> Result<Exit, Failure> {
    let (common, environment) = (&session.common, &session.environment);
    let host = &args.host;
    let Some(file) = client::login_file(common, environment) else {
        return Err(
            Failure::unusable("cannot find the credentials file: HOME is not set")
                .hint("set the file with --authfile FILE".to_owned()),
        );
    };
    let (name, path) = parse_login_key(host).map_err(|error| cannot_remove(&error))?;
    let helpers = Helpers::new(&environment.path);
    let removed = remove_login(&file, host, &helpers).await;
    let removed = removed.map_err(|error| cannot_remove(&error))?;
    let store = client::credential_store(common, environment)?;
    let left = store.entries().await;
    let mut left = left.map_err(|error| Failure::failed(error.to_string()))?;
    // A helper for all hosts may have none for this one.
    left.retain(|entry| entry.key != "*" && entry.covers(&name, &path));
    if removed.is_empty() {
        let message = format!("no credentials for {host} are stored in {}", file.display());
        let hint = match left.first() {
            Some(entry) => format!(
                "they are in {}: name that file with --authfile",
                place(&entry.location)
            ),
            None => "list the stored credentials with `mirror login --status`".to_owned(),
        };
        return Err(Failure::failed(message).hint(hint));
    }
    let mut text = String::new();
    for location in &removed {
        writeln!(
            text,
            "credentials for {host} removed from {}",
            place(location)
        )
        .ok();
    }
    for StoredLogin { key, location, .. } in &left {
        tracing::warn!("credentials for {key} remain in {}", place(location));
    }
    let document = Logout {
        host: host.clone(),
        removed: removed.iter().map(Place::from).collect(),
        remaining: left
            .iter()
            .map(|entry| Place::from(&entry.location))
            .collect(),
    };
    session.output.write(&text, &document)?;
    Ok(Exit::Done)
}

fn cannot_remove(error: &LoginError) -> Failure {
    match error {
        LoginError::Key { .. } => Failure::unusable(error.to_string()),
        _ => Failure::failed(error.to_string()),
    }
}

fn place(location: &LoginLocation) -> String {
    match location {
        LoginLocation::File(file) => file.display().to_string(),
        LoginLocation::Helper { name, file } => {
            format!(
                "docker-credential-{name}, which {} configures",
                file.display()
            )
        }
    }
}

impl From<&LoginLocation> for Place {
    fn from(location: &LoginLocation) -> Self {
        match location {
            LoginLocation::File(file) => Self {
                file: file.clone(),
                helper: None,
            },
            LoginLocation::Helper { name, file } => Self {
                file: file.clone(),
                helper: Some(name.clone()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::document_schema;

    #[test]
    fn schema_is_documented() {
        document_schema::assert_documented::<Logout>("logout");
    }
}
