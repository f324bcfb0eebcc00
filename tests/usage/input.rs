//! Files, streams and clusters.

use serde_json::json;

use super::{image_of, list, node, pod};
use crate::environment::{TestEnvironment, repository_root, run_with_input};

fn environment() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.write("images-list", "q.io/a r.io/a v1\n");
    environment
}

#[test]
fn clusters_keep_their_names_and_owners() {
    let environment = environment();
    let mut of_deployment = pod("web-5d-x", "r.io/a:v1", None, "n");
    of_deployment["metadata"]["ownerReferences"] =
        json!([{"kind": "ReplicaSet", "name": "web-5d", "controller": true}]);
    let mut second = of_deployment.clone();
    second["metadata"]["name"] = "web-5d-y".into();
    let replica_set = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"namespace": "shop", "name": "web-5d",
            "ownerReferences": [{"kind": "Deployment", "name": "web", "controller": true}]},
        "spec": {"template": {"spec": {"containers": [{"name": "c", "image": "r.io/a:v1"}]}}},
    });
    std::fs::create_dir(environment.path("west")).unwrap();
    environment.write("west/pods.json", list(&[of_deployment, second]));
    environment.write("west/sets.json", list(&[replica_set]));
    environment.write(
        "west/nodes.yaml",
        serde_json::to_string(&node("n", "arm64", &[])).unwrap(),
    );
    environment.write("east.json", list(&[pod("p", "r.io/a:v1", None, "n")]));
    let document = environment
        .mirror("usage west lab=east.json --output json")
        .exits(0)
        .json();
    let used = image_of(&document, "r.io/a:v1");
    let places = json!([
        "Pod spec.containers[0].image",
        "ReplicaSet spec.template.spec.containers[0].image"
    ]);
    let expected = json!([
        {"cluster": "west", "namespace": "shop", "kind": "Deployment", "name": "web", "pods": 2, "places": places},
        {"cluster": "lab", "namespace": "shop", "kind": "Pod", "name": "p", "pods": 1, "places": ["spec.containers[0].image"]},
    ]);
    assert_eq!(used["used_by"], expected);
    // The node `n` of the other cluster was not read.
    assert_eq!(used["platforms"], json!(["linux/arm64"]));
    assert_eq!(document["clusters"][0]["objects"], 4);
    assert_eq!(document["clusters"][0]["pods"], 2);
}

#[test]
fn standard_input_is_read_like_a_file() {
    let environment = environment();
    let yaml = "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: p\n  spec:\n    containers:\n    - image: r.io/a:v1\nkind: List\n";
    let json = list(&[pod("p", "r.io/a:v1", None, "n")]);
    for (input, arguments) in [(yaml, &["usage", "-"][..]), (&json, &["usage"])] {
        let mut command = environment.mirror_command();
        let output = run_with_input(command.args(arguments), input).exits(0);
        assert!(
            output.stdout.contains("1 image: 1 mirrored"),
            "{}",
            output.stdout
        );
    }
}

#[test]
fn unusable_input_is_an_error_with_a_next_step() {
    let environment = environment();
    let whole = list(&[pod("p", "r.io/a:v1", None, "n")]);
    environment.write("cut.json", &whole[..whole.len() - 30]);
    environment.write("table.txt", "NAME  READY\nweb-1  1/1\n");
    environment.write("utf16.json", b"\xff\xfe{\0}\0");
    environment.write("empty.json", "");
    environment.write("list.json", &whole);
    std::fs::create_dir(environment.path("bare")).unwrap();
    for (arguments, message, hint) in [
        (
            "cut.json",
            "cut.json: line 1: ends within",
            "write the file again",
        ),
        (
            "table.txt",
            "table.txt: line 1: is not a Kubernetes object",
            "kubectl get pods,replicationcontrollers,",
        ),
        ("utf16.json", "utf16.json: is UTF-16", "-Encoding utf8"),
        (
            "empty.json",
            "empty.json: is empty",
            "kubectl get pods,replicationcontrollers,",
        ),
        (
            "gone.json",
            "cannot read gone.json: No such file",
            "kubectl get pods,replicationcontrollers,",
        ),
        (
            "bare",
            "cannot read bare: no file ends in",
            "kubectl get pods,replicationcontrollers,",
        ),
        (
            "list.json x=list.json",
            "`list.json` is named twice",
            "each file once",
        ),
    ] {
        let output = environment.mirror(&format!("usage {arguments}")).exits(2);
        for part in [message, hint] {
            assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
        }
        assert_eq!(output.stdout, "");
    }
    let output = environment.mirror("usage gone.json").exits(2);
    let command = output.stderr.split('`').nth(1).unwrap();
    let page = std::fs::read_to_string(repository_root().join("docs/usage.md")).unwrap();
    assert!(
        page.contains(&format!("\n{command} > prod.json\n")),
        "{command}"
    );
    environment
        .mirror("usage list.json --images-list gone")
        .exits(2);
}

#[test]
fn text_that_names_no_image_is_a_problem_in_the_report() {
    let environment = environment();
    let pods = [
        pod("p", "MyImage:\u{1b}[2J", None, "n"),
        pod("q", "r.io/a:v1", None, "n"),
    ];
    environment.write("prod.json", list(&pods));
    let output = environment.mirror("usage prod.json").exits(0);
    assert!(
        output.stdout.contains("problem          MyImage:"),
        "{}",
        output.stdout
    );
    assert!(
        output
            .stdout
            .contains("prod: shop/Pod/p: spec.containers[0].image: "),
        "{}",
        output.stdout
    );
    assert!(!output.stdout.contains('\u{1b}'), "{}", output.stdout);
    let document = environment
        .mirror("usage prod.json --output json")
        .exits(0)
        .json();
    assert_eq!(document["summary"]["images"], 1);
    assert_eq!(document["problems"].as_array().unwrap().len(), 1);
}

#[test]
fn objects_without_an_image_give_an_empty_result_with_its_reason() {
    let environment = environment();
    environment.write("prod.json", list(&[]));
    let output = environment.mirror("usage prod.json").exits(0);
    assert!(
        output.stderr.contains("prod.json has no objects"),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("the objects name no image"),
        "{}",
        output.stderr
    );
}
