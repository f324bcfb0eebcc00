//! Several names of one registry, and rows by digest whose content has another digest.

use serde_json::Value;

use super::stage::{APP, Kind, Stage, sample};

/// Returns the tags of a document that would be deleted, and those that stay with their reasons.
fn decisions(document: &Value) -> (Vec<String>, Vec<String>) {
    let deletions = document["deletions"].as_array().unwrap().iter();
    let tags = deletions.filter_map(|line| line["tag"].as_str());
    let tags = tags.filter(|tag| !tag.starts_with("sha256-"));
    let kept = document["kept"].as_array().unwrap().iter();
    let reasons = kept.map(|line| line["reason"].as_str().unwrap().to_owned());
    (tags.map(str::to_owned).collect(), reasons.collect())
}

fn plan(stage: &Stage, arguments: &str) -> (Vec<String>, Vec<String>) {
    let line = format!("prune --output json --max-deletions 100% {arguments}");
    decisions(&stage.environment.mirror(&line).exits(0).json())
}

#[tokio::test(flavor = "multi_thread")]
async fn renamed_host_of_the_registry_is_not_another_registry() {
    let stage = Stage::new(Kind::V3).await;
    let other = stage.other_name().await;
    // One commit changes the host of all rows.
    let list = stage.environment.read("images-list");
    let renamed = list.replace(&stage.host(), &other.host());
    stage.environment.write("images-list", renamed);
    stage.environment.mirror("lock").exits(0);
    stage.commit();
    let (tags, reasons) = plan(&stage, "");
    assert_eq!(tags, [""; 0]);
    let is_explained = |reason: &String| reason.contains("--distinct-host");
    assert!(reasons.iter().all(is_explained), "{reasons:?}");
    assert_eq!(reasons.len(), 4);
    // The user says that the registries differ.
    let (tags, _) = plan(&stage, &format!("--distinct-host {}", stage.host()));
    assert_eq!(tags, ["1", "2", "3", "1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn registries_with_other_images_under_the_same_tags_are_distinct() {
    let stage = Stage::new(Kind::V3).await;
    let second = Stage::new(Kind::V3).await;
    let image = super::stage::sample_of_seed(50);
    second.push(&image, Some("1")).await;
    let list = stage.environment.read("images-list");
    let mut rows = list.lines();
    let first = rows.next().unwrap().replace(&stage.host(), &second.host());
    let rest: String = rows.map(|row| format!("{row}\n")).collect();
    stage
        .environment
        .write("images-list", format!("{first}\n{rest}"));
    stage.environment.mirror("lock").exits(0);
    stage.commit();
    assert_eq!(plan(&stage, "").0, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn name_of_registries_conf_is_resolved_to_the_registry() {
    let stage = Stage::new(Kind::V3).await;
    let port = stage.host().rsplit_once(':').unwrap().1.to_owned();
    let conf = format!(
        "[[registry]]\nprefix = \"alias.example.com\"\nlocation = \"localhost:{port}\"\ninsecure = true\n"
    );
    stage.environment.write("registries.conf", conf);
    let list = stage.environment.read("images-list");
    let renamed = list.replace(&stage.host(), "alias.example.com");
    stage.environment.write("images-list", renamed);
    let conf = "--registries-conf registries.conf";
    stage.environment.mirror(&format!("lock {conf}")).exits(0);
    stage.commit();
    let arguments = format!("{conf} --distinct-host alias.example.com");
    assert_eq!(plan(&stage, &arguments).0, [""; 0]);
    // A list that is not named, and writes to the repository under the other name.
    let row = list.lines().next().unwrap();
    let row = row.replace(&stage.host(), "alias.example.com");
    stage.write_list(&["2", "3"]);
    stage.environment.mirror("lock").exits(0);
    stage.environment.write("other-list", row + "\n");
    stage.environment.git(&["add", "--all", "other-list"]);
    stage.commit();
    let refused = stage.environment.mirror(&format!("prune {conf}")).exits(2);
    let message = "other-list writes to alias.example.com";
    assert!(refused.stderr.contains(message), "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn content_of_a_row_by_digest_stays_under_its_own_digest() {
    let stage = Stage::new(Kind::V3).await;
    let environment = &stage.environment;
    let digest = sample("1").digest().to_string();
    let list = environment.read("images-list");
    let row = |tag: &str| stage.row(tag).replace(APP, "m/narrow") + "\n";
    let with_tag = format!("{list}{}{}", row("1=n"), row(&digest));
    environment.write("images-list", with_tag);
    environment.mirror("lock").exits(0);
    let sync = "sync --match **/m/narrow* --platform linux/amd64 --report report.json";
    environment.mirror(sync).exits(0);
    stage.commit();
    let narrowed = format!("digest {}/m/narrow:n", stage.host());
    let narrowed = environment.mirror(&narrowed).exits(0).stdout;
    assert_ne!(narrowed.trim(), digest);
    environment.write("images-list", format!("{list}{}", row(&digest)));
    environment.mirror("lock").exits(0);
    stage.commit();
    // The row's content is the index that only the tag `n` leads to.
    let arguments = "--foreign --max-deletions 100%";
    let output = stage.plan(arguments).exits(1);
    let message = format!("a row by digest writes {digest}");
    assert!(output.stdout.contains(&message), "{}", output.stdout);
    let with_report = format!("{arguments} --written-by report.json");
    stage.plan(&with_report).exits(0);
    stage.apply(&with_report);
    let tags = format!("tags {}/m/narrow", stage.host());
    let tags = environment.mirror(&tags).exits(0).stdout;
    assert!(tags.lines().any(|tag| tag == "n"), "{tags}");
}
