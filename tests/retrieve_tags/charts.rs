//! Entries of Helm charts, through the real helm.

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::processes::{Distribution, RegistryProcess, Version};
use testkit::{Chart, FileServer, index_charts, push_chart};

use super::place;

/// The same chart in a folder, in a repository and in a registry, and one that does not render.
struct Served {
    folder: TempDir,
    repository: FileServer,
    registry: RegistryProcess,
}

async fn serve() -> Served {
    let registry = Distribution::new().version(Version::V3).start().await;
    let folder = tempfile::tempdir().unwrap();
    let web = Chart::new("web", "1.0.0").pod("web", "example.com/web:v1.10");
    let broken = Chart::new("broken", "1.0.0").pod("broken", "{{ fail \"set the domain\" }}");
    for chart in [&web, &broken] {
        chart.write(folder.path());
        let package = chart.package(folder.path(), &[]).await;
        push_chart(&package, &format!("oci://{}/charts", registry.host())).await;
    }
    index_charts(folder.path()).await;
    let repository = FileServer::start(folder.path()).await;
    Served {
        folder,
        repository,
        registry,
    }
}

fn config(served: &Served) -> Value {
    let (url, folder) = (served.repository.url(), served.folder.path().display());
    let oci = format!("oci://{}/charts/web", served.registry.host());
    json!({
        "latest": {
            "versionSource": format!("helm-latest:{url}"),
            "helmCharts": {"web": {}, "broken": {}},
        },
        "oci": {"versionSource": "helm-oci", "helmCharts": {oci: {}}},
        "directory": {
            "versionSource": format!("helm-directory:{folder}"),
            "helmCharts": {"web": {}},
        },
        "broken": {
            "versionSource": format!("helm-directory:{folder}"),
            "helmCharts": {"broken": {}},
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn charts_are_rendered_wherever_they_are() {
    let served = serve().await;
    let environment = place(None, &config(&served), "");
    let done = environment.mirror("retrieve-tags --explain").exits(1);
    let images = json!({"full_images": ["example.com/web:v1.10"]});
    // The one that fails in part has what the rest gave, the one that fails altogether is not there.
    assert_eq!(
        done.json(),
        json!({"latest": images, "oci": images, "directory": images})
    );
    for said in [
        "config.json:2: latest: chart broken: `helm template` failed: ",
        "set the domain",
        "broken: no chart gave a result: ",
        "  new      example.com/web:v1.10, chart web 1.0.0, Pod/web: spec.containers[0].image\n",
    ] {
        assert!(done.stderr.contains(said), "{said}\n{}", done.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_helm_fails_the_entries_that_need_it() {
    let served = serve().await;
    let mut config = config(&served);
    let host = served.registry.host();
    config["tags"] = json!({"images": [format!("{host}/charts/web")], "versionSource": "registry"});
    let environment = place(None, &config, "");
    let (helm, path) = (environment.path("no-helm"), environment.home());
    let environment = environment
        .with("HELM", "")
        .with("PATH", path.to_str().unwrap());
    let done = environment.mirror("retrieve-tags").exits(1);
    let tags = json!({"images": [format!("{host}/charts/web")], "tags": ["1.0.0"]});
    assert_eq!(done.json(), json!({"tags": tags}));
    for name in ["latest", "oci", "directory", "broken"] {
        let said = format!(
            "{name}: needs the program helm, which neither HELM nor PATH names here: install "
        );
        assert!(done.stderr.contains(&said), "{name}: {}", done.stderr);
    }
    let environment = environment.with("HELM", helm.to_str().unwrap());
    let done = environment.mirror("retrieve-tags --entry oci").exits(1);
    assert!(
        done.stderr.contains(helm.to_str().unwrap()),
        "{}",
        done.stderr
    );
}
