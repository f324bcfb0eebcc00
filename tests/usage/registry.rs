//! `--registry`: the images at the mirror.

use embedded_registry::Registry;
use embedded_registry::images::{Platform, sample_image};
use serde_json::json;

use super::{image_of, list, node, pod, status};
use crate::environment::TestEnvironment;

/// Rows for three images at a host, the first locked to a digest.
fn environment_with(host: &str, index: &str) -> TestEnvironment {
    let environment = TestEnvironment::new();
    let rows = ["a", "gone", "single"].map(|name| format!("q.io/{name} {host}/m/{name} v1\n"));
    environment.write("images-list", rows.concat());
    let media_type = "application/vnd.oci.image.index.v1+json";
    let line = format!("{} {index} {media_type}\n", rows[0].trim_end());
    environment.write("images-list.lock", format!("# mirror-lock 2\n{line}"));
    environment
}

#[tokio::test(flavor = "multi_thread")]
async fn images_at_the_mirror_decide_on_existence_digests_and_platforms() {
    let registry = Registry::new().start().await.unwrap();
    let host = registry.host();
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    let image = sample_image("a", 1, &platforms, 2).unwrap();
    let index = image.push(&registry, "m/a", Some("v1")).to_string();
    let single = sample_image("s", 2, &platforms[..1], 1).unwrap();
    single.push(&registry, "m/single", Some("v1"));
    let environment = environment_with(&host, &index);
    let inspected = environment
        .mirror(&format!("inspect {host}/m/a:v1 --output json"))
        .exits(0)
        .json();
    let child = inspected["platforms"][1]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let by_child = format!("{host}/m/a@{child}");
    let objects = [
        // CRI-O reports the digest of the platform.
        pod("a", &format!("{host}/m/a:v1"), Some(&child), "x"),
        pod("b", &by_child, Some(&child), "x"),
        pod("c", &format!("{host}/m/gone:v1"), None, "x"),
        pod("d", &format!("{host}/m/single:v1"), None, "x"),
        node("x", "arm64", &[]),
    ];
    environment.write("prod.json", list(&objects));
    let offline = environment
        .mirror("usage prod.json --output json")
        .exits(0)
        .json();
    assert_eq!(status(&offline, &format!("{host}/m/a:v1")), "other_digest");
    assert_eq!(status(&offline, &format!("{host}/m/gone:v1")), "mirrored");
    registry.clear_requests();
    let line = "usage prod.json --registry --check --output json";
    let document = environment.mirror(line).exits(1).json();
    assert_eq!(status(&document, &format!("{host}/m/a:v1")), "mirrored");
    assert_eq!(status(&document, &by_child), "mirrored");
    assert_eq!(
        status(&document, &format!("{host}/m/gone:v1")),
        "not_at_mirror"
    );
    let single = image_of(&document, &format!("{host}/m/single:v1"));
    assert_eq!(single["lacking_platforms"], json!(["linux/arm64"]));
    assert_eq!(
        image_of(&document, &by_child)["lacking_platforms"],
        json!([])
    );
    assert_eq!(document["summary"]["findings"], 2);
    let text = environment
        .mirror("usage prod.json --registry")
        .exits(0)
        .stdout;
    assert!(text.contains("1 not at the mirror"), "{text}");
    // The source is never asked, and nothing is written.
    let requests = registry.requests();
    assert!(
        requests.iter().all(|request| request.method == "GET"),
        "{requests:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mirror_that_cannot_be_read_is_a_problem_and_no_missing_image() {
    let environment = TestEnvironment::new();
    // No process listens on port 1.
    environment.write("images-list", "q.io/a 127.0.0.1:1/a v1\n");
    environment.write(
        "prod.json",
        list(&[pod("a", "127.0.0.1:1/a:v1", None, "x")]),
    );
    let line = "usage prod.json --registry --output json";
    let document = environment.mirror(line).exits(1).json();
    assert_eq!(status(&document, "127.0.0.1:1/a:v1"), "mirrored");
    assert_eq!(document["problems"][0]["image"], "127.0.0.1:1/a:v1");
}
