//! The state of a fake.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use embedded_registry::RunningRegistry;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// The user of every fake.
pub(super) const USER: &str = "mirror";
/// The password of every fake, and the token of its API.
pub(super) const PASSWORD: &str = crate::canary!("vendor-password-");
/// The AWS access key of the fake of Amazon ECR. Its secret is the password.
pub(super) const ACCESS_KEY: &str = "AKIDEXAMPLE";

/// A vendor of a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// Amazon ECR: the registry needs no credentials, the API a signature.
    Ecr,
    /// Harbor.
    Harbor,
    /// GitLab: the registry is at the host of the API.
    GitLab,
    /// Quay.
    Quay,
    /// Docker Hub: the registry needs no credentials.
    DockerHub,
    /// GitHub: the registry needs no credentials, the API a token.
    GitHub,
    /// Azure Container Registry: the registry needs no credentials.
    Azure,
}

/// The state that requests read and change.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) vendor: Vendor,
    /// Repositories, or projects of Harbor and GitLab.
    pub(super) existing: BTreeSet<String>,
    /// Groups of GitLab; the ID is the index plus 10.
    pub(super) groups: Vec<String>,
    pub(super) is_forbidden: bool,
    pub(super) is_race: bool,
    /// The registry deletes no tags, as old versions of quay and GitLab.
    pub(super) keeps_tags: bool,
    pub(super) created: Vec<String>,
    pub(super) descriptions: BTreeMap<String, String>,
    pub(super) calls: Vec<String>,
}

/// A fake while it serves.
pub(super) struct Server {
    state: Mutex<State>,
    pub(super) registry: SocketAddr,
    pub(super) images: Arc<RunningRegistry>,
    pub(super) client: Client<HttpConnector, Incoming>,
}

impl State {
    pub(super) fn new(vendor: Vendor) -> Self {
        Self {
            vendor,
            existing: BTreeSet::new(),
            groups: Vec::new(),
            is_forbidden: false,
            is_race: false,
            keeps_tags: false,
            created: Vec::new(),
            descriptions: BTreeMap::new(),
            calls: Vec::new(),
        }
    }

    /// Creates a repository or project. Returns false if it exists, perhaps created by another client just before.
    pub(super) fn create(&mut self, path: &str) -> bool {
        if self.is_race {
            self.existing.insert(path.to_owned());
        }
        let is_new = self.existing.insert(path.to_owned());
        if is_new {
            self.created.push(path.to_owned());
        }
        is_new
    }

    /// Returns true if a push to a repository is accepted.
    pub(super) fn accepts(&self, repository: &str) -> bool {
        match self.vendor {
            Vendor::DockerHub | Vendor::GitHub | Vendor::Azure => true,
            Vendor::Ecr | Vendor::Quay => self.existing.contains(repository),
            Vendor::Harbor => {
                let project = repository.split('/').next().unwrap_or_default();
                self.existing.contains(project)
            }
            Vendor::GitLab => {
                let is_in = |project: &String| {
                    let rest = repository.strip_prefix(project.as_str());
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                };
                self.existing.iter().any(is_in)
            }
        }
    }
}

impl Server {
    pub(super) fn new(state: State, images: Arc<RunningRegistry>) -> Self {
        Self {
            state: Mutex::new(state),
            registry: images.address(),
            images,
            client: Client::builder(TokioExecutor::new()).build(HttpConnector::new()),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
