//! `--apply`: new tags enter the list after the checks of `add-tag`.

use serde_json::json;
use testkit::github::{FakeGithub, Release};

use super::environment_with;
use crate::environment::registry_with;
use crate::lock::digest_of;

#[tokio::test(flavor = "multi_thread")]
async fn apply_adds_and_locks_new_tags_once() {
    let registry = registry_with(&["a:1", "a:2", "a:3", "b:1"]).await;
    let r = registry.host();
    let config = json!({
        "a": {"images": [format!("{r}/a")], "versionSource": "registry"},
        "b": {"images": [format!("{r}/b")], "versionSource": "registry"},
    });
    let list = format!(
        "# Why it is here.\r\n{r}/a r.io/m/a 1\r\n{r}/a r.io/m/a 3\r\n{r}/b r.io/m/b 1\r\n"
    );
    let environment = environment_with(None, &config, &list);
    environment.mirror("lock").exits(0);
    let files = || ["images-list", "images-list.lock"].map(|name| environment.read(name));
    let before = files();

    let row = format!("{r}/a r.io/m/a 2");
    let result = json!({
        "a": {"images": [format!("{r}/a")], "tags": ["2"]},
        "b": {"images": [], "tags": []},
    });
    let dry = environment
        .mirror("retrieve-tags --apply --dry-run")
        .exits(0);
    assert_eq!(dry.json(), result, "stdout has only the result");
    let digest = digest_of(&environment, &format!("{r}/a:2"));
    for new in [format!("+{row}\r\n"), format!("+{row} {digest} ")] {
        assert!(dry.stderr.contains(&new), "{}", dry.stderr);
    }
    assert_eq!(files(), before, "a dry run writes nothing");

    let output = environment.mirror("retrieve-tags --apply").exits(0);
    assert_eq!(output.json(), result);
    let added = format!("images-list:3: added `{row}`\n");
    assert!(output.stderr.contains(&added), "{}", output.stderr);
    let [after, lock] = files();
    assert_eq!(
        after,
        list.replace(
            &format!("{r}/a r.io/m/a 3"),
            &format!("{row}\r\n{r}/a r.io/m/a 3")
        )
    );
    assert!(lock.contains(&format!("{row} {digest} ")), "{lock}");
    environment.mirror("lock --check").exits(0);
    environment.mirror("lint").exits(0);

    let again = environment.mirror("retrieve-tags --apply").exits(0);
    assert!(
        again.stderr.ends_with("nothing to add\n"),
        "{}",
        again.stderr
    );
    assert_eq!(files(), [after, lock]);
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_skips_missing_tags_and_unmapped_images_with_a_warning() {
    let registry = registry_with(&["a:v1", "a:v2", "b:v1", "b:v2"]).await;
    let r = registry.host();
    let github = FakeGithub::new().start().await;
    for tag in ["v1", "v2", "v3"] {
        github.release("o/r", Release::new(tag));
    }
    let config = json!({"o": {
        "images": [format!("{r}/a"), format!("{r}/b")],
        "versionSource": "github-releases:o/r",
    }});
    let environment = environment_with(Some(&github), &config, &format!("{r}/a r.io/m/a v1\n"));
    let output = environment.mirror("retrieve-tags --apply").exits(0);
    for warning in [
        format!("{r}/a:v3 is announced but not yet at its source; left out"),
        format!("{r}/b:v2 is not mapped: images-list has no row with this source"),
    ] {
        assert!(
            output.stderr.contains(&warning),
            "{warning}\n{}",
            output.stderr
        );
    }
    assert_eq!(
        environment.read("images-list"),
        format!("{r}/a r.io/m/a v1\n{r}/a r.io/m/a v2\n")
    );
    // An unmapped image needs no request.
    let requests = registry.requests();
    assert!(
        requests.iter().all(|request| !request.path.contains("/b/")),
        "{requests:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_adds_only_to_the_configured_destination_that_lacks_the_tag() {
    let registry = registry_with(&["a:1"]).await;
    let r = registry.host();
    let image = format!("{r}/a");
    let config = json!({"a": {
        "images": [
            {"source": image, "destination": "r.io/one/a"},
            {"source": image, "destination": "r.io/two/a"},
        ],
        "versionSource": "registry",
    }});
    let list = format!("{image} r.io/one/a 1\n{image} r.io/two/a 0\n");
    let environment = environment_with(None, &config, &list);
    let output = environment
        .mirror("retrieve-tags --apply --explain")
        .exits(0);
    assert_eq!(
        output.json(),
        json!({"a": {"images": [image], "tags": ["1"]}})
    );
    let known = format!("  not new  {image}:1 for r.io/one/a: images-list:1 has it\n");
    assert!(output.stderr.contains(&known), "{}", output.stderr);
    assert_eq!(
        environment.read("images-list"),
        format!("{list}{image} r.io/two/a 1\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_rejects_ambiguous_and_unknown_destinations() {
    let registry = registry_with(&["a:1"]).await;
    let r = registry.host();
    let image = format!("{r}/a");
    let list = format!("{image} r.io/one/a 0\n{image} r.io/two/a 0\n");
    let named = json!({"source": image, "destination": "r.io/three/a"});
    for (image, want) in [
        (
            json!(image),
            format!(
                "{image}:1 goes to r.io/one/a and r.io/two/a: say which in the configuration, "
            ),
        ),
        (
            named,
            format!(
                "{image}:1 does not go to r.io/three/a but to r.io/one/a and r.io/two/a: correct `destination` "
            ),
        ),
    ] {
        let config = json!({"a": {"images": [image], "versionSource": "registry"}});
        let environment = environment_with(None, &config, &list);
        let output = environment.mirror("retrieve-tags --apply").exits(1);
        assert!(output.stderr.contains(&want), "{want}\n{}", output.stderr);
        assert_eq!(environment.read("images-list"), list);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_adds_tags_of_other_entries_when_one_fails() {
    let registry = registry_with(&["a:1", "a:2"]).await;
    let r = registry.host();
    let config = json!({
        "gone": {"images": [format!("{r}/none")], "versionSource": "registry"},
        "a": {"images": [format!("{r}/a")], "versionSource": "registry"},
    });
    let environment = environment_with(None, &config, &format!("{r}/a r.io/m/a 1\n"));
    let output = environment.mirror("retrieve-tags --apply").exits(1);
    assert!(
        output
            .stderr
            .contains(&format!("gone: {r}/none does not exist")),
        "{}",
        output.stderr
    );
    assert_eq!(
        environment.read("images-list"),
        format!("{r}/a r.io/m/a 1\n{r}/a r.io/m/a 2\n")
    );
}
