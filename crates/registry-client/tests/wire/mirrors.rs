//! Locations of reads and writes in registries.conf.

use embedded_registry::Registry;
use registry_client::Access;

use crate::setup::{Setup, tag};

#[tokio::test]
async fn sources_have_mirrors_first_and_destination_is_the_location() {
    let mut setup = Setup::new();
    setup.conf = r#"
        [[registry]]
        prefix = "example.com/team"
        location = "127.0.0.1:1/inner"
        [[registry.mirror]]
        location = "127.0.0.1:2/all"
        [[registry.mirror]]
        location = "127.0.0.1:3/digests"
        pull-from-mirror = "digest-only"
        [[registry.mirror]]
        location = "127.0.0.1:4/tags"
        pull-from-mirror = "tag-only"
        [[registry]]
        location = "blocked.example.com"
        blocked = true
    "#
    .to_owned();
    let client = setup.client();
    let digest = format!("sha256:{}", "a".repeat(64));
    let cases = [
        (
            "example.com/team/app:1".to_owned(),
            [
                "127.0.0.1:2/all/app",
                "127.0.0.1:4/tags/app",
                "127.0.0.1:1/inner/app",
            ]
            .as_slice(),
        ),
        (
            format!("example.com/team/app@{digest}"),
            &[
                "127.0.0.1:2/all/app",
                "127.0.0.1:3/digests/app",
                "127.0.0.1:1/inner/app",
            ],
        ),
        ("example.com/other:1".to_owned(), &["example.com/other"]),
        ("busybox".to_owned(), &["docker.io/library/busybox"]),
    ];
    for (name, places) in cases {
        let found = client.sources(&name.parse().unwrap()).unwrap();
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, places, "{name}");
    }
    let reference = "example.com/team/app:1".parse().unwrap();
    let written = client.destination(&reference, Access::Push).unwrap();
    assert_eq!(written.to_string(), "127.0.0.1:1/inner/app");

    let blocked = "blocked.example.com/a:1".parse().unwrap();
    assert!(
        client.sources(&blocked).is_err() && client.destination(&blocked, Access::Push).is_err()
    );
}

#[tokio::test]
async fn docker_hub_name_is_read_from_its_location() {
    let registry = Registry::new().access_log(10).start().await.unwrap();
    let mut setup = Setup::new();
    setup.conf = format!(
        "[[registry]]\nprefix = \"docker.io\"\nlocation = \"{}/hub\"\n",
        registry.host()
    );
    let client = setup.client();
    for source in client.sources(&"busybox:1".parse().unwrap()).unwrap() {
        assert!(source.head_manifest(tag("1")).await.unwrap().is_none());
    }
    let requests = registry.requests();
    assert_eq!(requests[0].path, "/v2/hub/library/busybox/manifests/1");
}
