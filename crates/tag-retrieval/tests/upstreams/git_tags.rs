//! `git-tags` with the real git program.

use embedded_registry::Registry;
use tag_retrieval::Origin;
use tag_retrieval::config::GitTags;
use tag_retrieval::filters::{FilterSet, Newest, VersionExtractor};
use testkit::GitRepository;
use testkit::proxy::{Action, FaultProxy, Rule};

use crate::setup::{candidates, image, reason, retrieve, tags};

fn source(url: &str, filters: FilterSet) -> GitTags {
    GitTags {
        url: url.parse().unwrap(),
        images: image("r.io/a"),
        filters,
    }
}

fn repository(tags: &[&str]) -> (GitRepository, String) {
    let repository = GitRepository::new();
    repository.commit("first");
    for tag in tags {
        repository.git(&["tag", "--annotate", "-m", "a release", tag]);
    }
    let url = format!("file://{}", repository.path().display());
    (repository, url)
}

#[tokio::test]
async fn tags_are_versions_and_branches_are_not() {
    let (repository, url) = repository(&["v1.9.0", "v1.10.0", "nightly"]);
    repository.git(&["branch", "v2.0.0"]);
    let mut all = retrieve(&source(&url, FilterSet::default()), "")
        .await
        .unwrap();
    let mut found = tags(&all);
    found.sort_unstable();
    // Annotated tags are listed once, without their targets.
    assert_eq!(found, ["nightly", "v1.10.0", "v1.9.0"]);
    let first = &candidates(&all)[0];
    let title = format!("tag {} of {url}", first.tag);
    assert_eq!(
        first.origin,
        Origin::Page {
            title,
            url: url.clone()
        }
    );

    let filters = FilterSet {
        extract: Some(VersionExtractor::parse("^v(.*)$", false).unwrap()),
        newest: Newest::HIGHEST,
        ..FilterSet::default()
    };
    all = retrieve(&source(&url, filters), "").await.unwrap();
    assert_eq!(tags(&all), ["1.10.0"]);
    assert!(reason(&all, "nightly").contains("versionExtract"));
}

#[tokio::test]
async fn repository_is_read_over_http() {
    let (repository, _) = repository(&["v1.0.0"]);
    repository.git(&["update-server-info"]);
    let registry = Registry::new().start().await.unwrap();
    let server = FaultProxy::start(registry.address()).await;
    let refs = Action::answer(200).header("content-type", "text/plain");
    let refs = refs.body(repository.read(".git/info/refs"));
    server.add(Rule::new("GET", "/a.git/info/refs").does(refs));
    server.add(
        Rule::new("GET", "/a.git/HEAD").does(Action::answer(200).body("ref: refs/heads/main\n")),
    );
    let url = format!("http://{}/a.git", server.host());
    let all = retrieve(&source(&url, FilterSet::default()), "")
        .await
        .unwrap();
    assert_eq!(tags(&all), ["v1.0.0"]);

    // git does not prompt for a password.
    server.clear_rules();
    let login = Action::answer(401).header("www-authenticate", "Basic realm=\"x\"");
    server.add(Rule::new("GET", "/a.git/info/refs").does(login));
    let error = retrieve(&source(&url, FilterSet::default()), "")
        .await
        .unwrap_err();
    let error = error.to_string();
    assert!(
        error.starts_with(&format!("git ls-remote {url}: could not read Username")),
        "{error}"
    );
}

#[tokio::test]
async fn missing_tags_and_missing_repository_are_errors() {
    let (_repository, url) = repository(&[]);
    let error = retrieve(&source(&url, FilterSet::default()), "")
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), format!("{url} has no tags"));
    let url = "file:///nowhere/a.git";
    let error = retrieve(&source(url, FilterSet::default()), "")
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("git ls-remote file:///nowhere/a.git: "),
        "{error}"
    );
    assert!(
        error.contains("does not appear to be a git repository"),
        "{error}"
    );
}

#[tokio::test]
async fn url_never_runs_a_program() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("made");
    let url = format!("ext::touch {}", file.display());
    let result = retrieve(&source(&url, FilterSet::default()), "").await;
    let error = result.unwrap_err().to_string();
    assert!(error.contains("'ext' not allowed"), "{error}");
    assert!(!file.exists());
}
