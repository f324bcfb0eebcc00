//! `mirror retrieve-tags`

mod apply;
mod charts;
mod concurrency;
mod config;
mod confinement;
mod examples;
mod explain;
mod output;

use serde_json::Value;
use testkit::github::RunningGithub;
use testkit::program;

use crate::environment::TestEnvironment;

/// An environment with a configuration, a list and a GitHub.
pub(crate) fn environment_with(
    github: Option<&RunningGithub>,
    config: &Value,
    list: &str,
) -> TestEnvironment {
    let mut environment = TestEnvironment::new();
    // Nothing listens on port 1: a test without a GitHub sends no request.
    let api = github.map_or("http://127.0.0.1:1".to_owned(), RunningGithub::url);
    environment = environment
        .with_env("GITHUB_API_URL", &api)
        .with_env("HELM", program("helm").to_str().unwrap());
    environment.write("config.json", format!("{config:#}"));
    environment.write("images-list", list);
    environment
}
