//! Registry to bundle to registry: every kind of content arrives as it was.

use std::process::Stdio;

use embedded_registry::images::{
    Artifact, Bundle, Format, Image, Index, Layer, Platform, digest_tag, sample_image,
};
use embedded_registry::{Referrers, Registry, RunningRegistry};

use crate::environment::{CommandOutput, TestEnvironment, block};

/// Pushes an image of each kind, and returns its rows: nested indexes, attestations, referrers, digest tags,
/// Windows, an artifact, a foreign layer.
fn push_all(source: &RunningRegistry) -> Vec<(&'static str, &'static str)> {
    let linux = [Platform::linux("amd64"), Platform::linux("arm64")];
    let app = sample_image("a", 1, &linux, 3).unwrap();
    app.push(source, "app", Some("v1"));
    sample_image("a", 2, &linux, 3)
        .unwrap()
        .push(source, "app", Some("v2"));
    let tag = digest_tag(app.digest(), Some("sig"));
    Artifact::cosign_signature(app.digest())
        .build()
        .push(source, "app", Some(&tag));
    let sbom = Artifact::new("application/spdx+json").subject(&app);
    let sbom = sbom.annotation("made", "by test").blob("x/y", "{}").build();
    sbom.push(source, "app", None);
    let about_sbom = Artifact::new("application/x").subject(&sbom).build();
    about_sbom.push(source, "app", None);
    let child = sample_image("n", 1, &linux, 2).unwrap();
    Index::new(Format::Oci)
        .child(child)
        .build()
        .push(source, "nested", Some("v1"));
    let chart = Artifact::image("application/vnd.cncf.helm.config.v1+json", "{}");
    chart
        .blob("application/x-chart", "chart")
        .build()
        .push(source, "chart", Some("1.0.0"));
    let foreign = Layer::random(9, 3_000)
        .unwrap()
        .foreign("https://publisher.example.com/x");
    let windows = Image::new(Format::Docker, Platform::windows("amd64", "10.0.20348.1"));
    let windows = windows
        .layer(foreign)
        .layer(Layer::random(10, 3_000).unwrap())
        .build();
    Index::new(Format::Docker)
        .child(windows)
        .build()
        .push(source, "windows", Some("ltsc"));
    let single: Bundle = Image::new(Format::Docker, Platform::linux("amd64"))
        .layer(Layer::random(11, 3_000).unwrap())
        .build();
    single.push(source, "single", Some("latest"));
    vec![
        ("app", "v1"),
        ("app", "v2"),
        ("nested", "v1"),
        ("chart", "1.0.0"),
        ("windows", "ltsc"),
        ("single", "latest"),
    ]
}

fn write_list(environment: &TestEnvironment, hosts: [&str; 2], rows: &[(&str, &str)]) {
    let [source, destination] = hosts;
    let lines = rows
        .iter()
        .map(|(name, tag)| format!("{source}/{name} {destination}/mirror/{name} {tag}\n"));
    environment.write("images-list", lines.collect::<String>());
}

fn import(environment: &TestEnvironment, bundle: &str, piped: bool) -> CommandOutput {
    if !piped {
        return environment.mirror(&format!("import {bundle} --output json"));
    }
    let mut command = environment.mirror_command();
    let file = std::fs::File::open(environment.path(bundle)).unwrap();
    command
        .args(["import", "-", "--output", "json"])
        .stdin(Stdio::from(file));
    CommandOutput::with_debug_log(block(|| command.output().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_content_arrives_unchanged() {
    let far_sides = [Referrers::Api, Referrers::Missing];
    for (referrers, (bundle, piped)) in far_sides.into_iter().flat_map(|referrers| {
        [
            ("b.tar", false),
            ("b.tar", true),
            ("b.tar.zst", false),
            ("directory", false),
        ]
        .map(|form| (referrers, form))
    }) {
        let near_side = Registry::new().start().await.unwrap();
        let far_side = Registry::new().referrers(referrers).start().await.unwrap();
        let environment = TestEnvironment::new();
        let rows = push_all(&near_side);
        write_list(&environment, [&near_side.host(), &far_side.host()], &rows);
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        environment.write("own.key", pair.sk.to_box(None).unwrap().into_string());
        environment.write("own.pub", pair.pk.to_box().unwrap().into_string());
        environment
            .mirror(&format!("export {bundle} --sign own.key"))
            .exits(0);
        let line = format!("bundle verify {bundle} --verify-key own.pub --output json");
        let verified = environment.mirror(&line).exits(0).json();
        assert_eq!(verified["signature"], "verified", "{bundle}");
        let report = import(&environment, bundle, piped).exits(0).json();
        assert_eq!(report["summary"]["copied"], rows.len(), "{bundle} {report}");
        environment.mirror("compare").exits(0);
        let unchanged = environment.mirror("sync --output json").exits(0).json();
        let summary = &unchanged["summary"];
        // A sync finds nothing to add: referrers and signatures are there too.
        assert_eq!(summary["unchanged"], rows.len(), "{bundle} {unchanged}");
        assert_eq!(summary["blobs_copied"], 0, "{bundle} {unchanged}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn delta_completes_what_the_far_side_has() {
    let near_side = Registry::new().start().await.unwrap();
    let far_side = Registry::new().start().await.unwrap();
    let environment = TestEnvironment::new();
    let rows = push_all(&near_side);
    let hosts = [&*near_side.host(), &*far_side.host()];
    write_list(&environment, hosts, &rows[..1]);
    environment.mirror("export first.tar").exits(0);
    environment.mirror("import first.tar").exits(0);
    let inventory = environment.mirror("inventory").exits(0);
    environment.write("inventory.json", &inventory.stdout);
    write_list(&environment, hosts, &rows);
    for base in ["inventory.json", "first.tar"] {
        environment
            .mirror(&format!("export delta.tar --base {base}"))
            .exits(0);
        let piped = import(&environment, "delta.tar", base == "first.tar")
            .exits(0)
            .json();
        assert_eq!(piped["summary"]["failed"], 0, "{base} {piped}");
        environment.mirror("compare").exits(0);
    }
}
