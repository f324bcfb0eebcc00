//! Exports of what the far side lacks.

use std::collections::BTreeSet;
use std::fs;

use embedded_registry::images::{Platform, sample_image};
use embedded_registry::{Registry, RunningRegistry};
use serde_json::Value;

use super::source::{DESTINATION, Source, assert_consistent, unpack};

fn blobs(contents: &Value) -> BTreeSet<String> {
    let members = contents["members"].as_array().unwrap().iter();
    let paths = members.map(|member| member["path"].as_str().unwrap());
    paths
        .filter(|path| path.starts_with("blobs/"))
        .map(ToOwned::to_owned)
        .collect()
}

/// A far side that has the whole list, and its inventory in `inventory.json`.
struct FarSide {
    source: Source,
    registry: RunningRegistry,
    inventory: String,
}

impl FarSide {
    async fn start() -> Self {
        let source = Source::start().await;
        let environment = &source.environment;
        let registry = Registry::new().start().await.unwrap();
        let options = format!("--dest-registry {}", registry.host());
        environment.mirror(&format!("sync {options}")).exits(0);
        let inventory = environment.mirror(&format!("inventory {options}")).exits(0);
        environment.write("inventory.json", &inventory.stdout);
        let inventory = inventory.stdout;
        Self {
            source,
            registry,
            inventory,
        }
    }

    /// The arguments of an export of what the far side lacks.
    fn export(&self, output: &str) -> String {
        let host = self.registry.host();
        format!("export {output} --base inventory.json --dest-registry {host} --output json")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_images_are_required_of_the_far_side() {
    let far_side = FarSide::start().await;
    let environment = &far_side.source.environment;
    let host = far_side.registry.host();
    let again = environment
        .mirror(&format!("inventory --dest-registry {host}"))
        .exits(0);
    assert_eq!(again.stdout, far_side.inventory, "it is deterministic");
    let report = environment
        .mirror(&far_side.export("same.tar"))
        .exits(0)
        .json();
    assert_eq!(report["summary"]["unchanged"], 5, "{report}");
    let contents = assert_consistent(&unpack(&environment.path("same.tar")));
    assert_eq!(blobs(&contents), BTreeSet::new());
    assert_eq!(contents["images"].as_array().unwrap().len(), 5);
    let digests: BTreeSet<_> = contents["requires"]
        .as_array()
        .unwrap()
        .iter()
        .map(|required| required["digest"].as_str().unwrap())
        .collect();
    for image in contents["images"].as_array().unwrap() {
        assert!(
            digests.contains(image["digest"].as_str().unwrap()),
            "{image}"
        );
    }
    assert_eq!(contents["bases"][0]["name"], "inventory.json");
}

#[tokio::test(flavor = "multi_thread")]
async fn delta_has_only_what_the_inventory_lacks() {
    let far_side = FarSide::start().await;
    let (source, known) = (&far_side.source, &far_side.inventory);
    let environment = &source.environment;
    // A new image shares the layers of `single:2` and has one of its own.
    let image = sample_image("b", 2, &[Platform::linux("amd64")], 3).unwrap();
    image.push(&source.registry, "single", Some("3"));
    let list = environment.read("images-list");
    let host = source.registry.host();
    environment.write(
        "images-list",
        format!("{list}{host}/single {DESTINATION}/single 3\n"),
    );
    let downloads = source.downloads();
    let report = environment
        .mirror(&far_side.export("delta.tar"))
        .exits(0)
        .json();
    let contents = assert_consistent(&unpack(&environment.path("delta.tar")));
    for path in blobs(&contents) {
        let hex = path.rsplit('/').next().unwrap();
        assert!(!known.contains(hex), "the far side has {path}");
    }
    let new = &report["rows"][5];
    assert_eq!(new["status"], "exported");
    assert!(new["left_out_bytes"].as_u64().unwrap() > 0, "{new}");
    let floor = new["new_bytes"].as_u64().unwrap();
    let archive = blobs(&contents);
    let bytes: u64 = contents["members"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|member| archive.contains(member["path"].as_str().unwrap()))
        .map(|member| member["size"].as_u64().unwrap())
        .sum();
    assert_eq!(bytes, floor, "the archive has new content only");
    let required = contents["requires"].as_array().unwrap().iter();
    let layers: Vec<_> = required
        .filter(|required| required["mediaType"].is_null())
        .collect();
    assert!(!layers.is_empty(), "the shared layers are required");
    for layer in layers {
        let repositories = layer["repositories"].as_array().unwrap();
        let name = format!("{}/mirror/single", far_side.registry.host());
        assert!(repositories.contains(&name.into()), "{layer}");
    }
    // Those of the image and of its attestation.
    assert!(
        source.downloads() - downloads <= 4,
        "two configs and two layers"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn delta_has_only_what_earlier_bundles_lack() {
    let source = Source::start().await;
    let environment = &source.environment;
    let whole = environment.read("images-list");
    source.write_list(&[("app", "1"), ("app", "latest")]);
    environment.mirror("export first.tar.zst").exits(0);
    environment.write("images-list", &whole);
    environment
        .mirror("export second.tar --base first.tar.zst --volume-size 4096")
        .exits(0);
    let second =
        environment.mirror("export third.tar --base first.tar.zst --base second.tar --output json");
    let report = second.exits(0).json();
    assert_eq!(report["summary"]["unchanged"], 5, "{report}");
    let contents = assert_consistent(&unpack(&environment.path("third.tar")));
    assert_eq!(blobs(&contents), BTreeSet::new());
    assert_eq!(contents["bases"][1]["name"], "second.tar");

    let image = sample_image("b", 2, &[Platform::linux("amd64")], 3).unwrap();
    image.push(&source.registry, "single", Some("3"));
    let host = source.registry.host();
    environment.write(
        "images-list",
        format!("{host}/single {DESTINATION}/other 3\n"),
    );
    environment
        .mirror("export delta.tar --base second.tar")
        .exits(0);
    let contents = assert_consistent(&unpack(&environment.path("delta.tar")));
    let required = contents["requires"].as_array().unwrap();
    assert!(
        !required.is_empty(),
        "the layers of another repository are mounted"
    );
    for required in required {
        assert!(
            required["mediaType"].is_null(),
            "manifests are not mounted: {required}"
        );
        // Some of the layers are in several images of the base.
        let repository = required["repositories"][0].as_str().unwrap();
        let known = ["app", "single"].map(|name| format!("{DESTINATION}/{name}"));
        assert!(known.contains(&repository.to_owned()), "{required}");
        assert_eq!(required["base"], "second.tar");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn base_that_is_none_is_refused_before_anything_is_sent() {
    let source = Source::start().await;
    let environment = &source.environment;
    let count = source.registry.request_count();
    environment.write("bad.json", "{\"formatVersion\": 1}");
    for (base, cause) in [
        ("missing.json", "No such file"),
        ("bad.json", "missing field"),
        ("images-list", "cannot read the base images-list"),
    ] {
        let output = environment
            .mirror(&format!("export out.tar --base {base}"))
            .exits(2);
        assert!(output.stderr.contains(cause), "{base}: {}", output.stderr);
    }
    assert_eq!(source.registry.request_count(), count);
    assert!(!environment.path("out.tar").exists());
    environment.write(
        "other.json",
        r#"{"formatVersion": 1, "createdBy": "x", "registries": {"q.io": {"a": {"manifests": [], "blobs": [], "tags": {}}}}}"#,
    );
    let output = environment
        .mirror("export out.tar --base other.json")
        .exits(0);
    assert!(
        output
            .stderr
            .contains("no destination of the export is in a base")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn inventory_reports_destinations_that_fail_and_skips_those_that_are_missing() {
    let source = Source::start().await;
    let environment = &source.environment;
    let far_side = Registry::new().start().await.unwrap();
    source.write_list(&[("single", "2")]);
    environment
        .mirror(&format!("sync --dest-registry {}", far_side.host()))
        .exits(0);
    let host = source.registry.host();
    environment.write(
        "images-list",
        format!(
            "{host}/single {0}/mirror/single 2\n{host}/app {0}/mirror/app 1\n{host}/app 127.0.0.1:9/mirror/app 1\n",
            far_side.host()
        ),
    );
    let output = environment.mirror("inventory --max-wait 1s").exits(1);
    assert!(output.stderr.contains("images-list:3"), "{}", output.stderr);
    let inventory = output.json();
    let repositories = &inventory["registries"][far_side.host()];
    assert_eq!(
        repositories["mirror/single"]["tags"]
            .as_object()
            .unwrap()
            .len(),
        1
    );
    assert!(repositories["mirror/app"].is_null());
    fs::write(environment.path("inventory.json"), output.stdout).unwrap();
    environment
        .mirror("export out.tar --base inventory.json --match */single")
        .exits(0);
}
