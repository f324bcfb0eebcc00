//! `mirror retrieve-tags --open-prs`, against a server that answers like GitHub.

mod flow;
mod refusals;

use embedded_registry::RunningRegistry;
use serde_json::json;
use testkit::github::{FakeGithub, Pull, Release, RunningGithub};

use crate::add_tag::registry_with;
use crate::environment::{Finished, TestEnvironment};

pub(crate) const REPOSITORY: &str = "us/mirror";

/// A checkout of `us/mirror`, whose list has one etcd, and what its entries ask.
pub(crate) struct World {
    pub(crate) github: RunningGithub,
    pub(crate) registry: RunningRegistry,
    pub(crate) environment: TestEnvironment,
}

impl World {
    /// `images` are in the registry, `releases` are etcd's.
    pub(crate) async fn new(images: &[&str], releases: &[&str]) -> Self {
        let registry = registry_with(images).await;
        let github = FakeGithub::new().token(testkit::CANARY).start().await;
        for tag in releases {
            github.release("etcd-io/etcd", Release::new(tag));
        }
        let environment = TestEnvironment::new()
            .with("GITHUB_API_URL", &github.url())
            .with("GITHUB_TOKEN", testkit::CANARY)
            .with("GITHUB_REPOSITORY", REPOSITORY);
        let r = registry.host();
        let config = json!({ "etcd": {
            "images": [format!("{r}/etcd")],
            "versionSource": "github-releases:etcd-io/etcd",
        } });
        environment.write("config.json", config.to_string());
        let world = Self {
            github,
            registry,
            environment,
        };
        world.merge(&format!("# ours\n{r}/etcd {r}/m/etcd v3.5.0\n"));
        let git = |args: &[&str]| world.environment.run("git", args);
        git(&["init", "-q", "-b", "main"]);
        world
    }

    /// The list, here and at GitHub.
    pub(crate) fn merge(&self, list: &str) {
        self.environment.write("images-list", list);
        self.github
            .commit(REPOSITORY, "main", &[("images-list", list)]);
    }

    pub(crate) fn run(&self) -> Finished {
        self.environment.mirror("retrieve-tags --open-prs")
    }

    pub(crate) fn pulls(&self) -> Vec<Pull> {
        self.github.pulls(REPOSITORY)
    }
}
