//! `mirror retrieve-tags --open-prs`, against a fake GitHub.

mod gitlab;
mod living;
mod preconditions;
mod proposals;

use embedded_registry::RunningRegistry;
use serde_json::json;
use testkit::github::{FakeGithub, Pull, Release, RunningGithub};

use crate::environment::{CommandOutput, TestEnvironment, registry_with};

pub(crate) const REPOSITORY: &str = "us/mirror";

/// A checkout of `us/mirror` whose list has one etcd tag, with its registry and GitHub.
pub(crate) struct Checkout {
    pub(crate) github: RunningGithub,
    pub(crate) registry: RunningRegistry,
    pub(crate) environment: TestEnvironment,
}

impl Checkout {
    /// Starts with `images` in the registry and `releases` of etcd on GitHub.
    pub(crate) async fn new(images: &[&str], releases: &[&str]) -> Self {
        let registry = registry_with(images).await;
        let github = FakeGithub::new().token(testkit::CANARY).start().await;
        for tag in releases {
            github.release("etcd-io/etcd", Release::new(tag));
        }
        let environment = TestEnvironment::new()
            .with_env("GITHUB_API_URL", &github.url())
            .with_env("GITHUB_TOKEN", testkit::CANARY)
            .with_env("GITHUB_REPOSITORY", REPOSITORY);
        let r = registry.host();
        let config = json!({ "etcd": {
            "images": [format!("{r}/etcd")],
            "versionSource": "github-releases:etcd-io/etcd",
        } });
        environment.write("config.json", config.to_string());
        let checkout = Self {
            github,
            registry,
            environment,
        };
        checkout.merge(&format!("# ours\n{r}/etcd {r}/m/etcd v3.5.0\n"));
        checkout.environment.git(&["init", "-q", "-b", "main"]);
        checkout
    }

    /// Writes the list, locally and on GitHub.
    pub(crate) fn merge(&self, list: &str) {
        self.environment.write("images-list", list);
        self.github
            .commit(REPOSITORY, "main", &[("images-list", list)]);
    }

    pub(crate) fn open_prs(&self) -> CommandOutput {
        self.environment.mirror("retrieve-tags --open-prs")
    }

    pub(crate) fn pulls(&self) -> Vec<Pull> {
        self.github.pulls(REPOSITORY)
    }
}
