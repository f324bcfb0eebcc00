//! Credentials for version sources: the GitHub token, passwords in URLs, and those of a proxy.
//!
//! Takes more than 10 s: each run happens twice under strace, and a proxy that refuses connections is
//! retried for 9 s.

use std::fs;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use tempfile::TempDir;
use testkit::github::{FakeGithub, Release};
use testkit::proxy::{Action, FaultProxy, Rule};
use testkit::{Chart, FileServer, index_charts, program};

use super::leak_search::{Secret, assert_no_leak};
use crate::environment::{TestEnvironment, registry_with};
use crate::open_prs::REPOSITORY;

const USER: &str = "robot";
const RIGHT: &str = testkit::canary!("right-");
const WRONG: &str = testkit::canary!("wrong-");

#[tokio::test(flavor = "multi_thread")]
async fn github_token_appears_in_no_output() {
    let registry = registry_with(&["etcd:v3.5.1"]).await;
    let github = FakeGithub::new().token(RIGHT).start().await;
    github.release("etcd-io/etcd", Release::new("v3.5.1"));
    let host = registry.host();
    let list = format!("{host}/etcd {host}/m/etcd v3.5.0\n");
    github.commit(REPOSITORY, "main", &[("images-list", &list)]);
    for (token, code) in [(RIGHT, 0), (WRONG, 1)] {
        let environment = TestEnvironment::new()
            .with_env("GITHUB_API_URL", &github.url())
            .with_env("GITHUB_TOKEN", token)
            .with_env("GITHUB_REPOSITORY", REPOSITORY);
        environment.write("images-list", &list);
        let etcd = json!({"versionSource": "github-releases:etcd-io/etcd", "images": [format!("{host}/etcd")]});
        environment.write("config.json", json!({"etcd": etcd}).to_string());
        environment.git(&["init", "-q", "-b", "main"]);
        let secret = Secret::token(token);
        let line = "retrieve-tags --open-prs";
        let first = environment.mirror(line);
        assert_eq!(first.code == Some(0), code == 0, "{first:?}");
        assert_no_leak(&environment, line, "", &[&secret], first.code.unwrap());
        assert_no_leak(
            &environment,
            "retrieve-tags --explain",
            "",
            &[&secret],
            code,
        );
    }
}

/// A Helm repository and a git repository that need a password.
struct PasswordServer {
    _files: (TempDir, FileServer),
    proxy: FaultProxy,
}

impl PasswordServer {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let chart = Chart::new("web", "1.0.0").pod("web", "example.com/web:v1.10");
        chart.package(directory.path(), &[]).await;
        index_charts(directory.path()).await;
        let git = directory.path().join("a.git");
        fs::create_dir_all(git.join("info")).unwrap();
        let tag = format!("{}\trefs/tags/v1.0\n", "1f".repeat(20));
        fs::write(git.join("info/refs"), tag).unwrap();
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        let files = FileServer::start(directory.path()).await;
        let proxy = FaultProxy::start(files.address()).await;
        let pair = BASE64_STANDARD.encode(format!("{USER}:{RIGHT}"));
        let expected = format!("Basic {pair}");
        let refused = Rule::new("", "").when(move |parts| {
            let sent = parts.headers.get("authorization");
            sent.is_none_or(|sent| sent.as_bytes() != expected.as_bytes())
        });
        let response = Action::answer(401).header("www-authenticate", "Basic realm=\"x\"");
        proxy.add(refused.does(response));
        Self {
            _files: (directory, files),
            proxy,
        }
    }

    fn url(&self, password: &str) -> String {
        format!("http://{USER}:{password}@{}", self.proxy.host())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn password_in_a_url_is_used_and_appears_in_no_output() {
    let server = PasswordServer::start().await;
    for (password, code) in [(RIGHT, 0), (WRONG, 1)] {
        let url = server.url(password);
        let environment =
            TestEnvironment::new().with_env("HELM", program("helm").to_str().unwrap());
        environment.write("images-list", "");
        let config = json!({
            "charts": {"versionSource": format!("helm-latest:{url}/"), "helmCharts": {"web": {}}},
            "git": {"versionSource": format!("git-tags:{url}/a.git"), "images": ["example.com/git"]},
        });
        environment.write("config.json", config.to_string());
        let secret = Secret::password(USER, password);
        let output = assert_no_leak(
            &environment,
            "retrieve-tags --explain",
            "",
            &[&secret],
            code,
        );
        let calls = environment.read("calls");
        assert!(
            calls.contains("\"repo\", \"update\"") && calls.contains("ls-remote"),
            "{calls}"
        );
        for found in ["example.com/web", "v1.0"] {
            assert_eq!(
                output.stdout.contains(found),
                code == 0,
                "{found}: {output:?}"
            );
        }
    }
    let environment = TestEnvironment::new();
    environment.write("images-list", "");
    let wrong = format!("helm-latest:ftp://{USER}:{RIGHT}@h/");
    let config = json!({"a": {"versionSource": wrong, "helmCharts": {"web": {}}}});
    environment.write("config.json", config.to_string());
    let secret = Secret::password(USER, RIGHT);
    assert_no_leak(&environment, "retrieve-tags", "", &[&secret], 2);
}

/// A Helm repository below `/priv/TOKEN` that also needs `sig=TOKEN` in the query.
async fn signed_charts() -> (TempDir, FileServer, FaultProxy) {
    let directory = tempfile::tempdir().unwrap();
    let charts = directory.path().join("priv").join(RIGHT);
    fs::create_dir_all(&charts).unwrap();
    let chart = Chart::new("web", "1.0.0").pod("web", "example.com/web:v1.10");
    chart.package(&charts, &[]).await;
    index_charts(&charts).await;
    let files = FileServer::start(directory.path()).await;
    let proxy = FaultProxy::start(files.address()).await;
    let refused = Rule::new("", "").when(|parts| {
        let query = parts.uri.query().unwrap_or_default();
        query != format!("sig={RIGHT}/")
    });
    proxy.add(refused.does(Action::answer(403)));
    (directory, files, proxy)
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_chart_repository_is_used_and_its_secrets_appear_in_no_output() {
    let (_directory, _files, proxy) = signed_charts().await;
    let host = proxy.host();
    let refused = Secret::token(WRONG);
    let token = Secret::token(RIGHT);
    for (path, query, code) in [(RIGHT, RIGHT, 0), (WRONG, RIGHT, 1), (RIGHT, WRONG, 1)] {
        let environment =
            TestEnvironment::new().with_env("HELM", program("helm").to_str().unwrap());
        environment.write("images-list", "");
        let url = format!("http://{host}/priv/{path}/?sig={query}/");
        let source = format!("helm-latest:{url}");
        let config = json!({"charts": {"versionSource": source, "helmCharts": {"web": {}}}});
        environment.write("config.json", config.to_string());
        let line = "retrieve-tags --explain";
        let output = assert_no_leak(&environment, line, "", &[&token, &refused], code);
        assert_eq!(output.stdout.contains("example.com/web"), code == 0);
        let named = format!("http://{host}/priv/…?sig=…");
        assert!(output.stderr.contains(&named), "{output:?}");
    }
}

/// Each kind of source with a URL or name that has a secret in a place where users write one.
#[test]
fn secrets_in_version_sources_appear_in_no_output() {
    let host = "127.0.0.1:1";
    let in_url = [
        format!("http://{USER}:{RIGHT}@{host}/a"),
        format!("http://{RIGHT}@{host}/a"),
        format!("http://{host}/a?private_token={RIGHT}"),
        format!("http://{host}/a?{RIGHT}"),
        format!("http://{host}/a#{RIGHT}"),
        format!("http://{host}/token/{RIGHT}/a"),
        format!("http://{host}/a;sig={RIGHT}/a"),
        format!("http://{USER}:{RIGHT}@{host}:x/a?sig={RIGHT}"),
        format!("ftp://{USER}:{RIGHT}@{host}/a?sig={RIGHT}"),
        format!("{USER}:{RIGHT}@{host}/a"),
    ];
    let charts = json!({"web": {}});
    let images = json!(["example.com/a"]);
    for url in &in_url {
        let chart = url.replacen("http", "oci", 1);
        let entries = [
            json!({"versionSource": format!("helm-latest:{url}"), "helmCharts": charts}),
            json!({"versionSource": "helm-oci", "helmCharts": {chart: {}}}),
            json!({"versionSource": format!("git-tags:{url}"), "images": images}),
            json!({"versionSource": format!("gitlab-releases:{url}"), "images": images}),
            json!({"versionSource": format!("github-releases:{url}"), "images": images}),
            json!({"versionSource": "registry", "images": [url]}),
        ];
        for entry in entries {
            let environment =
                TestEnvironment::new().with_env("HELM", program("helm").to_str().unwrap());
            environment.write("images-list", "");
            environment.write("config.json", json!({"entry": entry}).to_string());
            let secret = Secret::password(USER, RIGHT);
            let line = "retrieve-tags --explain";
            let code = environment.mirror(line).code.unwrap();
            assert_ne!(code, 0, "{entry}");
            assert_no_leak(&environment, line, "", &[&secret], code);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn proxy_password_appears_in_no_output() {
    let proxy = format!("http://{USER}:{RIGHT}@127.0.0.1:1");
    let environment = TestEnvironment::new().with_env("HTTPS_PROXY", &proxy);
    environment.write("images-list", "r.example/a r.example/b 1\n");
    let secret = Secret::password(USER, RIGHT);
    assert_no_leak(&environment, "sync --max-wait 1s", "", &[&secret], 3);
}
