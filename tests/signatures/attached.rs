//! Content attached to a verified image: only documents are copied, nothing that a runtime could run.

use embedded_registry::images::{
    Artifact, Bundle, Format, Image, Index, Layer, Platform, digest_tag, sample_image,
};
use serde_json::{Value, json};
use testkit::signing::SigningKey;

use super::signed_registry::{Signed, key_requirement};

const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const OWN_CONFIG: &str = "application/vnd.example.config.v1+json";
const SPDX: &str = "text/spdx+json";

/// The place of an artifact.
#[derive(Clone, Copy)]
enum Attached {
    /// Under a digest tag of the image.
    Tag(&'static str),
    /// As a referrer of the image.
    Referrer,
}

fn layer() -> Layer {
    Layer::files(&[("bin/sh", b"\x7fELF\0\0")]).unwrap()
}

fn image(format: Format) -> Image {
    Image::new(format, Platform::linux("amd64")).layer(layer())
}

/// Returns an artifact with that config and a layer of an image's bytes.
fn artifact(config: &str, layer_type: &str) -> Artifact {
    let tar = image(Format::Oci).build();
    let (config_bytes, layer) = (
        tar.blobs()[0].bytes().clone(),
        tar.blobs()[1].bytes().clone(),
    );
    Artifact::image(config, config_bytes).blob(layer_type, layer)
}

/// Content that a hostile source attaches to an image, with the reason for which it is left out.
type Hostile = (&'static str, Attached, Bundle, &'static str);

fn hostile(subject: &Bundle) -> Vec<Hostile> {
    [hostile_tags(), hostile_referrers(subject)].concat()
}

fn hostile_tags() -> Vec<Hostile> {
    let tag = Attached::Tag;
    let (oci, docker) = (image(Format::Oci).build(), image(Format::Docker).build());
    let index = sample_image("x", 77, &[Platform::linux("amd64")], 1).unwrap();
    // Podman and Docker unpack a layer of any type.
    let typed = artifact(OCI_CONFIG, SPDX).build();
    let untyped = artifact("application/octet-stream", SPDX).build();
    vec![
        ("image", tag("sbom"), oci, "is not text"),
        ("docker", tag("att"), docker, "is not text"),
        ("index", tag("att"), index, "it is an index"),
        ("typed", tag("sbom"), typed, "is not text"),
        ("untyped", tag("sbom"), untyped, "is not text"),
    ]
}

fn hostile_referrers(subject: &Bundle) -> Vec<Hostile> {
    let docker_type = |bundle: Bundle| {
        bundle.rewritten(|text| text.replace(Format::Oci.manifest(), Format::Docker.manifest()))
    };
    let of_type = |layer| artifact(OWN_CONFIG, layer).subject(subject).build();
    let whole = image(Format::Oci).subject(subject).build();
    let index = Index::new(Format::Oci).child(image(Format::Oci).build());
    let index = index.subject(subject).build();
    [
        ("referrer", whole, "is not text"),
        ("index-referrer", index, "it is an index"),
        ("own-type", of_type(Format::Oci.layer()), "is not text"),
        ("docker-referrer", docker_type(of_type(SPDX)), "is not text"),
        ("module", of_type("application/wasm"), "is not text"),
    ]
    .map(|(name, bundle, reason)| (name, Attached::Referrer, bundle, reason))
    .to_vec()
}

/// Returns the documents that come along.
fn documents(subject: &Bundle) -> Vec<(&'static str, Attached, Bundle)> {
    let (tag, referrer) = (Attached::Tag, Attached::Referrer);
    vec![
        (
            "signature",
            tag("sig"),
            Artifact::cosign_signature(subject.digest()).build(),
        ),
        (
            "sbom",
            tag("sbom"),
            Artifact::image(OCI_CONFIG, "{}")
                .blob(SPDX, "{\"name\": \"\u{e4}\"}")
                .build(),
        ),
        // Binary data with a type of its own, and a directory that `oras attach` packs.
        (
            "own-data",
            referrer,
            artifact(OWN_CONFIG, "application/vnd.example.data")
                .subject(subject)
                .build(),
        ),
        (
            "packed",
            referrer,
            Artifact::new("application/vnd.example.directory")
                .blob(Format::Oci.layer(), vec![0_u8; 600])
                .subject(subject)
                .build(),
        ),
    ]
}

/// Pushes a signed image with something attached.
fn push(
    signed: &Signed,
    name: &str,
    attach: impl Fn(&Bundle) -> (Attached, Bundle),
) -> (Bundle, Bundle) {
    let image = signed.push(name, "1");
    signed.sign_bundle(name, &image, &signed.key);
    let (how, attached) = attach(&image);
    let tag = match how {
        Attached::Tag(suffix) => Some(digest_tag(image.digest(), Some(suffix))),
        Attached::Referrer => None,
    };
    attached.push(&signed.registry, name, tag.as_deref());
    (image, attached)
}

fn write_list(signed: &Signed, names: &[&str]) {
    let host = signed.registry.host();
    let row = |name: &&str| format!("{host}/{name} {host}/m/{name} 1\n");
    let list: String = names.iter().map(row).collect();
    signed.environment.write("images-list", list);
}

fn row<'a>(report: &'a Value, name: &str) -> &'a Value {
    let mut rows = report["rows"].as_array().unwrap().iter();
    let end = format!("/{name}");
    rows.find(|row| row["source"].as_str().unwrap().ends_with(&end))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_could_be_run_enters_with_a_verified_image() {
    let signed = Signed::new().await;
    let names: Vec<_> = hostile(&signed.push("x", "1"))
        .into_iter()
        .map(|(name, ..)| name)
        .collect();
    let pushed: Vec<(Bundle, Bundle)> = (0..names.len())
        .map(|at| {
            push(&signed, names[at], |image| {
                let (_, how, attached, _) = hostile(image).swap_remove(at);
                (how, attached)
            })
        })
        .collect();
    write_list(&signed, &names);
    let environment = &signed.environment;
    environment.write("policy.json", signed.policy(&[("*", key_requirement())]));
    // The second run finds the images there.
    for status in ["copied", "unchanged"] {
        let report = environment.mirror("sync --output json").exits(0).json();
        for (at, (image, attached)) in pushed.iter().enumerate() {
            let (name, _, _, reason) = hostile(image).swap_remove(at);
            let row = row(&report, name);
            assert_eq!(row["status"], status, "{row:#}");
            let warnings = row["warnings"].to_string();
            let digest = attached.digest().to_string();
            for want in [
                digest.as_str(),
                reason,
                "with a policy only documents are copied",
            ] {
                assert!(warnings.contains(want), "{name} {want}: {warnings}");
            }
            let repository = format!("m/{name}");
            for manifest in attached.manifests() {
                let stored = signed.registry.manifest(&repository, manifest.digest());
                assert!(stored.is_none(), "{name}: {stored:?}");
            }
            assert_eq!(signed.registry.tags(&repository), ["1"], "{name}");
            assert_eq!(
                signed.registry.manifests(&repository).len(),
                1 + image.manifests().len()
            );
        }
    }
    // A source that needs no signature brings everything.
    let accepted = json!({"accept": "unsigned"});
    environment.write("policy.json", signed.policy(&[("*", accepted)]));
    environment.mirror("sync").exits(0);
    for (name, (_, attached)) in names.iter().zip(&pushed) {
        let stored = signed
            .registry
            .manifest(&format!("m/{name}"), attached.digest());
        assert!(stored.is_some(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_come_along_with_a_verified_image() {
    let signed = Signed::new().await;
    let count = documents(&signed.push("x", "1")).len();
    let mut pushed = Vec::new();
    for at in 0..count {
        let name = documents(&signed.push("x", "1"))[at].0;
        let (_, attached) = push(&signed, name, |image| {
            let (_, how, attached) = documents(image).swap_remove(at);
            (how, attached)
        });
        pushed.push((name, attached));
    }
    let names: Vec<&str> = pushed.iter().map(|(name, _)| *name).collect();
    write_list(&signed, &names);
    let environment = &signed.environment;
    environment.write("policy.json", signed.policy(&[("*", key_requirement())]));
    let report = environment.mirror("sync --output json").exits(0).json();
    for (name, attached) in pushed {
        let stored = signed
            .registry
            .manifest(&format!("m/{name}"), attached.digest());
        assert!(stored.is_some(), "{name}: {:#}", row(&report, name));
        assert_eq!(row(&report, name)["warnings"], json!([]));
    }
}

/// An unsigned index with a signed image: what the index marks as an attestation could be another image.
#[tokio::test(flavor = "multi_thread")]
async fn image_that_an_index_marks_as_an_attestation_does_not_enter() {
    let signed = Signed::new().await;
    let image = image(Format::Oci).build();
    let other = Image::new(Format::Oci, Platform::linux("unknown"))
        .layer(layer())
        .build();
    let index = Index::new(Format::Oci)
        .child(image.clone())
        .child(other.clone());
    let index = index.build().rewritten(|text| {
        let mut index: Value = serde_json::from_str(text).unwrap();
        index["manifests"][1]["platform"] = json!({"os": "unknown", "architecture": "unknown"});
        index["manifests"][1]["annotations"] = json!({
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": image.digest(),
        });
        index.to_string()
    });
    index.push(&signed.registry, "a", Some("1"));
    signed.sign_classic("a", image.digest().as_ref(), &signed.key);
    write_list(&signed, &["a"]);
    let environment = &signed.environment;
    environment.write("policy.json", signed.policy(&[("*", key_requirement())]));
    let host = signed.registry.host();
    for line in [
        "sync --output json".to_owned(),
        format!("verify {host}/a:1 --output json"),
    ] {
        let text = environment.mirror(&line).stdout;
        let want = format!("its attestation {} could be run", other.digest());
        assert!(text.contains(&want), "{line}: {text}");
    }
    assert_eq!(signed.registry.manifests("m/a").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_attached_to_a_copy_whose_source_the_policy_rejects() {
    let signed = Signed::new().await;
    let image = signed.push("a", "1");
    write_list(&signed, &["a"]);
    let environment = &signed.environment;
    environment.mirror("sync --no-policy").exits(0);
    signed.sign_classic("a", image.digest().as_ref(), &SigningKey::p256());
    environment.write(
        "policy.json",
        signed.policy(&[("*", json!({"reject": true}))]),
    );
    let report = environment.mirror("sync --output json").exits(0).json();
    let row = row(&report, "a");
    assert_eq!(row["status"], "unchanged");
    let warnings = row["warnings"].to_string();
    let want = "the policy rejects the source of this image, so no attached content is copied";
    assert!(warnings.contains(want), "{warnings}");
    assert_eq!(signed.registry.tags("m/a"), ["1"]);
}
