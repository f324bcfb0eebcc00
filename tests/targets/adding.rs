//! New rows: `add-tag` and `retrieve-tags` with targets, default targets and naming rules.

use serde_json::json;

use super::Mirrors;
use crate::environment::{TestEnvironment, push_tags};

#[tokio::test(flavor = "multi_thread")]
async fn new_tag_gets_the_destination_of_its_image_as_written() {
    let mirrors = Mirrors::new(&["org/a:1", "org/a:2"]).await;
    let list = mirrors.write_list(&["org/a @hub,ecr/mirrored-org-a 1"]);
    let environment = &mirrors.environment;
    let line = format!("add-tag --full-images {}/org/a:2", mirrors.source.host());
    environment.mirror(&line).exits(0);
    assert_eq!(
        environment.read("images-list"),
        format!("{list}{}", list.replace(" 1\n", " 2\n"))
    );
    environment.mirror("lint").exits(0);
    assert_eq!(
        mirrors.requests_to_targets(),
        0,
        "a listed destination is not checked"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn new_image_gets_the_default_targets_and_the_name_of_a_rule() {
    let mirrors = Mirrors::new(&["apps/etcd:1", "coreos/etcd:1"]).await;
    let host = mirrors.source.host();
    mirrors.write_targets(|targets| {
        for name in ["hub", "prime", "ecr"] {
            targets["targets"][name]["create"] = "push".into();
        }
        targets["default"] = json!(["all"]);
        targets["naming"] = json!([{"match": format!("{host}/apps/*"), "name": "appco-{name}"}]);
    });
    mirrors.write_list(&[]);
    let environment = &mirrors.environment;
    for image in ["apps/etcd", "coreos/etcd"] {
        environment
            .mirror(&format!("add-tag --new --full-images {host}/{image}:1"))
            .exits(0);
    }
    let want = format!(
        "{host}/apps/etcd @all/appco-etcd 1\n{host}/coreos/etcd @all/mirrored-coreos-etcd 1\n"
    );
    assert_eq!(environment.read("images-list"), want);
    let line = format!("add-tag --new --full-images {host}/apps/etcd:1 --dest @prime/other");
    environment.mirror(&line).exits(0);
    assert!(
        environment
            .read("images-list")
            .contains(" @prime/other 1\n")
    );
    environment.mirror("sync").exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_destination_must_exist_where_the_registry_does_not_create_it() {
    let mirrors = Mirrors::new(&["a:1"]).await;
    mirrors.write_targets(|targets| {
        targets["targets"]["prime"]["create"] = "push".into();
    });
    mirrors.write_list(&[]);
    let environment = &mirrors.environment;
    let image = format!("{}/a:1", mirrors.source.host());
    let line = format!("add-tag --new --full-images {image} --dest @all/a");
    let output = environment.mirror(&line).exits(1);
    for (repository, is_missing) in [
        (format!("{}/org/a", mirrors.hub.host()), true),
        (format!("{}/a", mirrors.ecr.host()), true),
        (format!("{}/team/m/a", mirrors.prime.host()), false),
    ] {
        let message = format!("the destination repository {repository} does not exist");
        assert_eq!(
            output.stdout.contains(&message),
            is_missing,
            "{}",
            output.stdout
        );
    }
    push_tags(&mirrors.hub, &["org/a:0"]);
    push_tags(&mirrors.ecr, &["a:0"]);
    environment.mirror(&line).exits(0);

    let line = format!("add-tag --new --full-images {image}");
    let output = environment.mirror(&line).exits(2);
    assert!(
        output
            .stderr
            .contains("--new requires a destination: name it with --dest"),
        "{}",
        output.stderr
    );
    let line = format!("add-tag --new --full-images {image} --dest @nowhere/b");
    let output = environment.mirror(&line).exits(1);
    assert!(
        output.stdout.contains("invalid destination `@nowhere/b`"),
        "{}",
        output.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_tags_are_found_behind_targets() {
    let mirrors = Mirrors::new(&["a:1", "b:1", "b:2"]).await;
    mirrors.write_list(&["a @hub/x 1", "b @all/x 2"]);
    let line = format!("add-tag --full-images {}/b:1", mirrors.source.host());
    let output = mirrors.environment.mirror(&line).exits(1);
    let message = format!(
        "images-list:1 already copies {}/a to `@all/x:1`",
        mirrors.source.host()
    );
    assert!(output.stdout.contains(&message), "{}", output.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn retrieved_image_without_a_row_gets_the_default_destination() {
    let mirrors = Mirrors::new(&["new/a:1", "old/b:1", "old/b:2"]).await;
    let host = mirrors.source.host();
    let environment: &TestEnvironment = &mirrors.environment;
    let config = json!({
        "a": {"versionSource": "registry", "images": [format!("{host}/new/a")]},
        "b": {"versionSource": "registry", "images": [format!("{host}/old/b")]},
    });
    environment.write("config.json", config.to_string());
    let list = mirrors.write_list(&["old/b @hub/b 1"]);
    let output = environment.mirror("retrieve-tags --apply").exits(0);
    assert!(
        output.stderr.contains("is not mapped"),
        "without default targets: {}",
        output.stderr
    );

    mirrors.write_list(&["old/b @hub/b 1"]);
    mirrors.write_targets(|targets| {
        targets["targets"]["prime"]["create"] = "push".into();
        targets["default"] = json!(["prime"]);
    });
    environment.mirror("retrieve-tags --apply").exits(0);
    let want = format!("{host}/new/a @prime/mirrored-new-a 1\n{list}{host}/old/b @hub/b 2\n");
    assert_eq!(environment.read("images-list"), want);
}
