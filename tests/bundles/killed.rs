//! `mirror import` that is killed at random points.

use std::process::Stdio;
use std::time::Duration;

use embedded_registry::Registry;
use embedded_registry::images::{Platform, sample_image};

use super::TestBundle;
use super::test_bundle::Form;
use crate::environment::{TestEnvironment, block};

/// Imports that are killed, each after another time.
const KILLS: u32 = 20;

#[tokio::test(flavor = "multi_thread")]
async fn killed_imports_leave_no_incomplete_tag_and_the_next_one_finishes() {
    let registry = Registry::new().start().await.unwrap();
    let environment = TestEnvironment::new();
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    let mut bundle = TestBundle::new();
    let host = registry.host();
    let images: Vec<_> = (0..8)
        .map(|number| sample_image("a", number, &platforms, 4).unwrap())
        .collect();
    for (number, image) in images.iter().enumerate() {
        let row = format!(
            "quay.io/team/app{number} {host}/mirror/app{} v{number}",
            number % 3
        );
        bundle.add_image(&row, image, &[], &[]);
    }
    bundle.write(&environment, Form::Archive);
    for kill in 0..KILLS {
        let mut command = environment.mirror_command_without_vv();
        command
            .args(["import", "bundle"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // From before the first request to about the end.
        tokio::time::sleep(Duration::from_millis(u64::from(kill * 13 % 260))).await;
        child.kill().unwrap();
        block(|| child.wait().unwrap());
        for (number, image) in images.iter().enumerate() {
            let repository = format!("mirror/app{}", number % 3);
            if registry
                .tagged(&repository, &format!("v{number}"))
                .is_none()
            {
                continue;
            }
            for manifest in image.manifests() {
                assert!(
                    registry.manifest(&repository, manifest.digest()).is_some(),
                    "{kill}"
                );
            }
            for blob in image.blobs() {
                assert!(
                    registry.blob(&repository, blob.digest()).is_some(),
                    "{kill}"
                );
            }
        }
    }
    environment.mirror("import bundle").exits(0);
    let report = environment
        .mirror("import bundle --output json")
        .exits(0)
        .json();
    assert_eq!(report["summary"]["unchanged"], 8, "{report}");
}
