//! `helm-latest`.

use tag_retrieval::RetrievalError;
use tempfile::TempDir;
use testkit::{Chart, FileServer, index_charts};

use crate::bench::{Bench, all, chart, config, images, origin};

/// Serves the packages of these charts and their index at [`url_of`].
async fn serve(charts: &[Chart]) -> (TempDir, FileServer) {
    let directory = tempfile::tempdir().unwrap();
    let packages = directory.path().join("charts");
    std::fs::create_dir(&packages).unwrap();
    for chart in charts {
        chart.package(&packages, &[]).await;
    }
    index_charts(&packages).await;
    let server = FileServer::start(directory.path()).await;
    (directory, server)
}

fn url_of(server: &FileServer) -> String {
    format!("{}/charts", server.url())
}

#[tokio::test]
async fn index_and_packages_are_fetched_once_for_all_entries() {
    let web = Chart::new("web", "1.0.0")
        .pod("web", "{{ .Values.image }}")
        .values("image: example.com/web:1.2\n");
    let other = Chart::new("other", "2.0.0").pod("other", "example.com/other:v2");
    let (_folder, server) = serve(&[web, other]).await;
    let bench = Bench::new();
    let mut two_ways = chart("web");
    two_ways.configs = vec![
        config("a", &["image=example.com/a:1"], None),
        config("b", &["image=example.com/b:1"], None),
    ];
    let url = url_of(&server);
    let with_slash = format!("{url}/");
    let (first, second) = tokio::join!(
        bench.latest(&url, [chart("web"), chart("other")]),
        bench.latest(&with_slash, [two_ways]),
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(
        images(&first),
        ["example.com/other:v2", "example.com/web:1.2"]
    );
    assert_eq!(
        images(&second),
        ["example.com/a:1", "example.com/b:1", "example.com/web:1.2"],
        "two renderings and the values"
    );
    assert!(first.failures.is_empty() && second.failures.is_empty());
    let mut requests = server.requests();
    requests.sort();
    assert_eq!(
        requests,
        [
            "/charts/index.yaml",
            "/charts/other-2.0.0.tgz",
            "/charts/web-1.0.0.tgz"
        ]
    );
}

#[tokio::test]
async fn subchart_is_rendered_when_its_condition_holds() {
    let sub = Chart::new("sub", "0.1.0").pod("sub", "example.com/sub:{{ .Values.tag }}");
    let sub = sub.values("tag: \"1.10\"\n");
    let web = Chart::new("web", "1.0.0")
        .metadata("dependencies:\n- name: sub\n  version: 0.1.0\n  repository: file://../sub\n  condition: sub.enabled\n")
        .values("sub:\n  enabled: false\n")
        .pod("web", "example.com/web:1");
    let directory = tempfile::tempdir().unwrap();
    let packages = directory.path().join("charts");
    web.package(&packages, &[&sub]).await;
    index_charts(&packages).await;
    let server = FileServer::start(directory.path()).await;
    let bench = Bench::new();
    let without = bench
        .latest(&url_of(&server), [chart("web")])
        .await
        .unwrap();
    assert_eq!(images(&without), ["example.com/web:1"]);
    let mut with = chart("web");
    with.configs = vec![config("all", &["sub.enabled=true"], None)];
    let with = bench.latest(&url_of(&server), [with]).await.unwrap();
    assert_eq!(images(&with), ["example.com/sub:1.10", "example.com/web:1"]);
    let (version, location) = origin(&with, "example.com/sub");
    assert_eq!(version, "1.0.0", "of the chart that is named");
    assert_eq!(location, "Pod/sub: spec.containers[0].image");
}

#[tokio::test]
async fn values_of_every_chart_are_read() {
    let values = |name: &str| format!("image: example.com/{name}:1\n");
    let first = Chart::new("first", "1.0.0")
        .values(&values("first"))
        .pod("x", "example.com/x:1");
    let last = Chart::new("last", "1.0.0")
        .values(&values("last"))
        .pod("x", "example.com/x:1");
    let (_folder, server) = serve(&[first, last]).await;
    let both = [chart("first"), chart("last")];
    let retrieved = Bench::new().latest(&url_of(&server), both).await.unwrap();
    assert_eq!(
        images(&retrieved),
        [
            "example.com/first:1",
            "example.com/last:1",
            "example.com/x:1"
        ]
    );
    let (_, location) = origin(&retrieved, "example.com/first");
    assert_eq!(location, "values: image");
}

#[tokio::test]
async fn failed_chart_is_reported_and_the_others_count() {
    let good = Chart::new("good", "1.0.0").pod("good", "example.com/good:1");
    let bad = Chart::new("bad", "1.0.0")
        .values("image: example.com/bad:1\n")
        .pod(
            "bad",
            "{{ required \"a domain is needed\" .Values.domain }}",
        );
    let (_folder, server) = serve(&[good, bad]).await;
    let bench = Bench::new();
    let both = [chart("good"), chart("bad")];
    let retrieved = bench.latest(&url_of(&server), both).await.unwrap();
    assert_eq!(
        images(&retrieved),
        ["example.com/good:1"],
        "nothing of the bad one's values"
    );
    let [failure] = retrieved.failures.as_slice() else {
        panic!("{:?}", retrieved.failures);
    };
    assert!(
        failure.starts_with("chart bad: `helm template` failed: "),
        "{failure}"
    );
    assert!(failure.contains("a domain is needed"), "{failure}");
    assert!(!failure.contains("--debug"), "{failure}");

    let mut either = chart("bad");
    either.configs = vec![
        config("bare", &[], None),
        config("full", &["domain=example.com/d:1"], None),
    ];
    let retrieved = bench.latest(&url_of(&server), [either]).await.unwrap();
    assert_eq!(images(&retrieved), ["example.com/bad:1", "example.com/d:1"]);
    let [failure] = retrieved.failures.as_slice() else {
        panic!("{:?}", retrieved.failures);
    };
    assert!(
        failure.starts_with("chart bad (1.0.0): chartConfig bare: "),
        "{failure}"
    );

    let error = bench
        .latest(&url_of(&server), [chart("bad"), chart("none")])
        .await;
    let error = error.unwrap_err().to_string();
    assert!(
        error.starts_with("no chart could be rendered: chart bad: "),
        "{error}"
    );
    assert!(error.contains("a domain is needed"), "{error}");
    assert!(
        error.contains("; chart none: `helm pull` failed: "),
        "{error}"
    );
    assert!(error.contains("not found in 127.0.0.1 index: "), "{error}");
}

#[tokio::test]
async fn missing_repository_is_queried_once_and_named() {
    let (_folder, server) = serve(&[]).await;
    let url = format!("{}/nowhere", url_of(&server));
    let error = Bench::new()
        .latest(&url, [chart("a"), chart("b")])
        .await
        .unwrap_err();
    assert!(matches!(error, RetrievalError::Helm(_)), "{error:?}");
    let error = error.to_string();
    assert!(
        error.starts_with(&format!("`helm repo update {url}` failed: ")),
        "{error}"
    );
    assert!(error.contains("404"), "{error}");
    assert_eq!(server.requests(), ["/charts/nowhere/index.yaml"]);
}

#[tokio::test]
async fn denied_excluded_and_own_images_are_dropped_with_a_reason() {
    let web = Chart::new("web", "1.0.0")
        .pod("a", "quay.io/cilium/operator:v1")
        .pod("b", "docker.io/rancher/b:v1")
        .pod("c", "example.com/c:v1-rc1")
        .pod("d", "docker.io/library/d:v1");
    let (_folder, server) = serve(&[web]).await;
    let mut charts = all([chart("web")]);
    charts.denylist = vec!["quay.io/cilium/operator".to_owned()];
    charts.exclude = Some("-rc".parse().unwrap());
    let retrieved = Bench::new()
        .latest_of(&url_of(&server), charts)
        .await
        .unwrap();
    assert_eq!(images(&retrieved), ["library/d:v1"]);
    let mut dropped: Vec<&str> = retrieved
        .dropped
        .iter()
        .map(|one| one.item.as_str())
        .collect();
    dropped.sort_unstable();
    assert_eq!(
        dropped,
        [
            "example.com/c:v1-rc1",
            "quay.io/cilium/operator:v1",
            "rancher/b:v1"
        ]
    );
}
