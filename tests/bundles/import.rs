//! `mirror import` of every form of a bundle.

use embedded_registry::images::{Artifact, Bundle, Platform, digest_tag, sample_image};
use embedded_registry::{Registry, RunningRegistry};

use registry_client::ContentHasher;
use serde_json::json;

use super::test_bundle::{Form, TestBundle};
use crate::environment::{CommandOutput, TestEnvironment, block};

/// A bundle with two images that share layers, a referrer and a cosign signature, and its parts.
struct Sample {
    bundle: TestBundle,
    image: Bundle,
    referrer: Bundle,
    signature: Bundle,
}

fn sample(host: &str) -> Sample {
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    let image = sample_image("a", 1, &platforms, 3).unwrap();
    let other = sample_image("a", 2, &platforms, 3).unwrap();
    let referrer = Artifact::new("application/x")
        .subject(&image)
        .blob("x/y", "sbom")
        .build();
    let signature = Artifact::cosign_signature(image.digest()).build();
    let tag = digest_tag(image.digest(), Some("sig"));
    let mut bundle = TestBundle::new();
    let row = format!("quay.io/team/app {host}/mirror/app v1");
    bundle.add_image(&row, &image, &[&referrer], &[(&signature, &tag)]);
    let row = format!("docker.io/library/other {host}/mirror/other v2");
    bundle.add_image(&row, &other, &[], &[]);
    Sample {
        bundle,
        image,
        referrer,
        signature,
    }
}

/// Imports the file `bundle` through standard input.
fn import_pipe(environment: &TestEnvironment) -> CommandOutput {
    let mut command = environment.mirror_command();
    command.args(["import", "-", "--output", "json"]);
    command.stdin(std::fs::File::open(environment.path("bundle")).unwrap());
    CommandOutput::with_debug_log(block(|| command.output().unwrap()))
}

fn assert_imported(registry: &RunningRegistry, sample: &Sample) {
    let found = registry.tagged("mirror/app", "v1").unwrap();
    assert_eq!(found.digest, *sample.image.digest());
    let tag = digest_tag(sample.image.digest(), Some("sig"));
    let found = registry.tagged("mirror/app", &tag).unwrap();
    assert_eq!(found.digest, *sample.signature.digest());
    assert!(
        registry
            .manifest("mirror/app", sample.referrer.digest())
            .is_some()
    );
    assert!(registry.tagged("mirror/other", "v2").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_is_imported_with_signatures_and_referrers() {
    for form in [Form::Archive, Form::Compressed, Form::Directory] {
        let registry = Registry::new().start().await.unwrap();
        let environment = TestEnvironment::new();
        let sample = sample(&registry.host());
        sample.bundle.write(&environment, form);
        let first = environment
            .mirror("import bundle --output json")
            .exits(0)
            .json();
        assert_eq!(first["summary"]["copied"], 2, "{form:?} {first}");
        assert_eq!(first["rows"][0]["source"], "quay.io/team/app");
        assert_eq!(first["bundle"]["signature"], "unsigned");
        assert_imported(&registry, &sample);
        let second = environment
            .mirror("import bundle --output json")
            .exits(0)
            .json();
        assert_eq!(second["summary"]["unchanged"], 2, "{form:?} {second}");
        assert_eq!(second["summary"]["bytes_copied"], 0, "{form:?} {second}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pipe_is_imported_in_one_pass_with_every_blob_sent_once() {
    let registry = Registry::new().start().await.unwrap();
    let environment = TestEnvironment::new();
    let sample = sample(&registry.host());
    sample.bundle.write(&environment, Form::Archive);
    let report = import_pipe(&environment).exits(0).json();
    assert_eq!(report["summary"]["copied"], 2, "{report}");
    assert_imported(&registry, &sample);
    let blobs: u64 = sample
        .bundle
        .contents
        .members
        .iter()
        .map(|member| member.size)
        .sum();
    let sent = report["summary"]["bytes_copied"].as_u64().unwrap();
    assert!(sent > 0 && sent < blobs, "{sent} of {blobs}");
    // The images share layers, which the second repository mounts.
    assert!(
        report["summary"]["blobs_mounted"].as_u64().unwrap() > 0,
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn blob_with_a_sha512_is_carried_in_every_form() {
    const LAYER: &[u8] = b"layer";
    let near_side = Registry::new().start().await.unwrap();
    let mut hasher =
        ContentHasher::for_digest(&format!("sha512:{}", "0".repeat(128)).parse().unwrap());
    hasher.update(LAYER);
    let digest = hasher.finish();
    let layer = json!({"mediaType": "x/y", "digest": digest, "size": LAYER.len()});
    let config = near_side.put_blob("app", "{}".into());
    let config = json!({"mediaType": "a/b", "digest": config.as_ref(), "size": 2});
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest =
        json!({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": [layer]});
    // The method takes a blob of any digest.
    near_side.damage_blob("app", &digest.parse().unwrap(), LAYER.into());
    near_side.put_manifest("app", Some("v1"), media_type, manifest.to_string().into());
    for form in ["b.tar", "b.tar.zst", "directory"] {
        let far_side = Registry::new().start().await.unwrap();
        let environment = TestEnvironment::new();
        let row = format!(
            "{}/app {}/mirror/app v1\n",
            near_side.host(),
            far_side.host()
        );
        environment.write("images-list", row);
        environment.mirror(&format!("export {form}")).exits(0);
        environment
            .mirror(&format!("bundle verify {form}"))
            .exits(0);
        environment.mirror(&format!("import {form}")).exits(0);
        let found = far_side.blob("mirror/app", &digest.parse().unwrap());
        assert_eq!(found.as_deref(), Some(LAYER), "{form}");
        assert!(far_side.tagged("mirror/app", "v1").is_some(), "{form}");
    }
}
