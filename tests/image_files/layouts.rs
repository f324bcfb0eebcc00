//! Directories with an image layout.

use serde_json::Value;

use super::{assert_signed_image, registry_with_signed_image};
use crate::environment::{TestEnvironment, registry_with, small_image};

fn names(index: &Value) -> Vec<Option<&str>> {
    let entries = index["manifests"].as_array().unwrap().iter();
    let name = |entry: &'static str| entry;
    let key = name("org.opencontainers.image.ref.name");
    entries
        .map(|entry| entry["annotations"][key].as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn image_comes_back_from_a_layout_with_its_digest_and_signatures() {
    let (source, image) = registry_with_signed_image().await;
    let destination = registry_with(&[]).await;
    let environment = TestEnvironment::new();
    let (from, to) = (source.host(), destination.host());
    let copied = environment
        .mirror(&format!("copy {from}/app:v1 oci:layout:v1 --output json"))
        .exits(0)
        .json();
    let row = &copied["rows"][0];
    assert_eq!(row["status"], "copied");
    assert_eq!(
        (&row["destination"], &row["digest"]),
        (&"oci:layout".into(), &image.digest().as_ref().into())
    );
    let back = format!("copy docker://{to}/team/app oci:layout:v1");
    environment
        .mirror(&format!("copy oci:layout:v1 docker://{to}/team/app"))
        .exits(0);
    assert_signed_image(&destination, "team/app", "v1", &image).await;
    // The way back finds everything.
    let latest = environment.mirror(&back).exits(3);
    assert!(latest.stdout.contains("does not exist"), "{latest:?}");
    let again = environment
        .mirror(&format!(
            "copy {to}/team/app:v1 oci:layout:v1 --output json"
        ))
        .exits(0)
        .json();
    assert_eq!(again["summary"]["unchanged"], 1, "{again}");
    assert_eq!(again["summary"]["blobs_copied"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn layout_keeps_its_other_images_and_a_name_moves() {
    let registry = registry_with(&["app:v1"]).await;
    small_image(2).push(&registry, "app", Some("v2"));
    let host = registry.host();
    let environment = TestEnvironment::new();
    let copy = |tag: &str, name: &str| {
        environment
            .mirror(&format!(
                "copy {host}/app:{tag} oci:layout{name} --output json"
            ))
            .exits(0)
            .json()
    };
    copy("v1", ":one");
    copy("v2", ":two");
    copy("v1", "");
    copy("v1", "");
    let index = environment.read_json("layout/index.json");
    assert_eq!(names(&index), [Some("one"), Some("two"), None]);
    // What another program has written stays.
    let mut changed = index.clone();
    changed["x"] = "kept".into();
    changed["manifests"][1]["platform"] =
        serde_json::json!({"os": "linux", "architecture": "amd64"});
    environment.write("layout/index.json", changed.to_string());
    let moved = copy("v2", ":one");
    assert_eq!(
        moved["rows"][0]["replaced"],
        index["manifests"][0]["digest"]
    );
    let after = environment.read_json("layout/index.json");
    assert_eq!(names(&after), [Some("one"), Some("two"), None]);
    assert_eq!(
        after["manifests"][0]["digest"],
        after["manifests"][1]["digest"]
    );
    assert_eq!(
        (&after["x"], &after["manifests"][1]),
        (&changed["x"], &changed["manifests"][1])
    );
    for (name, cause) in [
        ("oci:layout", "several images: one, sha256:"),
        ("oci:layout:three", "no image three: "),
        ("oci:layout:@3", "no image @3"),
    ] {
        let refused = environment.mirror(&format!("digest {name}")).exits(1);
        assert!(refused.stderr.contains(cause), "{name}: {refused:?}");
    }
    let second = environment.mirror("digest oci:layout:@1").exits(0);
    assert_eq!(
        second.stdout.trim(),
        after["manifests"][1]["digest"].as_str().unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_blob_fails_the_copy_and_is_written_again() {
    let registry = registry_with(&["app:v1"]).await;
    let host = registry.host();
    let environment = TestEnvironment::new();
    environment
        .mirror(&format!("copy {host}/app:v1 oci:layout:v1"))
        .exits(0);
    let layer = small_image(1)
        .blobs()
        .into_iter()
        .max_by_key(|blob| blob.bytes().len())
        .unwrap()
        .digest()
        .to_string();
    let path = format!("layout/blobs/{}", layer.replace(':', "/"));
    let intact = std::fs::read(environment.path(&path)).unwrap();
    let mut damaged = intact.clone();
    damaged[100] ^= 1;
    environment.write(&path, &damaged);
    let failed = environment
        .mirror(&format!("copy oci:layout:v1 {host}/other:v1"))
        .exits(3);
    assert!(failed.stdout.contains(&layer), "{failed:?}");
    assert!(failed.stdout.contains("oci:layout:v1"), "{failed:?}");
    assert!(crate::environment::tags_of(&host, "other").await.is_empty());
    // Another name, so that the image is not unchanged.
    environment
        .mirror(&format!("copy {host}/app:v1 oci:layout:v2"))
        .exits(0);
    assert_eq!(std::fs::read(environment.path(&path)).unwrap(), intact);
    std::fs::remove_file(environment.path(&path)).unwrap();
    let failed = environment
        .mirror(&format!("copy oci:layout:v1 {host}/other:v1"))
        .exits(3);
    assert!(
        failed
            .stdout
            .contains(&format!("oci:layout has no blob {layer}")),
        "{failed:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_and_refused_destinations_write_nothing() {
    let registry = registry_with(&["app:v1"]).await;
    let host = registry.host();
    let environment = TestEnvironment::new();
    for destination in [
        "oci:layout:v1",
        "oci-archive:a.tar:v1",
        "docker-archive:b.tar:app:v1",
    ] {
        let dry = environment
            .mirror(&format!("copy {host}/app:v1 {destination} --dry-run"))
            .exits(0);
        assert!(dry.stdout.contains("would copy"), "{dry:?}");
    }
    assert!(environment.file_names().is_empty());
    environment.write("file", "x");
    std::fs::create_dir(environment.path("other")).unwrap();
    environment.write("other/data", "x");
    for (destination, cause) in [
        ("oci:file:v1", "Not a directory"),
        ("oci:other:v1", "has other files and no oci-layout"),
        ("oci:new:@1", "position of a source"),
        ("oci-archive:other:v1", "no regular file"),
        ("oci-archive:missing/a.tar", "No such file"),
        ("dir:x", "transport `dir:` is not supported"),
        ("oci::v1", "path after `oci:` is empty"),
    ] {
        let refused = environment.mirror(&format!("copy {host}/app:v1 {destination}"));
        assert!(
            matches!(refused.code, Some(1 | 2)),
            "{destination}: {refused:?}"
        );
        assert!(refused.stderr.contains(cause), "{destination}: {refused:?}");
    }
    assert_eq!(environment.file_names(), ["file", "other"]);
}
