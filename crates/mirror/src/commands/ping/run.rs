//! Running `mirror ping`.

use std::sync::Arc;

use clap::Args;
use image_name::{Digest, Host, RepositoryName, RepositoryPath};
use oci_spec::distribution::Reference;
use registry_client::credentials::parse_login_key;
use registry_client::{
    Access, Client, Content, CredentialCheck, Error, Mount, Referrers, Registry, Repository,
    UploadsOnly,
};

use super::report::{CheckJson, CredentialsJson, Pinged, RateLimitJson, TlsJson};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::registries::client;
use crate::session::Session;
use crate::terminal::hints::{self, Operation};

/// The arguments of `ping`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror ping quay.io
  mirror ping docker.io --repository library/busybox    also referrers API and rate limit
  mirror ping registry.example.com --push mirror/etcd   also the right to push, and mounts")]
pub(crate) struct PingArgs {
    /// Registry
    #[arg(value_name = "HOST")]
    pub(crate) host: String,
    /// Repository for referrers API and rate limit [default: that of --push]
    #[arg(long, value_name = "REPO")]
    pub(crate) repository: Option<RepositoryPath>,
    /// Check the right to push to REPO with an upload that is canceled
    #[arg(long, value_name = "REPO")]
    pub(crate) push: Option<RepositoryPath>,
}

/// A digest that no content has.
const NO_CONTENT: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// Runs the command.
///
/// # Errors
///
/// [`Failure`] if the registry cannot be reached, or refuses the credentials.
pub(crate) async fn run(session: &Session, args: &PingArgs) -> Result<Exit, Failure> {
    let (host, path) =
        parse_login_key(&args.host).map_err(|error| Failure::unusable(error.to_string()))?;
    host.parse::<Host>().map_err(|error| {
        Failure::unusable(error.to_string()).hint("write HOST or HOST:PORT".to_owned())
    })?;
    if !path.is_empty() {
        return Err(Failure::unusable(format!(
            "{} is not a registry: expected HOST[:PORT]",
            args.host
        ))
        .hint(format!("name the repository with --repository {path}")));
    }
    let client = client::build(&session.common, &session.environment)?;
    let _waiting = session.progress_display.show_requests(&client);
    let repository = args.repository.as_ref().or(args.push.as_ref());
    let repository = repository.map(|path| name(&host, path)).transpose()?;
    let credentials_of = repository.as_ref().map_or("", |name| name.path().as_str());
    let failure = |error: Error| failure(&host, &error);
    let registry = client.registry(&host, credentials_of).map_err(failure)?;
    let credentials = credentials(&registry).await.map_err(failure)?;
    let check = registry.check().await.map_err(failure)?;
    let mut pinged = Pinged::new(&args.host, registry.host_name(), &check);
    pinged.credentials = credentials;
    // The handshake repeats what the request has shown to work, so its failure only hides details.
    pinged.tls = registry.tls_info().await.ok().flatten().map(TlsJson::from);
    let mut has_findings = matches!(check.credentials, CredentialCheck::Unsuitable);
    if let Some(name) = &repository {
        let source = read_only(&client, name).map_err(failure)?;
        let found = source.rate_limit().await.unwrap_or_default();
        pinged.rate_limit = found.limit.map(RateLimitJson::from);
        pinged.is_throttled = found.is_throttled;
        has_findings |= found.is_throttled;
        // A registry that refuses requests would let the others wait for minutes.
        if !found.is_throttled {
            pinged.set_referrers(referrers(&source).await);
        }
    }
    if let Some(path) = &args.push {
        let name = name(&host, path)?;
        let target = pushable(&client, &name, path).map_err(failure)?;
        let push = push(&target, &reference(&name)).await;
        has_findings |= push.is_denied();
        if !pinged.is_throttled {
            pinged.mounts = mounts(&target).await;
        }
        pinged.push = Some(push);
    }
    session.output.write(&pinged, &pinged)?;
    Ok(Exit::from_findings(has_findings))
}

fn name(host: &str, path: &RepositoryPath) -> Result<RepositoryName, Failure> {
    format!("{host}/{path}")
        .parse()
        .map_err(|error| Failure::unusable(format!("{host}/{path}: {error}")))
}

fn failure(host: &str, error: &Error) -> Failure {
    let message = format!("{host} cannot be used: {error}");
    if error.is_refused() {
        let hint = match error.is_refused_anonymous() {
            true => format!("no credentials were sent: log in with `mirror login {host}`"),
            false => format!("log in again with `mirror login {host}`"),
        };
        return Failure::refused(message).hint(hint);
    }
    Failure::failed(message).hint(hints::for_host(host, error))
}

async fn credentials(registry: &Registry) -> Result<Option<CredentialsJson>, Error> {
    let found = registry.credential_location().await?;
    Ok(found.map(|(location, username)| CredentialsJson::new(location, username)))
}

fn reference(name: &RepositoryName) -> Reference {
    let (host, path) = (name.host().to_string(), name.path().to_string());
    Reference::with_tag(host, path, "latest".to_owned())
}

fn read_only(client: &Client, name: &RepositoryName) -> Result<Repository, Error> {
    client.destination(&reference(name), Access::Pull)
}

fn pushable(
    client: &Client,
    name: &RepositoryName,
    path: &RepositoryPath,
) -> Result<Repository, Error> {
    let target = client.destination(&reference(name), Access::Push)?;
    let writes = UploadsOnly {
        host: target.host_name().to_owned(),
        repository: target.path().clone(),
    };
    tracing::debug!("checking the right to push to {path}");
    client
        .with_writes(Arc::new(writes))
        .destination(&reference(name), Access::Push)
}

/// Returns whether the registry has the referrers API, `None` if the repository cannot be read.
async fn referrers(repository: &Repository) -> Option<bool> {
    let digest: Digest = NO_CONTENT.parse().ok()?;
    match repository.referrers(&digest).await {
        Ok(Referrers::Listed(_)) => Some(true),
        Ok(_) => match repository.referrers_support() {
            registry_client::Support::Yes => Some(true),
            registry_client::Support::No => Some(false),
            registry_client::Support::Unknown => None,
        },
        Err(_) => None,
    }
}

/// Starts an upload and cancels it.
async fn push(target: &Repository, image: &Reference) -> CheckJson {
    match target.begin_upload().await {
        Ok(session) => {
            target.cancel_upload(session).await;
            CheckJson::allowed(target)
        }
        Err(error) => {
            let hint = hints::for_request(Operation::Write, image, &error);
            CheckJson::denied(
                target,
                &Failure::failed(error.to_string()).hint(hint).text(),
            )
        }
    }
}

/// Mounts the config of an image from its own repository, which changes nothing. Returns `None` without
/// an image.
async fn mounts(target: &Repository) -> Option<bool> {
    let last = target.fold_tags(|| None, |last, tag| *last = Some(tag));
    let tag = last.await.ok()??.tags?;
    let manifest = target.manifest(tag).await.ok()??;
    let mut content = manifest.content().ok()?;
    if let Content::Index { manifests, .. } = &content {
        let digest: Digest = manifests.first()?.digest().as_ref().parse().ok()?;
        content = target.manifest(&digest).await.ok()??.content().ok()?;
    }
    let Content::Image { layers, .. } = content else {
        return None;
    };
    let digest: Digest = layers.first()?.digest().as_ref().parse().ok()?;
    match target.mount(&digest, target.path()).await.ok()? {
        Mount::Mounted => Some(true),
        Mount::Unanswered => None,
        Mount::Session(session) => {
            target.cancel_upload(session).await;
            Some(false)
        }
    }
}
