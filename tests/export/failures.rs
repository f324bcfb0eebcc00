//! Rows and blobs that fail.

use std::fs;

use super::source::{Source, assert_consistent, multi_platform, unpack};

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
