//! Entries with Helm charts, rendered by the real helm.

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::processes::{Distribution, RegistryProcess, Version};
use testkit::{Chart, FileServer, index_charts, push_chart};

use super::environment_with;
use crate::environment::TestEnvironment;

/// One chart that renders and one that does not, each in a directory, a repository and a registry.
struct Served {
    directory: TempDir,
    repository: FileServer,
    registry: RegistryProcess,
}

async fn serve() -> Served {
    let registry = Distribution::new().version(Version::V3).start().await;
    let directory = tempfile::tempdir().unwrap();
    let web = Chart::new("web", "1.0.0").pod("web", "example.com/web:v1.10");
    let broken = Chart::new("broken", "1.0.0").pod("broken", "{{ fail \"set the domain\" }}");
    for chart in [&web, &broken] {
        chart.write(directory.path());
        let package = chart.package(directory.path(), &[]).await;
        push_chart(&package, &format!("oci://{}/charts", registry.host())).await;
    }
    index_charts(directory.path()).await;
    let repository = FileServer::start(directory.path()).await;
    Served {
        directory,
        repository,
        registry,
    }
}

fn config(served: &Served) -> Value {
    let (url, directory) = (served.repository.url(), served.directory.path().display());
    let oci = format!("oci://{}/charts/web", served.registry.host());
    json!({
        "latest": {
            "versionSource": format!("helm-latest:{url}"),
            "helmCharts": {"web": {}, "broken": {}},
        },
        "oci": {"versionSource": "helm-oci", "helmCharts": {oci: {}}},
        "directory": {
            "versionSource": format!("helm-directory:{directory}"),
            "helmCharts": {"web": {}},
        },
        "broken": {
            "versionSource": format!("helm-directory:{directory}"),
            "helmCharts": {"broken": {}},
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn charts_render_from_directory_repository_and_registry() {
    let served = serve().await;
    let environment = environment_with(None, &config(&served), "");
    let output = environment.mirror("retrieve-tags --explain").exits(1);
    let images = json!({"full_images": ["example.com/web:v1.10"]});
    // An entry with one working chart has a result, an entry with none has not.
    assert_eq!(
        output.json(),
        json!({"latest": images, "oci": images, "directory": images})
    );
    for message in [
        "config.json:2: latest: chart broken: `helm template` failed: ",
        "set the domain",
        "broken: no chart could be rendered: ",
        "  new      example.com/web:v1.10, chart web 1.0.0, Pod/web: spec.containers[0].image\n",
    ] {
        assert!(
            output.stderr.contains(message),
            "{message}\n{}",
            output.stderr
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_helm_fails_only_chart_entries() {
    let served = serve().await;
    let mut config = config(&served);
    let host = served.registry.host();
    config["tags"] = json!({"images": [format!("{host}/charts/web")], "versionSource": "registry"});
    let environment = environment_with(None, &config, "");
    let (helm, path) = (environment.path("no-helm"), environment.home());
    let environment = environment
        .with_env("HELM", "")
        .with_env("PATH", path.to_str().unwrap());
    let output = environment.mirror("retrieve-tags").exits(1);
    let tags = json!({"images": [format!("{host}/charts/web")], "tags": ["1.0.0"]});
    assert_eq!(output.json(), json!({"tags": tags}));
    for name in ["latest", "oci", "directory", "broken"] {
        let message = format!("{name}: helm not found in HELM or PATH: install ");
        assert!(
            output.stderr.contains(&message),
            "{name}: {}",
            output.stderr
        );
    }
    let environment = environment.with_env("HELM", helm.to_str().unwrap());
    let output = environment.mirror("retrieve-tags --entry oci").exits(1);
    assert!(
        output.stderr.contains(helm.to_str().unwrap()),
        "{}",
        output.stderr
    );
}

#[test]
fn helm_that_hangs_fails_only_its_chart() {
    let environment = TestEnvironment::new();
    let helm = environment.install_script(
        "bin",
        "helm",
        &format!(
            "#!/bin/sh\nfor last; do :; done\ncase \"$1 $last\" in\n\
             template*/slow) exec sleep 600;;\n*) exec '{}' \"$@\";;\nesac\n",
            testkit::program("helm").display()
        ),
    );
    let environment = environment.with_env("HELM", helm.join("helm").to_str().unwrap());
    for (name, image) in [("slow", "a.example/slow:1"), ("web", "a.example/web:1")] {
        let chart = Chart::new(name, "1.0.0").pod(name, image);
        chart.write(&environment.path(""));
    }
    environment.write("images-list", "");
    environment.write(
        "config.json",
        r#"{"x": {"versionSource": "helm-directory:.", "helmCharts": {"slow": {}, "web": {}}}}"#,
    );
    // 8 s: the deadline leaves `helm template` 6 s, enough for the other chart on a busy machine.
    let output = environment
        .mirror("retrieve-tags --deadline 8s -v")
        .exits(1);
    assert_eq!(
        output.json(),
        json!({"x": {"full_images": ["a.example/web:1"]}})
    );
    let timeout = "template` did not end within 6 s of the deadline of 8 s and was stopped";
    assert!(
        output.stderr.contains("x: chart slow: "),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains(timeout), "{}", output.stderr);
    // -v logs the duration of each helm run.
    assert!(
        output.stderr.contains("DEBUG helm template: "),
        "{}",
        output.stderr
    );
}
