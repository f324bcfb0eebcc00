//! Lists of a source that are longer than any real one.

use copier::Report;
use embedded_registry::images::{Artifact, Bundle};
use serde_json::json;
use testkit::proxy::{Action, FaultProxy, Rule};

use super::super::run::{Run, registry, row};
use super::{hostile_registry, image};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Returns an index of children that do not exist.
fn index_of(children: usize) -> Bundle {
    let descriptors: Vec<_> = (0..children).map(descriptor).collect();
    let document = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": descriptors});
    Bundle::verbatim(INDEX, document.to_string())
}

fn descriptor(number: usize) -> serde_json::Value {
    let digest = format!("sha256:{number:064x}");
    json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 2})
}

fn list_referrers(proxy: &FaultProxy, subject: &Bundle, referrers: &[serde_json::Value]) {
    let list = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": referrers});
    let path = format!("/referrers/{}", subject.digest());
    let list = Action::answer(200)
        .header("content-type", INDEX)
        .body(list.to_string());
    proxy.add(Rule::new("GET", &path).does(list));
}

/// Copies an image beside an honest one, and returns the report of both.
async fn sync_beside_an_honest_row(proxy: &FaultProxy) -> Report {
    let (honest, target) = (registry().await, registry().await);
    let other = super::image(9);
    other.push(&honest, "honest", Some("v1"));
    let mut hostile = row(&honest, "x:x", &target, "mirror/app:v1");
    hostile.source = format!("{}/team/app:v1", proxy.host()).parse().unwrap();
    let honest = row(&honest, "honest:v1", &target, "mirror/honest:v1");
    let report = Run::default().sync(&[hostile, honest]).await;
    assert!(report.rows[1].error.is_none(), "{report:#?}");
    assert!(target.tagged("mirror/honest", "v1").is_some());
    report
}

fn error_of_first(report: &Report) -> String {
    report.rows[0].error.as_ref().unwrap().to_string()
}

#[tokio::test]
async fn index_with_too_many_children_fails_before_a_child_is_read() {
    let (source, proxy) = hostile_registry().await;
    let index = index_of(2_001);
    source.put_manifest("team/app", Some("v1"), INDEX, index.root().bytes().clone());
    let report = sync_beside_an_honest_row(&proxy).await;
    let error = error_of_first(&report);
    assert!(error.contains("2001 manifests, at most 2000"), "{error}");
    assert_eq!(proxy.count("GET", "/manifests/sha256:0000"), 0);
}

#[tokio::test]
async fn too_many_referrers_fail_their_row() {
    let (source, proxy) = hostile_registry().await;
    let image = image(1);
    image.push(&source, "team/app", Some("v1"));
    let referrers: Vec<_> = (0..10_001).map(descriptor).collect();
    list_referrers(&proxy, &image, &referrers);
    let report = sync_beside_an_honest_row(&proxy).await;
    let error = error_of_first(&report);
    assert!(error.contains("more than 10000 manifests"), "{error}");
    assert_eq!(proxy.count("GET", "/manifests/sha256:0000"), 0);
}

#[tokio::test]
async fn row_keeps_fifty_warnings() {
    let (source, proxy) = hostile_registry().await;
    let (subject, other) = (image(1), image(2));
    subject.push(&source, "team/app", Some("v1"));
    let mut referrers = Vec::new();
    for number in 0..60 {
        let artifact = Artifact::new("application/spdx+json").subject(&other);
        let artifact = artifact.blob("text/spdx", format!("{number}")).build();
        artifact.push(&source, "team/app", None);
        referrers.push(serde_json::to_value(artifact.descriptor()).unwrap());
    }
    list_referrers(&proxy, &subject, &referrers);
    let report = sync_beside_an_honest_row(&proxy).await;
    let warnings = &report.rows[0].warnings;
    assert_eq!(warnings.len(), 51, "{warnings:#?}");
    assert!(
        warnings[50].ends_with(" more warnings are left out"),
        "{warnings:#?}"
    );
}
