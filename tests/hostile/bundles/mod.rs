//! Bundles of a writer that is not honest. Each is refused with a cause of its own, before anything is tagged.

mod archives;
mod contents;
mod documents;
mod forgery;

use embedded_registry::Registry;
use embedded_registry::images::{Platform, sample_image};

use crate::bundles::TestBundle;
use crate::environment::{CommandOutput, TestEnvironment, block};

/// A hostile bundle, and the cause of its refusal.
struct Row {
    name: &'static str,
    /// Makes the archive from an honest bundle.
    archive: fn(TestBundle) -> Vec<u8>,
    cause: &'static str,
}

/// Rows whose problem comes after all images: a stream is refused after their tags are written.
const AFTER_THE_IMAGES: [&str; 5] = [
    "damaged signature",
    "no end",
    "data after the end",
    "zeros without end",
    "zstd bomb",
];
/// Rows whose problem is in a blob, or between the blobs of a stream: blobs before it are sent.
const IN_A_BLOB: [&str; 4] = [
    "damaged layer",
    "damaged zstd",
    "cut off",
    "member is missing",
];

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

/// Imports the file `bundle` through standard input.
fn import_pipe(environment: &TestEnvironment) -> CommandOutput {
    let mut command = environment.mirror_command_without_vv();
    command.args(["import", "-"]);
    command.stdin(std::fs::File::open(environment.path("bundle")).unwrap());
    CommandOutput::new(block(|| command.output().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_hostile_bundle_is_refused_with_its_cause() {
    let registry = Registry::new().access_log(10_000).start().await.unwrap();
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
        for imported in [
            environment.mirror_without_vv("import bundle"),
            import_pipe(&environment),
        ] {
            let is_refused = matches!(imported.code, Some(1..=3));
            let text = format!("{}{}", imported.stdout, imported.stderr);
            if !is_refused || !text.contains(cause) {
                wrong.push(format!("{name}: import: {:?} {text}", imported.code));
            }
            // What follows the last image of a stream is read after its tag is written.
            let tags = registry.tags("mirror/app");
            if !tags.is_empty() && !AFTER_THE_IMAGES.contains(&name) {
                wrong.push(format!("{name}: import has written {tags:?}"));
            }
            let writes = registry.requests().into_iter();
            let mut writes = writes.filter(|it| !["GET", "HEAD"].contains(&it.method.as_str()));
            if let Some(write) = writes.next()
                && !AFTER_THE_IMAGES.contains(&name)
                && !IN_A_BLOB.contains(&name)
            {
                wrong.push(format!(
                    "{name}: import has sent {} {}",
                    write.method, write.path
                ));
            }
            registry.clear();
            registry.clear_requests();
        }
        let files = environment.file_names();
        if files.iter().any(|file| file.contains("passwd")) {
            wrong.push(format!("{name}: the files {files:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
