//! Bundles of a writer that is not honest. Each is refused with a cause of its own, before anything is tagged.

mod archives;
mod contents;
mod documents;
mod forgery;

use embedded_registry::Registry;
use embedded_registry::images::{Platform, sample_image};

use crate::bundles::TestBundle;
use crate::environment::TestEnvironment;

/// A hostile bundle, and the cause of its refusal.
struct Row {
    name: &'static str,
    /// Makes the archive from an honest bundle.
    archive: fn(TestBundle) -> Vec<u8>,
    cause: &'static str,
}

fn honest(host: &str) -> TestBundle {
    let image = sample_image("a", 1, &[Platform::linux("amd64")], 2).unwrap();
    let mut bundle = TestBundle::new();
    let row = format!("quay.io/team/app {host}/mirror/app v1");
    bundle.add_image(&row, &image, &[], &[]);
    bundle
}

fn row(name: &'static str, archive: fn(TestBundle) -> Vec<u8>, cause: &'static str) -> Row {
    Row {
        name,
        archive,
        cause,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hostile_bundle_is_refused_with_its_cause() {
    let registry = Registry::new().start().await.unwrap();
    let rows: Vec<Row> = [archives::rows(), documents::rows(), contents::rows()]
        .into_iter()
        .flatten()
        .collect();
    assert!(rows.len() >= 40, "{}", rows.len());
    let mut wrong = Vec::new();
    for Row {
        name,
        archive,
        cause,
    } in rows
    {
        let environment = TestEnvironment::new();
        environment.write("bundle", archive(honest(&registry.host())));
        let verified = environment.mirror_without_vv("bundle verify bundle");
        let is_refused = matches!(verified.code, Some(1 | 2));
        if !is_refused || !verified.stderr.contains(cause) || verified.stderr.contains("panicked") {
            wrong.push(format!("{name}: {:?} {}", verified.code, verified.stderr));
        }
        if verified.stderr.contains('\u{1b}') {
            wrong.push(format!("{name}: a control character"));
        }
        let imported = environment.mirror_without_vv("import bundle");
        // An import does not look for members that belong to no image.
        let may_succeed = ["member of no image", "referrer of another subject"].contains(&name);
        if !may_succeed && !matches!(imported.code, Some(1..=3)) {
            wrong.push(format!(
                "{name}: import: {:?} {}",
                imported.code, imported.stderr
            ));
        }
        // A stream is refused after images whose content was checked.
        let may_write = may_succeed || name == "zstd bomb";
        let tags = registry.tags("mirror/app");
        if !may_write && !tags.is_empty() {
            wrong.push(format!("{name}: import has written {tags:?}"));
        }
        registry.clear();
        let files = environment.file_names();
        if files.iter().any(|file| file.contains("passwd")) {
            wrong.push(format!("{name}: the files {files:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
