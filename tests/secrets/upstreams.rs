//! What version sources are asked with: GitHub's token, passwords in addresses, a proxy's.

use std::collections::HashMap;
use std::fs;

use embedded_registry::images::{Platform, sample_image};
use serde_json::json;
use testkit::github::{FakeGithub, Release};
use testkit::program;
use testkit::{Chart, index_charts};

use super::canary::{Canary, search};
use super::gatekeeper::Gatekeeper;
use crate::environment::TestEnvironment;
use crate::open_prs::REPOSITORY;

const USER: &str = "robot";
const RIGHT: &str = testkit::canary!("right-");
const WRONG: &str = testkit::canary!("wrong-");

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_github_shows_nowhere() {
    let registry = embedded_registry::Registry::new().start().await.unwrap();
    let image = sample_image("etcd", 1, &[Platform::linux("amd64")], 1).unwrap();
    image.push(&registry, "etcd", Some("v3.5.1"));
    let github = FakeGithub::new().token(RIGHT).start().await;
    github.release("etcd-io/etcd", Release::new("v3.5.1"));
    let host = registry.host();
    let list = format!("{host}/etcd {host}/m/etcd v3.5.0\n");
    github.commit(REPOSITORY, "main", &[("images-list", &list)]);
    for (token, code) in [(RIGHT, 0), (WRONG, 1)] {
        let environment = TestEnvironment::new()
            .with("GITHUB_API_URL", &github.url())
            .with("GITHUB_TOKEN", token)
            .with("GITHUB_REPOSITORY", REPOSITORY);
        environment.write("images-list", &list);
        let etcd = json!({"versionSource": "github-releases:etcd-io/etcd", "images": [format!("{host}/etcd")]});
        environment.write("config.json", json!({"etcd": etcd}).to_string());
        environment.run("git", &["init", "-q", "-b", "main"]);
        let canary = Canary::token(token);
        let line = "retrieve-tags --open-prs";
        let first = environment.mirror(line);
        assert_eq!(first.code == Some(0), code == 0, "{first:?}");
        search(&environment, line, "", &[&canary], first.code.unwrap());
        search(
            &environment,
            "retrieve-tags --explain",
            "",
            &[&canary],
            code,
        );
    }
}

/// A chart and a git repository with a tag, for the one who knows the password.
async fn gatekeeper() -> Gatekeeper {
    let folder = tempfile::tempdir().unwrap();
    let chart = Chart::new("web", "1.0.0").pod("web", "example.com/web:v1.10");
    chart.package(folder.path(), &[]).await;
    index_charts(folder.path()).await;
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let tag = format!("{}\trefs/tags/v1.0\n", "1f".repeat(20));
    let files = HashMap::from([
        ("/index.yaml".to_owned(), read("index.yaml")),
        ("/web-1.0.0.tgz".to_owned(), read("web-1.0.0.tgz")),
        ("/a.git/info/refs".to_owned(), tag.into_bytes()),
        ("/a.git/HEAD".to_owned(), b"ref: refs/heads/main\n".to_vec()),
    ]);
    Gatekeeper::start(USER, RIGHT, files)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_in_an_address_is_used_and_shows_nowhere() {
    let gatekeeper = gatekeeper().await;
    for (password, code) in [(RIGHT, 0), (WRONG, 1)] {
        let url = gatekeeper.url(&format!("{USER}:{password}"));
        let environment = TestEnvironment::new().with("HELM", program("helm").to_str().unwrap());
        environment.write("images-list", "");
        let config = json!({
            "charts": {"versionSource": format!("helm-latest:{url}/"), "helmCharts": {"web": {}}},
            "git": {"versionSource": format!("git-tags:{url}/a.git"), "images": ["example.com/git"]},
        });
        environment.write("config.json", config.to_string());
        let canary = Canary::password(USER, password);
        let done = search(
            &environment,
            "retrieve-tags --explain",
            "",
            &[&canary],
            code,
        );
        let calls = environment.read("calls");
        assert!(
            calls.contains("password-stdin") && calls.contains("ls-remote"),
            "{calls}"
        );
        for found in ["example.com/web", "v1.0"] {
            assert_eq!(done.stdout.contains(found), code == 0, "{found}: {done:?}");
        }
    }
    let environment = TestEnvironment::new();
    environment.write("images-list", "");
    let wrong = format!("helm-latest:ftp://{USER}:{RIGHT}@h/");
    let config = json!({"a": {"versionSource": wrong, "helmCharts": {"web": {}}}});
    environment.write("config.json", config.to_string());
    let canary = Canary::password(USER, RIGHT);
    search(&environment, "retrieve-tags", "", &[&canary], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_of_a_proxy_shows_nowhere() {
    let proxy = format!("http://{USER}:{RIGHT}@127.0.0.1:1");
    let environment = TestEnvironment::new().with("HTTPS_PROXY", &proxy);
    environment.write("images-list", "r.example/a r.example/b 1\n");
    let canary = Canary::password(USER, RIGHT);
    search(&environment, "sync --max-wait 1s", "", &[&canary], 3);
}
