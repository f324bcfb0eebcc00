//! `mirror retrieve-tags`

mod applied;
mod charts;
mod configuration;
mod documented;
mod explained;
mod result;
mod side_by_side;

use serde_json::Value;
use testkit::github::RunningGithub;
use testkit::program;

use crate::environment::TestEnvironment;

/// A place with a configuration and a list, whose GitHub is this one.
pub(crate) fn place(github: Option<&RunningGithub>, config: &Value, list: &str) -> TestEnvironment {
    let mut environment = TestEnvironment::new();
    // Nothing listens on port 1: without a GitHub nobody is asked.
    let api = github.map_or("http://127.0.0.1:1".to_owned(), RunningGithub::url);
    environment = environment
        .with("GITHUB_API_URL", &api)
        .with("HELM", program("helm").to_str().unwrap());
    environment.write("config.json", format!("{config:#}"));
    environment.write("images-list", list);
    environment
}
