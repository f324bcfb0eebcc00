//! Images joined with list and lock.

use super::{image_of, list, node, pod, status};
use crate::environment::TestEnvironment;

const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const C: &str = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";

/// Rows of every form, most of them locked to A.
fn environment() -> TestEnvironment {
    let environment = TestEnvironment::new();
    let rows = [
        "busybox r.io/m/busybox 1.36".to_owned(),
        format!("q.io/digest r.io/m/digest {A}"),
        format!("q.io/pin r.io/m/pin v1@{B}"),
        "q.io/renamed r.io/m/renamed v1.36=1.36,latest".to_owned(),
        "q.io/targets @hub,ecr/targets v1".to_owned(),
        "q.io/unlocked r.io/m/unlocked v1".to_owned(),
        "q.io/unused r.io/m/unused v1".to_owned(),
    ];
    environment.write("images-list", rows.join("\n") + "\n");
    environment.write(
        "targets.json",
        r#"{"targets": {
            "hub": {"prefix": "r.io/hub"},
            "ecr": {"prefix": "ecr.io", "platforms": ["linux/amd64"]}
        }}"#,
    );
    let index = "application/vnd.oci.image.index.v1+json";
    let mut lock = "# mirror-lock 2\n".to_owned();
    for row in [&rows[0], &rows[3], &rows[4]] {
        lock += &format!("{row} {A} {index}\n");
    }
    lock += &format!("q.io/followed r.io/m/followed v7 {A} {index} source=follow:app\n");
    environment.write("images-list.lock", lock);
    environment
}

#[test]
fn image_has_the_status_that_list_and_lock_give_it() {
    let by_digest = |repository: &str, digest: &str| format!("{repository}@{digest}");
    // The image, the digest that runs, and the expected status.
    let table: Vec<(String, Option<&str>, &str)> = vec![
        ("r.io/m/busybox:1.36".into(), Some(A), "mirrored"),
        ("r.io/m/busybox:1.36".into(), None, "mirrored"),
        ("r.io/m/busybox:1.36".into(), Some(B), "other_digest"),
        (format!("r.io/m/busybox:1.36@{A}"), Some(A), "mirrored"),
        (format!("r.io/m/busybox:1.36@{B}"), None, "other_digest"),
        (by_digest("r.io/m/busybox", A), None, "mirrored"),
        (by_digest("r.io/m/busybox", B), None, "other_digest"),
        ("r.io/m/busybox:1.37".into(), None, "not_listed"),
        ("r.io/m/busybox".into(), None, "not_listed"),
        ("busybox:1.36".into(), Some(A), "not_from_mirror"),
        (
            "index.docker.io/library/busybox:1.36".into(),
            Some(B),
            "not_from_mirror",
        ),
        (by_digest("busybox", A), None, "not_from_mirror"),
        (by_digest("busybox", B), None, "not_listed"),
        ("busybox:1.37".into(), None, "not_listed"),
        ("x.io/other:1".into(), None, "not_listed"),
        (by_digest("r.io/m/digest", A), Some(A), "mirrored"),
        (by_digest("q.io/digest", A), None, "not_from_mirror"),
        ("r.io/m/pin:v1".into(), Some(B), "mirrored"),
        ("r.io/m/pin:v1".into(), Some(A), "other_digest"),
        ("q.io/pin:v1".into(), None, "not_from_mirror"),
        ("r.io/m/renamed:1.36".into(), Some(A), "mirrored"),
        ("r.io/m/renamed".into(), Some(A), "mirrored"),
        ("r.io/m/renamed:v1.36".into(), None, "not_listed"),
        ("q.io/renamed:v1.36".into(), None, "not_from_mirror"),
        ("r.io/hub/targets:v1".into(), Some(A), "mirrored"),
        ("r.io/hub/targets:v1".into(), Some(B), "other_digest"),
        // The target gets an index of its own, with a digest that no lock has.
        ("ecr.io/targets:v1".into(), Some(B), "mirrored"),
        ("r.io/m/unlocked:v1".into(), Some(C), "mirrored"),
        (by_digest("r.io/m/unlocked", C), None, "not_listed"),
        ("r.io/m/followed:v7".into(), Some(A), "mirrored"),
        ("q.io/followed:v7".into(), None, "not_from_mirror"),
    ];
    let environment = environment();
    for (image, running, expected) in table {
        environment.write("prod.json", list(&[pod("p", &image, running, "n")]));
        let document = environment
            .mirror("usage prod.json --output json")
            .exits(0)
            .json();
        let images = document["images"].as_array().unwrap();
        assert_eq!(images.len(), 1, "{image}");
        assert_eq!(images[0]["status"], expected, "{image} {running:?}");
        let is_good = expected == "mirrored";
        let code = i32::from(!is_good);
        environment.mirror("usage prod.json --check").exits(code);
        let unused = document["unused"].as_array().unwrap();
        let rows = images[0]["rows"].as_array().unwrap();
        assert_eq!(unused.len(), 10 - rows.len(), "{image}: {unused:#?}");
    }
}

#[test]
fn names_of_sources_count_as_the_mirror_in_clusters_that_are_rewritten() {
    let environment = environment();
    let pods = [
        pod("a", "busybox:1.36", Some(A), "n"),
        pod("b", "q.io/pin:v1", Some(C), "n"),
        pod("c", "x.io/other:1", None, "n"),
    ];
    environment.write("prod.json", list(&pods));
    let document = environment
        .mirror("usage prod.json --rewritten --output json")
        .exits(0)
        .json();
    assert_eq!(
        status(&document, "docker.io/library/busybox:1.36"),
        "mirrored"
    );
    assert_eq!(status(&document, "q.io/pin:v1"), "other_digest");
    assert_eq!(status(&document, "x.io/other:1"), "not_listed");
}

#[test]
fn findings_are_narrowed_by_ignore_and_namespaces() {
    let environment = environment();
    let mut system = pod("s", "k8s.io/system:1", None, "n");
    system["metadata"]["namespace"] = "kube-system".into();
    let pods = [pod("a", "x.io/other:1", None, "n"), system];
    environment.write("prod.json", list(&pods));
    let output = environment.mirror("usage prod.json --check").exits(1);
    for line in [
        "not in the list  k8s.io/system:1  prod kube-system/Pod/s\n",
        "not in the list  x.io/other:1  prod shop/Pod/a\n",
        "2 images: 0 mirrored, 0 not from the mirror, 2 not in the list, 0 with another digest\n",
        "10 rows: 0 used, 10 used nowhere\n",
    ] {
        assert!(output.stdout.contains(line), "{line}: {}", output.stdout);
    }
    let line = "usage prod.json --check --ignore x.io/* --exclude-namespace kube-system";
    let output = environment.mirror(line).exits(0);
    assert!(!output.stdout.contains("x.io/other"), "{}", output.stdout);
    let output = environment
        .mirror(&format!("{line} --all --unused"))
        .exits(0);
    assert!(
        output.stdout.contains("x.io/other:1  ignored"),
        "{}",
        output.stdout
    );
    let row = "unused row       q.io/renamed:v1.36 -> r.io/m/renamed:latest\n";
    assert!(output.stdout.contains(row), "{}", output.stdout);
    let report = environment.mirror("usage prod.json --check").exits(1);
    assert!(!report.stderr.contains("::error::"));
    let actions = environment.with_github_actions();
    let report = actions.mirror("usage prod.json --check").exits(1);
    let annotation = "::error::x.io/other:1 is used and not in the list";
    assert!(report.stderr.contains(annotation), "{}", report.stderr);
}

#[test]
fn platforms_of_nodes_are_compared_with_those_of_the_target() {
    let environment = environment();
    let on = |node: &str, image: &str| pod(node, image, None, node);
    let mut idle = serde_json::json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"namespace": "shop", "name": "idle"},
        "spec": {"replicas": 0, "template": {"spec": {
            "nodeSelector": {"kubernetes.io/arch": "s390x"},
            "containers": [{"name": "c", "image": "ecr.io/targets:v1"}]}}},
    });
    let objects = [
        on("x", "ecr.io/targets:v1"),
        on("y", "ecr.io/targets:v1"),
        on("y", "r.io/hub/targets:v1"),
        on("unknown", "r.io/m/pin:v1"),
        idle.clone(),
        node("x", "amd64", &[]),
        node("y", "arm64", &[]),
    ];
    environment.write("prod.json", list(&objects));
    let document = environment
        .mirror("usage prod.json --output json")
        .exits(0)
        .json();
    let ecr = image_of(&document, "ecr.io/targets:v1");
    let needed = serde_json::json!(["linux/amd64", "linux/arm64", "linux/s390x"]);
    assert_eq!(ecr["platforms"], needed);
    let lacking = serde_json::json!(["linux/arm64", "linux/s390x"]);
    assert_eq!(ecr["lacking_platforms"], lacking);
    let hub = image_of(&document, "r.io/hub/targets:v1");
    assert_eq!(hub["platforms"], serde_json::json!(["linux/arm64"]));
    assert_eq!(hub["lacking_platforms"], serde_json::json!([]));
    assert_eq!(
        image_of(&document, "r.io/m/pin:v1")["platforms"],
        serde_json::json!([])
    );
    assert_eq!(
        document["clusters"][0]["nodes"],
        serde_json::json!({"linux/amd64": 1, "linux/arm64": 1})
    );
    let output = environment.mirror("usage prod.json --check").exits(1);
    let line = "nodes need linux/arm64, linux/s390x, which the mirror does not have\n";
    assert!(output.stdout.contains(line), "{}", output.stdout);
    // Without a required architecture, a template needs none that no pod of it runs on.
    idle["spec"]["template"]["spec"]["nodeSelector"] = serde_json::json!({});
    environment.write("prod.json", list(&[idle, node("y", "arm64", &[])]));
    environment.mirror("usage prod.json --check").exits(0);
}

#[test]
fn images_on_nodes_give_digests_and_are_no_findings_alone() {
    let environment = environment();
    let busybox = ["r.io/m/busybox:1.36", &format!("r.io/m/busybox@{A}")];
    let pause = ["k8s.io/pause:3.10", &format!("k8s.io/pause@{B}")];
    let untagged = [&*format!("x.io/old@{C}"), "<none>:<none>"];
    let objects = [
        pod("a", "r.io/m/busybox:1.36", None, "n"),
        node("n", "amd64", &[&busybox, &pause, &untagged]),
        node("m", "amd64", &[&pause]),
    ];
    environment.write("prod.json", list(&objects));
    let document = environment
        .mirror("usage prod.json --check --output json")
        .exits(0)
        .json();
    let used = image_of(&document, "r.io/m/busybox:1.36");
    assert_eq!(used["digests"], serde_json::json!([A]));
    assert_eq!(used["status"], "mirrored");
    let pause = image_of(&document, "k8s.io/pause:3.10");
    assert_eq!(
        (&pause["status"], &pause["nodes"]),
        (&"on_nodes_only".into(), &2.into())
    );
    assert_eq!(status(&document, &format!("x.io/old@{C}")), "on_nodes_only");
    assert_eq!(document["problems"], serde_json::json!([]));
}
