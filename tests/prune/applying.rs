//! Plans that are applied: the second run, interrupts, retries and lost permissions.

use testkit::proxy::{Action, Rule};

use super::stage::{APP, Kind, Stage, sample, sample_of_seed};

#[tokio::test(flavor = "multi_thread")]
async fn applied_plan_deletes_tags_manifests_and_signatures_once() {
    for kind in Kind::ALL {
        let stage = Stage::new(kind).await;
        let before = stage.all_tags().len();
        stage.commit_list(&["2", "3"]);
        stage.plan("").exits(0);
        let output = stage.apply("--output json").exits(0);
        let document = output.json();
        let sums = &document["summary"];
        assert_eq!(sums["deleted"], sums["planned"], "{kind:?}: {document:#}");
        assert_eq!(stage.tags(), ["2", "3"], "{kind:?}");
        // The signature's tag has gone too, and so has that of the tag schema.
        let digest_tags = stage.all_tags().len() - 2;
        assert_eq!(digest_tags * 3, (before - 3) * 2, "{kind:?}");
        stage.check_nothing_is_lost(&format!("{kind:?}")).await;
        // Again: everything is gone, which is no failure.
        let again = stage.apply("--output json").exits(0).json();
        assert_eq!(
            again["summary"]["gone"], sums["planned"],
            "{kind:?}: {again:#}"
        );
        stage.plan("").exits(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_run_is_continued() {
    for kind in [Kind::V2, Kind::V3, Kind::Embedded] {
        let stage = Stage::new(kind).await;
        stage.commit_list(&["3"]);
        stage.plan("").exits(0);
        let lines = stage.environment.read_json("plan.json")["deletions"]
            .as_array()
            .unwrap()
            .len();
        // Each run has the permission for three deletions more.
        for run in 1.. {
            let denied = Action::answer(403);
            let count = std::sync::atomic::AtomicUsize::new(0);
            let rule = Rule::new("DELETE", APP)
                .when(move |_| count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) >= 3);
            stage.proxy.add(rule.does(denied));
            let output = stage.apply("");
            stage.proxy.clear_rules();
            stage
                .check_nothing_is_lost(&format!("{kind:?} run {run}"))
                .await;
            if output.code == Some(0) {
                break;
            }
            assert!(run < lines, "{kind:?}: {}", output.stdout);
        }
        assert_eq!(stage.tags(), ["3"], "{kind:?}");
        let left = stage.plan("--output json").exits(0).json();
        assert_eq!(left["summary"]["tags"], 0, "{kind:?}: {left:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_does_not_delete_a_tag_that_was_pushed_again() {
    let stage = Stage::new(Kind::V3).await;
    stage.commit_list(&["2", "3"]);
    stage.plan("").exits(0);
    // The tag is deleted, the response is lost, and another image gets the tag before the retry.
    stage.proxy.add(
        Rule::new("DELETE", "/manifests/1")
            .first(1)
            .does(Action::DropResponse),
    );
    let address = stage.host();
    let pushed = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = std::sync::Arc::clone(&pushed);
    let rule = Rule::new("HEAD", "/manifests/1").when(move |_| {
        // The second HEAD of the deletion; the survey sent one before.
        flag.swap(true, std::sync::atomic::Ordering::SeqCst)
    });
    stage.proxy.add(
        rule.nth(2)
            .does(Action::Delay(std::time::Duration::from_secs(2))),
    );
    let environment = &stage.environment;
    let mut child = environment
        .mirror_command()
        .args(["prune", "--apply", "plan.json"])
        .spawn()
        .unwrap();
    while stage.proxy.count("DELETE", "/manifests/1") == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    testkit::push::Pusher::new(&address)
        .bundle(&sample_of_seed(50), APP, Some("1"))
        .await;
    let status = tokio::task::spawn_blocking(move || child.wait().unwrap())
        .await
        .unwrap();
    assert_eq!(status.code(), Some(1));
    assert_eq!(stage.proxy.count("DELETE", "/manifests/1"), 1);
    assert_eq!(stage.tags(), ["1", "2", "3"]);
    stage.check_nothing_is_lost("retry").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tag_that_is_pushed_while_manifests_are_deleted_keeps_its_image() {
    let stage = Stage::new(Kind::V3).await;
    stage.commit_list(&["2", "3"]);
    stage.plan("").exits(0);
    // The deletion of the index takes a moment, in which another client tags one of its children.
    let pause = Action::Delay(std::time::Duration::from_secs(2));
    let rule = Rule::new("DELETE", "/manifests/sha256:").first(1);
    stage.proxy.add(rule.does(pause));
    let mut command = stage.environment.mirror_command();
    let mut child = command
        .args(["prune", "--apply", "plan.json"])
        .spawn()
        .unwrap();
    while stage.proxy.count("DELETE", "/manifests/sha256:") == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    stage.tag_child_of("1", "own").await;
    let status = tokio::task::spawn_blocking(move || child.wait().unwrap())
        .await
        .unwrap();
    assert_eq!(status.code(), Some(1));
    assert_eq!(stage.tags(), ["2", "3", "own"]);
    stage.check_nothing_is_lost("pushed meanwhile").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registry_that_deletes_a_manifest_with_one_of_its_tags_ends_the_run() {
    let stage = Stage::new(Kind::Embedded).await;
    for image in ["1", "2"] {
        let alias = format!("own-{image}");
        stage.push(&sample(image), Some(&alias)).await;
    }
    stage.commit_list(&["3"]);
    stage.plan("").exits(0);
    // The registry deletes the image of the first tag, which another tag has too.
    let rule = Rule::new("DELETE", "/manifests/").does(Action::answer(202));
    stage.proxy.add(rule);
    let mut command = stage.environment.mirror_command();
    let command = command.args(["prune", "--apply", "plan.json"]);
    let child = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while stage.proxy.count("DELETE", "/manifests/1") == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    stage.lose("1");
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap())
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8(output.stdout).unwrap();
    let message = "the registry has deleted the manifest with all its tags, also own-1";
    assert!(stdout.contains(message), "{stdout}");
    assert_eq!(stage.proxy.count("DELETE", ""), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_response_of_a_deletion_counts_as_deleted() {
    let stage = Stage::new(Kind::V3).await;
    stage.commit_list(&["2", "3"]);
    stage.plan("").exits(0);
    stage
        .proxy
        .add(Rule::new("DELETE", "/manifests/").does(Action::DropResponse));
    let document = stage.apply("--output json").exits(0).json();
    assert_eq!(
        document["summary"]["deleted"],
        document["summary"]["planned"]
    );
    stage.check_nothing_is_lost("lost response").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_deletion_that_did_not_happen_is_a_failure() {
    let stage = Stage::new(Kind::V3).await;
    stage.commit_list(&["2", "3"]);
    stage.plan("").exits(0);
    stage
        .proxy
        .add(Rule::new("DELETE", "/manifests/").does(Action::answer(202)));
    let output = stage.apply("").exits(1);
    assert!(
        output.stdout.contains("still serves the manifest"),
        "{}",
        output.stdout
    );
    assert!(output.stdout.contains(" 0 deleted"), "{}", output.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_for_another_mirror_deletes_nothing() {
    let stage = Stage::new(Kind::V3).await;
    stage.commit_list(&["2", "3"]);
    stage.plan("").exits(0);
    let host = stage.host();
    stage.edit_plan(|lines| {
        for line in lines {
            line["repository"] = "other/app".into();
        }
    });
    let deletions = stage.proxy.count("DELETE", "");
    let output = stage.apply("").exits(1);
    assert!(
        output.stdout.contains("neither in the list"),
        "{host}: {}",
        output.stdout
    );
    assert_eq!(stage.proxy.count("DELETE", ""), deletions);
    stage.environment.write("plan.json", "{\"version\": 1}");
    stage.apply("").exits(2);
}
