//! Volumes, directories and signatures.

use std::fs;
use std::os::unix::fs::symlink;

use embedded_registry::Registry;
use embedded_registry::images::{Platform, sample_image};
use registry_client::sha256_digest;

use super::TestBundle;
use super::test_bundle::Form;
use crate::environment::TestEnvironment;

fn sample(host: &str) -> TestBundle {
    let image = sample_image("a", 1, &[Platform::linux("amd64")], 3).unwrap();
    let mut bundle = TestBundle::new();
    bundle.add_image(
        &format!("quay.io/team/app {host}/mirror/app v1"),
        &image,
        &[],
        &[],
    );
    bundle
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_are_joined_and_bad_ones_are_named() {
    let registry = Registry::new().start().await.unwrap();
    let environment = TestEnvironment::new();
    let archive = sample(&registry.host()).archive();
    let mut checksums = String::new();
    for (number, volume) in archive.chunks(archive.len() / 4 + 1).enumerate() {
        let name = format!("b.tar.{:03}", number + 1);
        environment.write(&name, volume);
        checksums += &format!("{}  {name}\n", sha256_digest(volume).hex());
    }
    environment.write("b.tar.sha256", &checksums);
    let verified = environment
        .mirror("bundle verify b.tar --output json")
        .exits(0)
        .json();
    assert_eq!(verified["volumes"], 4, "{verified}");
    environment
        .mirror("import b.tar.003 b.tar.001 b.tar.004 b.tar.002")
        .exits(0);
    assert!(registry.tagged("mirror/app", "v1").is_some());
    let missing = environment.mirror("import b.tar.001 b.tar.003").exits(2);
    assert!(
        missing.stderr.contains("missing: 002, 004"),
        "{}",
        missing.stderr
    );
    let mut damaged = fs::read(environment.path("b.tar.003")).unwrap();
    damaged[7] ^= 1;
    environment.write("b.tar.003", &damaged);
    let refused = environment.mirror("bundle verify b.tar").exits(1);
    assert!(
        refused.stderr.contains("b.tar.003") && !refused.stderr.contains("b.tar.002"),
        "{}",
        refused.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_regular_files_of_a_directory_are_read() {
    let registry = Registry::new().start().await.unwrap();
    let bundle = sample(&registry.host());
    let layer = bundle.members.last().unwrap().0.clone();
    type Change = fn(&std::path::Path, &str);
    let changes: [(&str, Change); 6] = [
        ("a symbolic link", |directory, layer| {
            fs::rename(directory.join(layer), directory.join("moved")).unwrap();
            symlink(directory.join("moved"), directory.join(layer)).unwrap();
        }),
        ("a symbolic link", |directory, _| {
            fs::rename(directory.join("blobs"), directory.join("moved")).unwrap();
            symlink(directory.join("moved"), directory.join("blobs")).unwrap();
        }),
        ("a symbolic link", |directory, _| {
            fs::remove_file(directory.join("mirror.json")).unwrap();
            symlink("/etc/passwd", directory.join("mirror.json")).unwrap();
        }),
        ("a device, pipe or socket", |directory, layer| {
            fs::remove_file(directory.join(layer)).unwrap();
            std::os::unix::net::UnixListener::bind(directory.join(layer)).unwrap();
        }),
        ("is missing from the directory", |directory, layer| {
            fs::remove_file(directory.join(layer)).unwrap();
        }),
        ("has no mirror.json", |directory, _| {
            fs::remove_file(directory.join("mirror.json")).unwrap();
        }),
    ];
    for (cause, change) in changes {
        let environment = TestEnvironment::new();
        let directory = bundle.write(&environment, Form::Directory);
        change(&directory, &layer);
        for line in ["bundle verify bundle", "import bundle"] {
            let refused = environment.mirror(line);
            assert!(matches!(refused.code, Some(1 | 2)), "{cause}: {line}");
            assert!(
                refused.stderr.contains(cause),
                "{cause}: {}",
                refused.stderr
            );
        }
        assert!(registry.tags("mirror/app").is_empty(), "{cause}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn required_signature_is_verified_before_anything_else() {
    let registry = Registry::new().start().await.unwrap();
    let environment = TestEnvironment::new();
    let mut bundle = sample(&registry.host());
    let pair = || minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let (own, other) = (pair(), pair());
    let public = |pair: &minisign::KeyPair| pair.pk.to_box().unwrap().into_string();
    environment.write("own.pub", public(&own));
    environment.write("other.pub", public(&other));
    bundle.write(&environment, Form::Archive);
    let unsigned = environment
        .mirror("import bundle --verify-key own.pub")
        .exits(2);
    assert!(
        unsigned.stderr.contains("is not signed"),
        "{}",
        unsigned.stderr
    );
    let document = bundle.document();
    let signed = minisign::sign(None, &own.sk, &document[..], None, None).unwrap();
    bundle.signature = Some(("mirror.json.minisig", signed.into_string().into_bytes()));
    bundle.write(&environment, Form::Archive);
    let refused = environment
        .mirror("import bundle --verify-key other.pub")
        .exits(2);
    assert!(
        refused.stderr.contains("names the key"),
        "{}",
        refused.stderr
    );
    // The changed document is not parsed.
    bundle.contents.format_version = 9;
    bundle.write(&environment, Form::Archive);
    let changed = environment
        .mirror("import bundle --verify-key own.pub")
        .exits(2);
    assert!(
        changed.stderr.contains("not a signature of these contents"),
        "{}",
        changed.stderr
    );
    assert!(registry.tags("mirror/app").is_empty());
    bundle.contents.format_version = 1;
    bundle.write(&environment, Form::Archive);
    let report = environment
        .mirror("import bundle --verify-key own.pub --output json")
        .exits(0)
        .json();
    assert_eq!(report["bundle"]["signature"], "verified", "{report}");
    let unverified = environment.mirror("import bundle").exits(0);
    assert!(
        unverified.stderr.contains("use --verify-key"),
        "{}",
        unverified.stderr
    );
}
