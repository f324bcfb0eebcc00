//! `--explain` and `-v`: the outcome and the origin of every version.

use serde_json::json;
use testkit::github::{FakeGithub, Release};

use super::environment_with;
use crate::environment::registry_with;

#[tokio::test(flavor = "multi_thread")]
async fn explain_prints_the_outcome_of_every_version() {
    let registry =
        registry_with(&["a:1.0", "a:1.1", "a:1.1-rc1", "a:1.2", "a:2.0", "a:edge"]).await;
    let r = registry.host();
    let github = FakeGithub::new().start().await;
    for tag in ["v1", "release v2"] {
        github.release("o/r", Release::new(tag));
    }
    github.release("o/r", Release::new("v3").prerelease());
    let config = json!({
        "filtered": {
            "images": [format!("{r}/a")],
            "versionSource": "registry",
            "exclude": "-rc",
            "versionFilter": "^[0-9]",
            "versionConstraint": "<2",
        },
        "own": {"images": ["rancher/x"], "versionSource": "github-releases:o/r"},
        "gone": {"images": ["o/x"], "versionSource": "github-releases:o/none"},
    });
    let list = format!("# {r}/a r.io/a 1.0\n{r}/a r.io/a 1.2\n");
    let environment = environment_with(Some(&github), &config, &list);
    let output = environment
        .mirror("retrieve-tags --explain --own-org rancher")
        .exits(1);
    for line in [
        "filtered:".to_owned(),
        format!("  new      {r}/a:1.1, a tag of {r}/a"),
        format!("  not new  {r}/a:1.0: images-list:1, commented out, has it"),
        format!("  not new  {r}/a:1.2: images-list:2 has it"),
        "  dropped  1.1-rc1: `exclude` \"-rc\"".to_owned(),
        "  dropped  2.0: `versionConstraint` \"<2\"".to_owned(),
        "  dropped  edge: `versionFilter` \"^[0-9]\"".to_owned(),
        "own:".to_owned(),
        "  not new  rancher/x:v1: the image is in your organization".to_owned(),
        "  dropped  v3: a prerelease".to_owned(),
        "gone:".to_owned(),
    ] {
        assert!(
            output.stderr.contains(&format!("{line}\n")),
            "{line}\n{}",
            output.stderr
        );
    }
    assert!(
        output.stderr.contains("\n  failed   GitHub has no "),
        "{}",
        output.stderr
    );
    assert_eq!(
        output.json()["filtered"]["tags"],
        json!(["1.1"]),
        "stdout has only the result"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_tag_names_are_reported_once_per_entry() {
    let github = FakeGithub::new().start().await;
    for tag in ["v1", "release v2", "release v3"] {
        github.release("o/r", Release::new(tag));
    }
    let config = json!({
        "as-is": {"images": ["o/x", "o/y"], "versionSource": "github-releases:o/r"},
        "extracted": {
            "images": ["o/x"],
            "versionSource": "github-releases:o/r",
            "versionExtract": "v([0-9]+)$",
        },
    });
    let environment = environment_with(Some(&github), &config, "");
    let output = environment.mirror("retrieve-tags").exits(0);
    let want = "as-is: release v2 and 1 more: not a valid image tag; `versionExtract` and `tagTemplate` can derive one\n";
    assert_eq!(output.stderr.matches(want).count(), 1, "{}", output.stderr);
    let document = output.json();
    assert_eq!(document["as-is"]["tags"], json!(["v1"]));
    assert_eq!(document["extracted"]["tags"], json!(["1", "2", "3"]));
    let verbose = environment
        .mirror("retrieve-tags -v --entry extracted")
        .exits(0);
    let origin = "extracted: o/x:2: release release v2 of o/r (https://github.com/o/r/releases/tag/release v2)";
    assert!(verbose.stderr.contains(origin), "{}", verbose.stderr);
}
