//! Runs whose documents do not fit into memory at the same time.

use std::time::Duration;

use copier::Status;
use embedded_registry::images::{Artifact, Bundle, Platform, digest_tag, sample_image};
use registry_client::Client;

use super::run::{Run, registry, row};

/// Time after which a run counts as hanging; it is far longer than any run.
const HANG_TIMEOUT: Duration = Duration::from_secs(120);

const ARCHITECTURES: [&str; 8] = [
    "386", "amd64", "arm", "arm64", "ppc64le", "riscv64", "s390x", "mips64le",
];

fn image(number: u64) -> Bundle {
    let platforms = ARCHITECTURES.map(Platform::linux);
    sample_image("app", number, &platforms, 1).unwrap()
}

/// Rows wait for manifests that other rows copy, and for memory that other rows have.
#[tokio::test]
async fn rows_are_copied_one_after_the_other_where_memory_is_short() {
    let (source, target) = (registry().await, registry().await);
    let (mut rows, mut sboms) = (Vec::new(), Vec::new());
    for number in 0..40 {
        // Each image has two tags, so that rows share manifests.
        let image = image(number / 2);
        let tag = format!("v{number}");
        image.push(&source, "team/app", Some(&tag));
        let sbom = Artifact::new("application/spdx+json").subject(&image);
        let sbom = sbom.blob("text/spdx", format!("{}", number / 2)).build();
        sbom.push(&source, "team/app", None);
        sboms.push(sbom.digest().clone());
        let signature = Artifact::cosign_signature(image.digest()).build();
        let signature_tag = digest_tag(image.digest(), Some("sig"));
        signature.push(&source, "team/app", Some(&signature_tag));
        let (from, to) = (format!("team/app:{tag}"), format!("mirror/app:{tag}"));
        rows.push(row(&source, &from, &target, &to));
    }
    // The manifests of an image count as 60 KiB, so one fits into the memory of all, or into that of one
    // alone.
    let client = Client::builder().document_memory(256 * 1024).build();
    for expected in [Status::Copied, Status::Unchanged] {
        let run = Run::default();
        let report = tokio::time::timeout(HANG_TIMEOUT, run.sync_by(&client, &rows)).await;
        let report = report.unwrap();
        for outcome in &report.rows {
            assert_eq!(outcome.status, expected, "{outcome:#?}");
        }
    }
    for number in 0..20 {
        let image = image(number);
        let tag = format!("v{}", number * 2);
        assert_eq!(
            &target.tagged("mirror/app", &tag).unwrap().digest,
            image.digest()
        );
        let signature = digest_tag(image.digest(), Some("sig"));
        assert!(target.tagged("mirror/app", &signature).is_some());
    }
    for sbom in &sboms {
        assert!(target.manifest("mirror/app", sbom).is_some(), "{sbom}");
    }
}
