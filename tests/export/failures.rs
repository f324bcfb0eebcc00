//! Rows and blobs that fail.

use std::fs;

use super::source::{Source, assert_consistent, files_below, multi_platform, unpack};
use crate::environment::TestEnvironment;

#[tokio::test(flavor = "multi_thread")]
async fn failed_row_is_left_out_and_reported() {
    let source = Source::start().await;
    source.write_list(&[("single", "2"), ("gone", "1")]);
    let environment = &source.environment;
    let report = environment
        .mirror("export out.tar --output json --report report.json")
        .exits(1);
    let report = report.json();
    assert_eq!(report, environment.read_json("report.json"));
    assert_eq!(report["summary"]["exported"], 1);
    assert_eq!(report["rows"][1]["status"], "failed");
    let files = unpack(&environment.path("out.tar"));
    let contents = assert_consistent(&files);
    assert_eq!(contents["images"].as_array().unwrap().len(), 1);
    let list = String::from_utf8(files["images-list"].clone()).unwrap();
    assert!(!list.contains("gone"), "{list}");

    source.write_list(&[("gone", "1")]);
    let all = environment.mirror("export none.tar").exits(3);
    assert!(
        all.stdout.contains("exported 0 of 1 row, 1 failed"),
        "{}",
        all.stdout
    );
    assert!(!environment.path("none.tar").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_blob_fails_the_archive_and_the_next_run_continues() {
    let source = Source::start().await;
    source.write_list(&[("app", "1"), ("single", "2")]);
    let environment = &source.environment;
    let image = multi_platform();
    let (digest, bytes) = {
        let manifest = image.manifests()[0].bytes();
        let manifest: serde_json::Value = serde_json::from_slice(manifest).unwrap();
        let digest = manifest["layers"][0]["digest"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let bytes = source.registry.blob("app", &digest).unwrap();
        (digest, bytes)
    };
    let damaged = vec![0; bytes.len()];
    source.registry.damage_blob("app", &digest, damaged.into());
    for output in ["out.tar", "out.tar.zst", "directory"] {
        let failed = environment.mirror(&format!("export {output}")).exits(1);
        assert!(
            failed.stdout.contains(digest.as_ref()),
            "{output}: {}",
            failed.stdout
        );
        assert!(
            failed.stdout.contains("exported 0 of 2 rows, 2 skipped"),
            "{}",
            failed.stdout
        );
        let published = match output {
            "directory" => environment.path("directory/mirror.json"),
            file => environment.path(file),
        };
        assert!(!published.exists(), "{output}");
    }
    let stream = environment
        .mirror_command()
        .args(["export", "-"])
        .output()
        .unwrap();
    assert_eq!(stream.status.code(), Some(1));
    assert!(
        !stream.stdout.ends_with(&[0; 1024]),
        "the stream has an end"
    );

    source.registry.damage_blob("app", &digest, bytes);
    let downloads = source.downloads();
    environment.mirror("export out.tar").exits(0);
    let missing = source.downloads() - downloads;
    assert_eq!(missing, 1, "only the damaged blob is missing");
    assert_consistent(&unpack(&environment.path("out.tar")));
    environment.mirror("export out.tar.zst").exits(0);
    environment.mirror("export directory").exits(0);
    assert!(
        !environment
            .path("directory/mirror.json.incomplete")
            .exists()
    );
}

/// Writes a key of minisign, whose signatures differ each time, as those of ECDSA do.
fn write_key(environment: &TestEnvironment) {
    let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    environment.write("own.key", pair.sk.to_box(None).unwrap().into_string());
    environment.write("own.pub", pair.pk.to_box().unwrap().into_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_export_continues_with_the_signature_that_it_has_written() {
    let source = Source::start().await;
    source.write_list(&[("app", "1"), ("single", "2")]);
    let environment = &source.environment;
    write_key(environment);
    let digest = multi_platform().blobs()[0].digest().clone();
    let bytes = source.registry.blob("app", &digest).unwrap();
    for (output, bundle) in [
        ("out.tar", "out.tar"),
        ("out.tar.zst", "out.tar.zst"),
        ("vol.tar --volume-size 4096", "vol.tar"),
        ("directory", "directory"),
    ] {
        let line = format!("export {output} --sign own.key --output json");
        let damaged = vec![0; bytes.len()];
        source.registry.damage_blob("app", &digest, damaged.into());
        environment.mirror(&line).exits(1);
        source.registry.damage_blob("app", &digest, bytes.clone());
        let downloads = source.downloads();
        environment.mirror(&line).exits(0);
        let resumed = source.downloads() - downloads;
        let verify = format!("bundle verify {bundle} --verify-key own.pub");
        environment.mirror(&verify).exits(0);
        let content = || match environment.path(bundle).is_dir() {
            true => files_below(&environment.path(bundle)),
            false => environment
                .file_names()
                .into_iter()
                .filter(|name| name.starts_with(bundle))
                .map(|name| (name.clone(), fs::read(environment.path(&name)).unwrap()))
                .collect(),
        };
        let written = content();
        let downloads = source.downloads();
        environment.mirror(&line).exits(0);
        assert_eq!(source.downloads(), downloads, "{output}: all is there");
        assert!(content() == written, "{output}: the bytes differ");
        // A compressed archive continues after the last whole frame.
        if output != "out.tar.zst" {
            assert_eq!(resumed, 1, "{output}: only the damaged blob is missing");
        }
        // Another key signs again.
        write_key(environment);
        environment.mirror(&line).exits(0);
        environment.mirror(&verify).exits(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_content_is_not_overwritten() {
    let source = Source::start().await;
    source.write_list(&[("single", "2")]);
    let environment = &source.environment;
    fs::create_dir(environment.path("photos")).unwrap();
    environment.write("photos/1.jpg", "x");
    let refused = environment.mirror("export photos").exits(1);
    assert!(
        refused
            .stdout
            .contains("is not empty and has no mirror.json"),
        "{}",
        refused.stdout
    );
    assert_eq!(environment.read("photos/1.jpg"), "x");
    let missing = environment.mirror("export missing/out.tar").exits(1);
    assert!(
        missing.stdout.contains("create the directory first"),
        "{}",
        missing.stdout
    );

    // A later export of other images leaves nothing of an earlier one behind.
    environment.mirror("export directory").exits(0);
    source.write_list(&[("chart", "1.0.0")]);
    environment.mirror("export directory").exits(0);
    assert_consistent(&super::source::files_below(&environment.path("directory")));
    environment
        .mirror("export out.tar --volume-size 4096")
        .exits(0);
    source.write_list(&[("app", "1")]);
    environment
        .mirror("export out.tar --volume-size 4096")
        .exits(0);
    source.write_list(&[("chart", "1.0.0")]);
    environment
        .mirror("export out.tar --volume-size 4096")
        .exits(0);
    let volumes = environment.file_names().into_iter();
    let volumes = volumes.filter(|name| name.starts_with("out.tar.0")).count();
    let sums = environment.read("out.tar.sha256");
    assert_eq!(sums.lines().count(), volumes);
}
