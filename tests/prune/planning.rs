//! Plans: what is a candidate, why, and what is refused.

use serde_json::{Value, json};

use super::stage::{APP, Kind, Stage, TAGS, sample_of_seed};

/// Returns `TAG REASON` of the tags of a document.
fn tags(document: &Value) -> Vec<String> {
    let lines = document["deletions"].as_array().unwrap().iter();
    let tags = lines.filter(|line| !line["tag"].is_null());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    tags.map(|line| format!("{} {}", text(&line["tag"]), text(&line["reason"])))
        .filter(|line| !line.starts_with("sha256-"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn plan_has_removed_rows_with_their_commit_and_bytes() {
    let stage = Stage::new(Kind::V3).await;
    let output = stage.plan("").exits(0);
    assert!(
        output.stdout.contains("0 tags and 0 manifests"),
        "{}",
        output.stdout
    );
    stage.commit_list(&["2", "3"]);
    let commit = stage.environment.stdout_of("git", &["rev-parse", "HEAD"]);
    let requests = stage.proxy.count("DELETE", "");
    let document = stage
        .plan("--output json --report report.json")
        .exits(0)
        .json();
    assert_eq!(stage.environment.read_json("report.json"), document);
    let want = format!("1 row removed in commit {}", &commit[..12]);
    assert_eq!(tags(&document), [want]);
    let file = stage.environment.read_json("plan.json");
    assert_eq!(file["deletions"], document["deletions"]);
    let first = &document["deletions"][0];
    assert_eq!(first["registry"], stage.host());
    assert_eq!(first["repository"], APP);
    // Of the index, two images and two attestations: the base layers are shared with the other images.
    let bytes = document["summary"]["bytes"].as_u64().unwrap();
    assert!((16 * 1024..128 * 1024).contains(&bytes), "{bytes}");
    assert_eq!(document["summary"]["tags_listed"], 3 + 3 + 3);
    // Nothing was deleted, and the same plan comes again.
    assert_eq!(stage.proxy.count("DELETE", ""), requests);
    let again = stage.plan("--output json").exits(0).json();
    assert_eq!(again["deletions"], document["deletions"]);
    assert_eq!(stage.tags(), TAGS);
}

#[tokio::test(flavor = "multi_thread")]
async fn removals_are_protected_by_time_number_and_use() {
    let stage = Stage::new(Kind::V3).await;
    stage.commit_list(&["3"]);
    let planned = |arguments: &str| {
        let line = format!("prune --output json {arguments}");
        let document = stage.environment.mirror(&line).exits(0).json();
        let tags = tags(&document);
        tags.iter()
            .map(|line| line[..1].to_owned())
            .collect::<String>()
    };
    assert_eq!(planned(""), "12");
    assert_eq!(planned("--keep-days 1"), "");
    assert_eq!(planned("--keep-days 0"), "12");
    assert_eq!(planned("--keep-latest 1"), "1");
    assert_eq!(planned("--keep-latest 2"), "");
    let used = |image: &str, digests: &[&str]| {
        let document = json!({"images": [{"image": image, "digests": digests}]});
        stage.environment.write("usage.json", document.to_string());
    };
    used(&format!("{}/{APP}:2", stage.host()), &[]);
    assert_eq!(planned("--used-by usage.json"), "1");
    // The child of an image that runs, under a name that is not the mirror's.
    let child = sample_of_seed(1).manifests()[1].digest().to_string();
    used("quay.io/other/name:x", &[&child]);
    assert_eq!(planned("--used-by usage.json"), "2");
    // A name of the source, through a rewriting container runtime.
    let source = stage.row("2").split(' ').next().unwrap().to_owned();
    used(&format!("{source}:2"), &[]);
    assert_eq!(planned("--used-by usage.json"), "1");
    for text in ["{}", "{\"images\": []}", ""] {
        stage.environment.write("usage.json", text);
        let output = stage
            .environment
            .mirror("prune --used-by usage.json")
            .exits(2);
        assert!(
            output.stderr.contains("nothing was sent"),
            "{}",
            output.stderr
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_histories_that_do_not_say_what_is_needed_are_refused() {
    let stage = Stage::new(Kind::V3).await;
    let refused = |arguments: &str, code: i32, message: &str| {
        let output = stage
            .environment
            .mirror(&format!("prune {arguments}"))
            .exits(code);
        assert!(output.stderr.contains(message), "{}", output.stderr);
    };
    // An emptied list, and one with an error.
    stage.environment.write("images-list", "# nothing\n");
    refused("", 2, "has no row");
    stage
        .environment
        .write("images-list", stage.row("1") + "\nquay.io/a b\n");
    refused("", 2, "1 invalid row");
    // A list that has lost its rows in the work tree only.
    stage.write_list(&["3"]);
    let document = stage
        .environment
        .mirror("prune --output json")
        .exits(0)
        .json();
    assert_eq!(tags(&document), [""; 0]);
    let kept = document["kept"].as_array().unwrap();
    assert_eq!(kept[0]["reason"], "the removal of its row is not committed");
    stage.write_list(&TAGS);
    // No lines of the lock, no reports.
    stage
        .environment
        .git(&["rm", "-q", "--cached", "images-list.lock"]);
    // A shallow clone, and a list outside of any repository.
    std::fs::write(stage.environment.path(".git/shallow"), "").unwrap();
    let head = stage.environment.stdout_of("git", &["rev-parse", "HEAD"]);
    std::fs::write(stage.environment.path(".git/shallow"), head).unwrap();
    refused("", 2, "the clone is shallow");
    std::fs::remove_dir_all(stage.environment.path(".git")).unwrap();
    refused("", 2, "prune needs a git repository");
    stage.environment.mirror("prune --no-history").exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn list_that_is_not_named_is_refused_where_it_writes_to_the_same_repository() {
    let stage = Stage::new(Kind::V3).await;
    let environment = &stage.environment;
    let moved = format!("# another list\n{}\n", stage.row("1"));
    environment.write("other-list", &moved);
    environment.write(
        "about.md",
        format!(
            "Lists have rows such as this one:\n\n{moved}\nThe next line has words and is no row.\n"
        ),
    );
    stage.write_list(&["2", "3"]);
    environment.mirror("lock").exits(0);
    environment.git(&[
        "add",
        "--all",
        "images-list",
        "images-list.lock",
        "other-list",
        "about.md",
    ]);
    environment.git(&["commit", "-qm", "move a row"]);
    let refused = environment.mirror("prune").exits(2);
    let message = "other-list writes to ";
    assert!(refused.stderr.contains(message), "{}", refused.stderr);
    let both = "prune --images-list images-list --images-list other-list --output json";
    let document = environment.mirror(both).exits(0).json();
    assert_eq!(tags(&document), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_section_is_above_the_maximum() {
    let stage = Stage::new(Kind::Embedded).await;
    let tags: Vec<String> = (10..40).map(|tag| tag.to_string()).collect();
    for tag in &tags {
        stage.push(&sample_of_seed(1), Some(tag)).await;
    }
    stage.commit_list(&["2", "3"]);
    let output = stage.plan("--foreign").exits(1);
    assert!(
        output.stdout.contains("refused: 32 of 36 tags"),
        "{}",
        output.stdout
    );
    // The file is empty: an earlier plan must not pass for this one.
    let files = stage.environment.file_names();
    assert!(!files.contains(&"plan.json".to_owned()));
    stage.plan("--foreign --max-deletions 90%").exits(0);
    let deletions = stage.proxy.count("DELETE", "");
    let output = stage.apply("--foreign").exits(1);
    assert!(
        output.stderr.contains("nothing was deleted"),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("--max-deletions 32"),
        "{}",
        output.stderr
    );
    assert_eq!(stage.proxy.count("DELETE", ""), deletions);
}

#[tokio::test(flavor = "multi_thread")]
async fn unlocked_images_need_a_report() {
    let stage = Stage::new(Kind::V3).await;
    let files = stage.environment.path("images-list.lock");
    std::fs::remove_file(&files).unwrap();
    std::fs::remove_dir_all(stage.environment.path(".git")).unwrap();
    let report = stage
        .environment
        .mirror("sync --output json")
        .exits(0)
        .stdout;
    stage.environment.write("unchanged.json", &report);
    let copied = report.replace("\"unchanged\",\n", "\"copied\",\n");
    stage.environment.write("copied.json", copied);
    stage.environment.commit_first(&["images-list"]);
    stage.write_list(&["2", "3"]);
    stage.environment.git(&["commit", "-qam", "second"]);
    let planned = |arguments: &str| {
        let line = format!("prune --output json {arguments}");
        tags(&stage.environment.mirror(&line).exits(0).json()).len()
    };
    assert_eq!(planned(""), 0);
    assert_eq!(planned("--written-by unchanged.json"), 0);
    assert_eq!(planned("--written-by copied.json"), 1);
    assert_eq!(planned("--foreign"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_read_tag_lists_are_errors() {
    let stage = Stage::new(Kind::V3).await;
    stage.commit_list(&["2", "3"]);
    let body = |tags: &[&str]| json!({"name": APP, "tags": tags}).to_string();
    for (tags, message) in [
        (&["1", "2", "../x"][..], "1 invalid entries"),
        (&["1", "2"], "the tag list lacks 3, which exists"),
    ] {
        let reply = testkit::proxy::Action::answer(200).body(body(tags));
        let rule = testkit::proxy::Rule::new("GET", "/v2/m/app/tags/list").does(reply);
        stage.proxy.add(rule);
        let output = stage.plan("").exits(1);
        assert!(output.stdout.contains(message), "{}", output.stdout);
        assert!(
            output.stdout.contains("0 tags and 0 manifests"),
            "{}",
            output.stdout
        );
        stage.proxy.clear_rules();
    }
    // A tag that cannot be resolved.
    let reply = testkit::proxy::Action::answer(403);
    stage
        .proxy
        .add(testkit::proxy::Rule::new("HEAD", "/manifests/2").does(reply));
    let output = stage.plan("").exits(4);
    assert!(output.stdout.contains("1 with errors"), "{}", output.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn configuration_and_targets_must_be_those_of_the_last_commit() {
    let stage = Stage::new(Kind::V3).await;
    let environment = &stage.environment;
    let targets = r#"{"targets": {"hub": {"prefix": "hub.example.com/m"}}}"#;
    for (file, committed, changed) in [
        ("config.json", "{}\n", "{ }\n"),
        (
            "targets.json",
            targets,
            &targets.replace("hub.example", "hub2.example"),
        ),
    ] {
        // A file without history says nothing about the past.
        environment.write(file, committed);
        environment.mirror("prune").exits(0);
        environment.git(&["add", file]);
        stage.commit();
        environment.mirror("prune").exits(0);
        environment.write(file, committed.replace('\n', "\r\n"));
        environment.mirror("prune").exits(0);
        environment.write(file, changed);
        let refused = environment.mirror("prune").exits(2);
        let message = format!("{file} differs from the last commit");
        assert!(refused.stderr.contains(&message), "{}", refused.stderr);
        std::fs::remove_file(environment.path(file)).unwrap();
        environment.mirror("prune").exits(2);
        environment.write(file, committed);
    }
    stage.commit_list(&["2", "3"]);
    // The lock of the last commit protects too, whatever the work tree has lost.
    environment.git(&["checkout", "-q", "HEAD~1", "--", "images-list.lock"]);
    environment.git(&["commit", "-qm", "restore a line of the lock"]);
    stage.environment.mirror("lock").exits(0);
    let document = environment.mirror("prune --output json").exits(0).json();
    assert_eq!(tags(&document), [""; 0]);
}
