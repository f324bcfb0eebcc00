//! `--apply`: what is new comes into the list, after the checks of `add-tag`.

use serde_json::json;
use testkit::github::{FakeGithub, Release};

use super::place;
use crate::add_tag::registry_with;
use crate::lock::digest_of;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_new_is_added_and_locked_and_then_known() {
    let registry = registry_with(&["a:1", "a:2", "a:3", "b:1"]).await;
    let r = registry.host();
    let config = json!({
        "a": {"images": [format!("{r}/a")], "versionSource": "registry"},
        "b": {"images": [format!("{r}/b")], "versionSource": "registry"},
    });
    let list = format!(
        "# Why it is here.\r\n{r}/a r.io/m/a 1\r\n{r}/a r.io/m/a 3\r\n{r}/b r.io/m/b 1\r\n"
    );
    let environment = place(None, &config, &list);
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
    assert_eq!(dry.json(), result, "stdout is the result");
    let digest = digest_of(&environment, &format!("{r}/a:2"));
    for new in [format!("+{row}\r\n"), format!("+{row} {digest} ")] {
        assert!(dry.stderr.contains(&new), "{}", dry.stderr);
    }
    assert_eq!(files(), before, "a dry run writes nothing");

    let done = environment.mirror("retrieve-tags --apply").exits(0);
    assert_eq!(done.json(), result);
    let added = format!("images-list:3: added `{row}`\n");
    assert!(done.stderr.contains(&added), "{}", done.stderr);
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
async fn what_cannot_be_added_yet_is_told_and_left_out() {
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
    let environment = place(Some(&github), &config, &format!("{r}/a r.io/m/a v1\n"));
    let done = environment.mirror("retrieve-tags --apply").exits(0);
    for warning in [
        format!("{r}/a:v3 was announced and is not there yet: it is left out"),
        format!("{r}/b:v2 is not mapped: images-list has no such image"),
    ] {
        assert!(done.stderr.contains(&warning), "{warning}\n{}", done.stderr);
    }
    assert_eq!(
        environment.read("images-list"),
        format!("{r}/a r.io/m/a v1\n{r}/a r.io/m/a v2\n")
    );
    // Nobody is asked for what cannot be added anyway.
    let asked = registry.requests();
    assert!(
        asked.iter().all(|request| !request.path.contains("/b/")),
        "{asked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_is_named_gets_what_it_lacks() {
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
    let environment = place(None, &config, &list);
    let done = environment
        .mirror("retrieve-tags --apply --explain")
        .exits(0);
    assert_eq!(
        done.json(),
        json!({"a": {"images": [image], "tags": ["1"]}})
    );
    let known = format!("  not new  {image}:1 for r.io/one/a: images-list:1 has it\n");
    assert!(done.stderr.contains(&known), "{}", done.stderr);
    assert_eq!(
        environment.read("images-list"),
        format!("{list}{image} r.io/two/a 1\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_is_not_clear_is_asked_for_where_it_can_be_said() {
    let registry = registry_with(&["a:1"]).await;
    let r = registry.host();
    let image = format!("{r}/a");
    let list = format!("{image} r.io/one/a 0\n{image} r.io/two/a 0\n");
    let named = json!({"source": image, "destination": "r.io/three/a"});
    for (written, want) in [
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
        let config = json!({"a": {"images": [written], "versionSource": "registry"}});
        let environment = place(None, &config, &list);
        let done = environment.mirror("retrieve-tags --apply").exits(1);
        assert!(done.stderr.contains(&want), "{want}\n{}", done.stderr);
        assert_eq!(environment.read("images-list"), list);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_fails_does_not_keep_the_others_out() {
    let registry = registry_with(&["a:1", "a:2"]).await;
    let r = registry.host();
    let config = json!({
        "gone": {"images": [format!("{r}/none")], "versionSource": "registry"},
        "a": {"images": [format!("{r}/a")], "versionSource": "registry"},
    });
    let environment = place(None, &config, &format!("{r}/a r.io/m/a 1\n"));
    let done = environment.mirror("retrieve-tags --apply").exits(1);
    assert!(
        done.stderr
            .contains(&format!("gone: {r}/none does not exist")),
        "{}",
        done.stderr
    );
    assert_eq!(
        environment.read("images-list"),
        format!("{r}/a r.io/m/a 1\n{r}/a r.io/m/a 2\n")
    );
}
