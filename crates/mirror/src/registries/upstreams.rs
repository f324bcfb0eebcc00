//! The clients of the version sources, built from options and environment.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use registry_client::Client;
use registry_client::credentials::auth_file_in_pull_secret;
use tag_retrieval::github::{Github, GithubOptions};
use tag_retrieval::gitlab::Gitlab;
use tag_retrieval::helm::{Helm, HelmSettings};
use tag_retrieval::{GitSettings, Organization, Upstreams};
use tempfile::TempDir;

use super::client;
use crate::cli::api_variables::SourceApis;
use crate::cli::environment::Environment;
use crate::cli::failure::Failure;
use crate::files::atomic_file::io_message;
use crate::session::Session;

/// The clients of the version sources, for one run.
#[derive(Debug)]
pub(crate) struct RunUpstreams {
    /// The clients.
    pub(crate) clients: Upstreams,
    /// The directory of helm and git, removed at the end.
    _scratch: Option<TempDir>,
}

/// The programs that version sources run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Programs {
    /// Sources may run git and helm, which need a temporary directory.
    Needed,
    /// No source runs a program, so the file system can be read-only.
    NotNeeded,
}

impl RunUpstreams {
    /// Creates the clients. No request is sent.
    ///
    /// # Errors
    ///
    /// [`Failure`] for invalid settings, and without a temporary directory for programs.
    pub(crate) fn new(
        session: &Session,
        registries: Client,
        own_org: Option<Organization>,
        deadline: Duration,
        programs: Programs,
    ) -> Result<Self, Failure> {
        let apis = session.environment.apis.source_apis()?;
        let scratch = match programs {
            Programs::Needed => Some(scratch()?),
            Programs::NotNeeded => None,
        };
        let directory = |name: &str| scratch.as_ref().map(|scratch| scratch.path().join(name));
        let environment = &session.environment;
        let helm = HelmSettings {
            program: helm_program(environment),
            environment: environment.helm_variables.clone(),
            registry_config: helm_auth_file(session, scratch.as_ref())?,
            scratch: directory("helm").unwrap_or_default(),
            confiner: environment.confiner.clone(),
            deadline,
            processes: available_parallelism().map_or(2, usize::from),
        };
        let clients = Upstreams {
            registries,
            github: github(&apis, deadline),
            gitlab: gitlab(&apis, deadline)?,
            git: GitSettings {
                scratch: directory("git"),
                ..environment.git_tags.clone()
            },
            helm: Arc::new(Helm::new(helm)),
            tag_lists: Arc::default(),
            own_org,
            now: std::time::SystemTime::now().into(),
        };
        Ok(Self {
            clients,
            _scratch: scratch,
        })
    }
}

/// Returns the auth file for helm: the first one. The auth file in a pull secret of Kubernetes, which helm
/// cannot read, is written to the temporary directory, which only this user can read.
fn helm_auth_file(
    session: &Session,
    scratch: Option<&TempDir>,
) -> Result<Option<PathBuf>, Failure> {
    let Some(path) = client::first_auth_file(&session.common, &session.environment) else {
        return Ok(None);
    };
    let content = std::fs::read(&path).unwrap_or_default();
    let (Some(content), Some(scratch)) = (auth_file_in_pull_secret(&content), scratch) else {
        return Ok(Some(path));
    };
    let path = scratch.path().join("auth.json");
    std::fs::write(&path, content.expose()).map_err(|error| {
        let cause = io_message(&error);
        Failure::failed(format!("cannot write to the temporary directory: {cause}"))
    })?;
    Ok(Some(path))
}

/// Creates the temporary directory of helm and git.
fn scratch() -> Result<TempDir, Failure> {
    let scratch = tempfile::Builder::new().prefix("mirror-").tempdir();
    scratch.map_err(|error| {
        let cause = io_message(&error);
        Failure::failed(format!("cannot create a temporary directory: {cause}"))
    })
}

/// Creates the GitHub client.
fn github(apis: &SourceApis, timeout: Duration) -> Github {
    Github::new(GithubOptions {
        api: apis.github_api.clone(),
        token: apis.github_token.clone(),
        timeout,
        ..GithubOptions::default()
    })
}

/// Creates the client for the GitLab that the token is for, `None` without a token.
fn gitlab(apis: &SourceApis, timeout: Duration) -> Result<Option<Gitlab>, Failure> {
    let Some(token) = apis.gitlab_token.clone() else {
        return Ok(None);
    };
    let host = &apis.gitlab_host;
    let is_loopback = host.starts_with("127.0.0.1:") || host.starts_with("localhost:");
    let scheme = if is_loopback { "http" } else { "https" };
    let api = format!("{scheme}://{host}/api/v4");
    let api = api.parse().map_err(|error| {
        Failure::unusable(format!("invalid GITLAB_HOST `{host}`: {error}"))
            .hint("write the host alone: GITLAB_HOST=HOST[:PORT]".to_owned())
    })?;
    Ok(Some(Gitlab::new(&api, Some(token), timeout)))
}

/// Returns the program in `HELM`, or `helm` in `PATH`.
fn helm_program(environment: &Environment) -> Option<PathBuf> {
    let named = environment.helm.clone();
    named.or_else(|| {
        let folders = std::env::split_paths(&environment.path);
        let mut programs = folders.map(|folder| folder.join("helm"));
        programs.find(|program| program.is_file())
    })
}
