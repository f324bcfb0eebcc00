//! The check of new credentials at their registry, before they are stored.

use registry_client::CredentialCheck;
use registry_client::credentials::{
    Credential, CredentialFile, CredentialSources, CredentialStore, Helpers, Secret,
};
use serde_json::json;

use crate::cli::failure::Failure;
use crate::registries::client;
use crate::session::Session;
use crate::terminal::hints;

/// Returns whether the registry has accepted the credentials; `false` if it requests none.
///
/// # Errors
///
/// [`Failure`] if the registry refuses them, or cannot be reached.
pub(super) async fn verify(
    session: &Session,
    key: &str,
    target: &(String, String),
    credential: &Credential,
) -> Result<bool, Failure> {
    let Credential::Basic { username, password } = credential else {
        return Ok(false);
    };
    let (host, repository) = target;
    let entry = json!({"username": username, "password": password.expose()});
    let content = json!({"auths": {format!("{host}/{repository}").trim_end_matches('/'): entry}});
    let content = Secret::from(content.to_string());
    let credentials = CredentialStore::new(CredentialSources {
        files: vec![CredentialFile::inline("the new credentials", content)],
        helpers: Helpers::new(""),
    });
    let client = client::build_for(
        &session.common,
        &session.environment,
        credentials,
        client::ClientLimits::default(),
    )?;
    let registry = client
        .registry(host, repository)
        .map_err(|error| Failure::failed(error.to_string()).hint(hints::for_host(host, &error)))?;
    let _waiting = session.progress_display.show_requests(&client);
    match registry.check().await {
        Ok(check) => match check.credentials {
            CredentialCheck::Accepted => Ok(true),
            // registries.conf maps the host to another, for which these are not.
            CredentialCheck::Missing => Err(Failure::failed(format!(
                "the credentials for {key} cannot be verified: registries.conf maps {host} to {}",
                registry.host_name()
            ))
            .hint("log in to that host, or add --no-verify".to_owned())),
            _ => Ok(false),
        },
        Err(error) if error.is_refused() => Err(Failure::refused(format!(
            "{host} refused the credentials; they were not stored: {error}"
        ))
        .hint("check user and password; some registries require a token as password".to_owned())),
        Err(error) => {
            let hint = hints::for_host(host, &error);
            let hint = hint.map_or_else(String::new, |hint| format!("{hint}; or "));
            Err(Failure::failed(format!(
                "the credentials cannot be verified and were not stored: {error}"
            ))
            .hint(format!("{hint}store them without a check with --no-verify")))
        }
    }
}
