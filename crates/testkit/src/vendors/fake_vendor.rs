//! The options of a fake, and a running one.

use std::net::SocketAddr;
use std::sync::Arc;

use embedded_registry::{HttpListener, HttpServer, Registry, RunningRegistry};

use super::server::respond;
use super::state::{ACCESS_KEY, PASSWORD, Server, State, USER, Vendor};

/// The options of a fake that is not started.
#[derive(Clone, Debug)]
pub struct FakeVendor {
    state: State,
}

/// A fake that runs until it is dropped.
pub struct RunningVendor {
    server: Arc<Server>,
    registry: Arc<RunningRegistry>,
    address: SocketAddr,
    _http: HttpServer,
}

impl FakeVendor {
    /// Creates the options of a registry without repositories and projects. At GitLab there is the group
    /// `team`.
    pub fn new(vendor: Vendor) -> Self {
        let mut state = State::new(vendor);
        state.groups.push("team".to_owned());
        Self { state }
    }

    /// Adds a repository, or a project of Harbor or GitLab.
    #[must_use]
    pub fn existing(mut self, path: &str) -> Self {
        self.state.existing.insert(path.to_owned());
        self
    }

    /// Adds a group of GitLab.
    #[must_use]
    pub fn group(mut self, path: &str) -> Self {
        self.state.groups.push(path.to_owned());
        self
    }

    /// The account may push, but not create.
    #[must_use]
    pub fn forbidden(mut self) -> Self {
        self.state.is_forbidden = true;
        self
    }

    /// Another client creates what is requested, just before each request to create it. At GitHub, it tags each
    /// version with a tag once more, and the registry does not list that.
    #[must_use]
    pub fn race(mut self) -> Self {
        self.state.is_race = true;
        self
    }

    /// The registry deletes no tags, as old versions of quay and GitLab.
    #[must_use]
    pub fn keep_tags(mut self) -> Self {
        self.state.keeps_tags = true;
        self
    }

    /// Starts the fake on a free port.
    pub async fn start(self) -> RunningVendor {
        let registry = Registry::new().access_log(1000).start().await;
        let registry = Arc::new(registry.expect("a free port"));
        let listener = HttpListener::bind().await.expect("a free port");
        let address = listener.address();
        let server = Arc::new(Server::new(self.state, Arc::clone(&registry)));
        let http = listener.serve({
            let server = Arc::clone(&server);
            move |request| respond(Arc::clone(&server), request)
        });
        RunningVendor {
            server,
            registry,
            address,
            _http: http,
        }
    }
}

impl RunningVendor {
    /// Returns the address of the registry and of the API.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the host of the registry and of the API.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Returns the user and the password of the registry. The password is also the token of the API of
    /// GitLab and quay, and the secret access key of AWS.
    pub fn login() -> (&'static str, &'static str) {
        (USER, PASSWORD)
    }

    /// Returns the AWS access key.
    pub fn access_key() -> &'static str {
        ACCESS_KEY
    }

    /// Returns the registry behind the fake, with what was pushed.
    pub fn registry(&self) -> &RunningRegistry {
        &self.registry
    }

    /// Returns what was created through the API, in this order: repositories, or projects of Harbor and
    /// GitLab.
    pub fn created(&self) -> Vec<String> {
        self.server.state().created.clone()
    }

    /// Returns the requests to the API: method, path and status.
    pub fn calls(&self) -> Vec<String> {
        self.server.state().calls.clone()
    }

    /// Returns the description of a repository of Docker Hub.
    pub fn description(&self, repository: &str) -> Option<String> {
        self.server.state().descriptions.get(repository).cloned()
    }

    /// Sets the description of a repository of Docker Hub, which creates the repository.
    pub fn describe(&self, repository: &str, text: &str) {
        let mut state = self.server.state();
        state
            .descriptions
            .insert(repository.to_owned(), text.to_owned());
    }
}
