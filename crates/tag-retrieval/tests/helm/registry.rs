//! `helm-oci`.

use testkit::processes::{Distribution, Version};
use testkit::{Chart, push_chart};

use crate::bench::{Bench, Settings, chart, images, origin};

#[tokio::test]
async fn chart_is_pulled_from_a_registry_once() {
    let mut registry = Distribution::new().version(Version::V3).start().await;
    let directory = tempfile::tempdir().unwrap();
    let web = Chart::new("web", "0").pod("web", "example.com/web:v{{ .Chart.Version }}");
    for version in ["1.4.9", "1.10.0", "2.0.0-rc.1"] {
        let web = web.clone().version(version);
        let package = web.package(directory.path(), &[]).await;
        push_chart(&package, &format!("oci://{}/charts", registry.host())).await;
    }
    registry.clear_requests().await;
    let bench = Bench::new();
    let name = format!("oci://{}/charts/web", registry.host());
    let (first, second) = tokio::join!(bench.oci([chart(&name)]), bench.oci([chart(&name)]));
    let retrieved = first.unwrap();
    assert_eq!(retrieved, second.unwrap());
    assert_eq!(images(&retrieved), ["example.com/web:v1.10.0"]);
    let (version, location) = origin(&retrieved, "example.com/web");
    assert_eq!(
        (version.as_str(), location.as_str()),
        ("1.10.0", "Pod/web: spec.containers[0].image")
    );
    let requests = registry.requests().await;
    let targets: Vec<&str> = requests
        .iter()
        .map(|request| request.path.as_str())
        .collect();
    // The tags, the manifest, the package and the chart's config.
    assert_eq!(targets.len(), 4, "{targets:?}");
    assert_eq!(
        targets[..2],
        [
            "/v2/charts/web/tags/list",
            "/v2/charts/web/manifests/1.10.0"
        ]
    );

    let mut range = chart(&name);
    range.version = Some("v1.4.*".to_owned());
    let mut devel = chart(&name);
    devel.devel = true;
    let retrieved = bench.oci([range, devel]).await.unwrap();
    assert_eq!(
        images(&retrieved),
        ["example.com/web:v1.4.9", "example.com/web:v2.0.0-rc.1"]
    );
    let none = chart(&format!("oci://{}/charts/none", registry.host()));
    let error = bench.oci([none.clone()]).await.unwrap_err().to_string();
    let expected = format!(
        "no chart could be rendered: chart {}: `helm pull` failed: ",
        none.name
    );
    assert!(
        error.starts_with(&expected) && error.contains("404"),
        "{error}"
    );
}

#[tokio::test]
async fn private_chart_needs_the_credentials_file() {
    let registry = Distribution::new()
        .htpasswd("user", "secret-word")
        .start()
        .await;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("config.json");
    // `user:secret-word`
    let auths = format!(
        "{{\"auths\":{{\"{}\":{{\"auth\":\"dXNlcjpzZWNyZXQtd29yZA==\"}}}}}}",
        registry.host()
    );
    std::fs::write(&file, auths).unwrap();
    let package = Chart::new("web", "1.0.0").pod("web", "example.com/web:1");
    let package = package.package(home.path(), &[]).await;
    let helm = testkit::clients::Helm::new();
    let config = file.to_str().unwrap();
    let to = format!("oci://{}/charts", registry.host());
    let from = package.to_str().unwrap();
    let push = [
        "push",
        "--plain-http",
        "--registry-config",
        config,
        from,
        &to,
    ];
    helm.run(&push).await.unwrap();

    let name = format!("oci://{}/charts/web", registry.host());
    let error = Bench::new()
        .oci([chart(&name)])
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("credential"), "{error}");
    let bench = Bench::with(Settings {
        registry_config: Some(file),
        ..Settings::default()
    });
    let retrieved = bench.oci([chart(&name)]).await.unwrap();
    assert_eq!(images(&retrieved), ["example.com/web:1"]);
}
