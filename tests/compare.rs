//! `mirror compare`

use embedded_registry::images::{Bundle, Format, Image, Platform, sample_image};
use embedded_registry::{Children, Registry, RunningRegistry};
use serde_json::Value;

use crate::environment::{TestEnvironment, column};

/// Two registries that hold the same images, and the list between them.
struct Mirror {
    environment: TestEnvironment,
    source: RunningRegistry,
    destination: RunningRegistry,
}

fn image(seed: u64) -> Bundle {
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    sample_image("a", seed, &platforms, 1).unwrap()
}

impl Mirror {
    async fn new(names: &[&str]) -> Self {
        let source = Registry::new().access_log(1000).start().await.unwrap();
        let destination = Registry::new()
            .children(Children::Optional)
            .access_log(1000)
            .start()
            .await
            .unwrap();
        let mut list = String::new();
        for (seed, name) in (1..).zip(names) {
            image(seed).push(&source, name, Some("1"));
            image(seed).push(&destination, name, Some("1"));
            list += &format!("{}/{name} {}/{name} 1\n", source.host(), destination.host());
        }
        let environment = TestEnvironment::new();
        environment.write("images-list", list);
        Self {
            environment,
            source,
            destination,
        }
    }

    fn compare(&self, options: &str, code: i32) -> Value {
        let line = format!("compare --output json {options}");
        self.environment.mirror(&line).exits(code).json()
    }
}

fn statuses(document: &Value) -> Vec<&str> {
    column(document, "status")
}

#[tokio::test(flavor = "multi_thread")]
async fn compare_reports_drift_missing_tags_and_errors_per_row() {
    let mirror = Mirror::new(&["a", "b", "c", "d"]).await;
    assert_eq!(statuses(&mirror.compare("", 0)), ["same"; 4]);
    image(99).push(&mirror.source, "b", Some("1"));
    mirror.destination.remove_tag("c", "1");
    mirror.source.remove_tag("d", "1");
    let document = mirror.compare("", 1);
    assert_eq!(statuses(&document), ["same", "drift", "missing", "error"]);
    let drift = &document["rows"][1];
    assert_eq!(drift["source_digest"], image(99).digest().as_ref());
    assert_eq!(drift["destination_digest"], image(2).digest().as_ref());
    let platforms = drift["platforms"].as_array().unwrap();
    assert!(
        platforms.iter().all(|platform| platform["found"] == false),
        "{drift}"
    );
    let summary = &document["summary"];
    assert_eq!(
        (&summary["rows"], &summary["drift"]),
        (&4.into(), &1.into())
    );
    let text = mirror
        .environment
        .mirror_without_vv("compare")
        .exits(1)
        .stdout;
    assert!(
        !text.contains("/a:1"),
        "rows that are the same are not listed: {text}"
    );
    assert!(
        text.ends_with("4 rows: 1 same, 1 drifted, 1 missing, 1 with errors\n"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn compare_reports_missing_when_the_destination_lacks_a_child() {
    let mirror = Mirror::new(&["a"]).await;
    let image = image(1);
    let manifests = image.manifests();
    mirror
        .destination
        .remove_manifest("a", manifests[0].digest());
    let document = mirror.compare("", 1);
    assert_eq!(statuses(&document), ["missing"]);
    let platforms = document["rows"][0]["platforms"].as_array().unwrap();
    let missing: Vec<_> = platforms
        .iter()
        .filter(|platform| platform["found"] == false)
        .collect();
    assert_eq!(missing.len(), 1, "{document}");
    assert_eq!(missing[0]["digest"], manifests[0].digest().as_ref());
}

#[tokio::test(flavor = "multi_thread")]
async fn compare_sends_only_heads_to_the_source_and_writes_nothing() {
    let mirror = Mirror::new(&["a", "b"]).await;
    mirror.compare("", 0);
    let requests = mirror.source.requests();
    let methods: Vec<_> = requests
        .iter()
        .map(|request| request.method.as_str())
        .collect();
    assert_eq!(methods, ["HEAD"; 2], "{requests:?}");
    let requests = mirror.destination.requests();
    assert!(
        requests
            .iter()
            .all(|request| ["HEAD", "GET"].contains(&request.method.as_str())),
        "{requests:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn compare_agrees_with_sync_for_the_same_options() {
    for options in [
        "",
        "--platform arm64",
        "--platform arm64 --sparse",
        "--arch-tags",
        "--arch-tags --platform amd64",
    ] {
        let mirror = Mirror::new(&["a"]).await;
        mirror.destination.clear();
        mirror
            .environment
            .mirror(&format!("sync {options}"))
            .exits(0);
        assert_eq!(statuses(&mirror.compare(options, 0)), ["same"], "{options}");
    }
}

/// `sync` fails the row, so it is not the same.
#[tokio::test(flavor = "multi_thread")]
async fn compare_fails_an_image_of_another_platform_as_sync_does() {
    let mirror = Mirror::new(&[]).await;
    let arm = Image::new(Format::Oci, Platform::linux("arm64")).build();
    for registry in [&mirror.source, &mirror.destination] {
        arm.push(registry, "a", Some("1"));
    }
    let [source, destination] = [mirror.source.host(), mirror.destination.host()];
    mirror
        .environment
        .write("images-list", format!("{source}/a {destination}/a 1\n"));
    for options in ["--platform amd64", "--platform amd64 --sparse"] {
        let document = mirror.compare(options, 1);
        let compared = &document["rows"][0]["error"]["message"];
        let line = format!("sync --output json {options}");
        let synced = mirror.environment.mirror(&line).exits(3).json();
        assert_eq!(statuses(&document), ["error"], "{options}");
        assert_eq!(*compared, synced["rows"][0]["error"]["message"]);
        let text = compared.as_str().unwrap();
        assert!(text.contains("available linux/arm64"), "{text}");
    }
    assert_eq!(statuses(&mirror.compare("--platform arm64", 0)), ["same"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn platform_that_no_image_has_is_a_warning() {
    let mirror = Mirror::new(&["a"]).await;
    let warning = "the selected platform linux/arm99 is in no image of this run";
    for command in ["compare", "sync --dry-run", "sync"] {
        let found = |options: &str| {
            let output = mirror
                .environment
                .mirror(&format!("{command} --platform {options}"));
            output.stderr.contains(warning)
        };
        assert!(found("amd64,arm99"), "{command}");
        assert!(!found("amd64,arm64"), "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn compare_checks_arch_tags_only_with_the_flag() {
    let mirror = Mirror::new(&["a"]).await;
    assert_eq!(statuses(&mirror.compare("--arch-tags", 1)), ["missing"]);
    image(99).push(&mirror.destination, "a", Some("1-arm64"));
    let document = mirror.compare("--arch-tags", 1);
    assert_eq!(statuses(&document), ["drift"]);
    let tags = document["rows"][0]["arch_tags"].as_array().unwrap();
    assert_eq!(tags.len(), 2, "{document}");
    assert_eq!(statuses(&mirror.compare("", 0)), ["same"]);
}
