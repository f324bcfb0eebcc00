//! The clients of the version sources, built from options and environment.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use registry_client::Client;
use tag_retrieval::github::{Github, GithubOptions};
use tag_retrieval::gitlab::Gitlab;
use tag_retrieval::helm::{Helm, HelmSettings};
use tag_retrieval::{GitSettings, Organization, Upstreams};
use tempfile::TempDir;

use super::client;
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
        let scratch = match programs {
            Programs::Needed => Some(scratch()?),
            Programs::NotNeeded => None,
        };
        let directory = |name: &str| scratch.as_ref().map(|scratch| scratch.path().join(name));
        let environment = &session.environment;
        let helm = HelmSettings {
            program: helm_program(environment),
            environment: environment.helm_variables.clone(),
            registry_config: client::first_auth_file(&session.common, environment),
            scratch: directory("helm").unwrap_or_default(),
            confiner: environment.confiner.clone(),
            deadline,
            processes: available_parallelism().map_or(2, usize::from),
        };
        let clients = Upstreams {
            registries,
            github: github(environment, deadline),
            gitlab: gitlab(environment, deadline),
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

/// Creates the temporary directory of helm and git.
fn scratch() -> Result<TempDir, Failure> {
    let scratch = tempfile::Builder::new().prefix("mirror-").tempdir();
    scratch.map_err(|error| {
        let cause = io_message(&error);
        Failure::failed(format!("cannot create a temporary directory: {cause}"))
    })
}

/// Creates the GitHub client from `GITHUB_API_URL` and `GITHUB_TOKEN`.
pub(crate) fn github(environment: &Environment, timeout: Duration) -> Github {
    let defaults = GithubOptions::default();
    Github::new(GithubOptions {
        api: environment.github_api.clone().unwrap_or(defaults.api),
        token: environment.github_token.clone(),
        timeout,
        ..defaults
    })
}

/// Creates the client for the GitLab in `GITLAB_HOST` that `GITLAB_TOKEN` is for.
fn gitlab(environment: &Environment, timeout: Duration) -> Option<Gitlab> {
    let token = environment.gitlab_token.clone()?;
    let host = environment.gitlab_host.as_deref().unwrap_or("gitlab.com");
    let is_loopback = host.starts_with("127.0.0.1:") || host.starts_with("localhost:");
    let scheme = if is_loopback { "http" } else { "https" };
    let api = format!("{scheme}://{host}/api/v4");
    Some(Gitlab::new(&api, Some(token), timeout))
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
