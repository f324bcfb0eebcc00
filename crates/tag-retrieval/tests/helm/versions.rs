//! Chart versions and Kubernetes versions.

use tempfile::TempDir;
use testkit::{Chart, FileServer, index_charts};

use crate::bench::{Bench, all, chart, config, images};

const VERSIONS: [&str; 5] = ["1.3.0", "1.4.0", "1.4.9", "1.10.0", "2.0.0-rc.1"];

/// Serves a repository with the chart `web` in all [`VERSIONS`], each with an image of its version.
async fn serve() -> (TempDir, FileServer) {
    let directory = tempfile::tempdir().unwrap();
    let web = Chart::new("web", "0").pod("web", "example.com/web:v{{ .Chart.Version }}");
    for version in VERSIONS {
        web.clone()
            .version(version)
            .package(directory.path(), &[])
            .await;
    }
    index_charts(directory.path()).await;
    let server = FileServer::start(directory.path()).await;
    (directory, server)
}

#[tokio::test]
async fn latest_release_unless_a_range_or_devel_is_set() {
    let (_folder, server) = serve().await;
    let bench = Bench::new();
    let cases = [
        (None, false, "v1.10.0"),
        (None, true, "v2.0.0-rc.1"),
        (Some("v1.4.*"), false, "v1.4.9"),
        (Some("v1.4.*"), true, "v1.4.9"),
        (Some("1.3.0"), false, "v1.3.0"),
        (Some(">=1.4.0 <1.4.5"), false, "v1.4.0"),
    ];
    for (version, devel, tag) in cases {
        let mut web = chart("web");
        web.version = version.map(str::to_owned);
        web.devel = devel;
        let retrieved = bench.latest(&server.url(), [web]).await.unwrap();
        let expected = [format!("example.com/web:{tag}")];
        assert_eq!(images(&retrieved), expected, "{version:?} {devel}");
    }
}

#[tokio::test]
async fn additional_versions_are_rendered() {
    let (_folder, server) = serve().await;
    let mut charts = all([chart("web")]);
    charts.additional_versions = ["v1.4.*", "9.*"].map(str::to_owned).to_vec();
    let retrieved = Bench::new().latest_of(&server.url(), charts).await.unwrap();
    assert_eq!(
        images(&retrieved),
        ["example.com/web:v1.10.0", "example.com/web:v1.4.9"]
    );
    let [failure] = retrieved.failures.as_slice() else {
        panic!("{:?}", retrieved.failures);
    };
    assert!(
        failure.starts_with("chart web 9.*: `helm pull` failed: "),
        "{failure}"
    );
    assert!(failure.contains("9.*"), "{failure}");
}

#[tokio::test]
async fn version_in_two_ranges_is_rendered_once() {
    let directory = tempfile::tempdir().unwrap();
    let tag = "{{ if eq .Chart.Version \"1.4.9\" }}{{ fail \"not this\" }}{{ end }}1";
    let web = Chart::new("web", "0").pod("web", &format!("example.com/web:{tag}"));
    for version in ["1.4.9", "1.10.0"] {
        web.clone()
            .version(version)
            .package(directory.path(), &[])
            .await;
    }
    index_charts(directory.path()).await;
    let server = FileServer::start(directory.path()).await;
    let mut charts = all([chart("web")]);
    charts.additional_versions = ["v1.4.*", "~1.4", "1.4.9"].map(str::to_owned).to_vec();
    let retrieved = Bench::new().latest_of(&server.url(), charts).await.unwrap();
    assert_eq!(retrieved.failures.len(), 1, "{:?}", retrieved.failures);
    assert!(retrieved.failures[0].contains("not this"));
}

#[tokio::test]
async fn kubernetes_version_reaches_the_templates() {
    let directory = tempfile::tempdir().unwrap();
    let image = "example.com/{{ if semverCompare \"<1.25-0\" .Capabilities.KubeVersion.Version }}old{{ else }}new{{ end }}:1";
    let web = Chart::new("web", "1.0.0").pod("web", image);
    web.write(directory.path());
    let bench = Bench::new();
    for (kube_version, expected) in [("1.24", "old"), ("v1.30.2", "new")] {
        let mut web = chart("web");
        web.configs = vec![config("only", &[], Some(kube_version))];
        let retrieved = bench.directory(directory.path(), [web]).await.unwrap();
        assert_eq!(images(&retrieved), [format!("example.com/{expected}:1")]);
    }
    let mut both = chart("web");
    both.configs = vec![
        config("old", &[], Some("1.24")),
        config("new", &[], Some("1.28")),
    ];
    let retrieved = bench.directory(directory.path(), [both]).await.unwrap();
    assert_eq!(
        images(&retrieved),
        ["example.com/new:1", "example.com/old:1"]
    );
}

/// The helm under test is built without version flags, as in the `Containerfile`: it claims to be for
/// Kubernetes 1.20.
#[tokio::test]
async fn chart_for_current_kubernetes_is_rendered_without_a_setting() {
    let directory = tempfile::tempdir().unwrap();
    let web = Chart::new("web", "1.0.0").pod("web", "example.com/web:1");
    web.metadata("kubeVersion: \">= 1.25.0-0\"\n")
        .write(directory.path());
    let bench = Bench::new();
    let mut web = chart("web");
    let plain = bench.directory(directory.path(), [web.clone()]).await;
    assert_eq!(images(&plain.unwrap()), ["example.com/web:1"]);
    web.configs = vec![config("values", &["a=b"], None)];
    let configured = bench.directory(directory.path(), [web.clone()]).await;
    assert_eq!(images(&configured.unwrap()), ["example.com/web:1"]);

    web.configs = vec![config("old", &[], Some("1.24"))];
    let error = bench.directory(directory.path(), [web]).await.unwrap_err();
    let error = error.to_string();
    for part in [
        "chartConfig old: `helm template` failed for Kubernetes 1.24: ",
        "incompatible with Kubernetes v1.24: set `kubeVersion` at an item of `chartConfig`",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn default_kubernetes_version_is_documented() {
    let page = include_str!("../../../../docs/charts.md");
    let row = format!("`{}` without it", tag_retrieval::helm::DEFAULT_KUBE_VERSION);
    assert!(page.contains(&row), "docs/charts.md lacks {row}");
}
