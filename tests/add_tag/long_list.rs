//! A long series of additions to a large list.
//!
//! Takes more than 10 s: fifty additions, each followed by `lint`, `git diff` and a commit.

use std::fmt::Write;

use crate::environment::{TestEnvironment, push_tags, registry_with};

/// A list like those in production: a head, comments between rows, images with two destinations,
/// rows that are commented out, and two conflicts.
fn large_list(registry: &str) -> String {
    let mut text = "# Do not change existing rows.\n#\n# SOURCE DESTINATION TAG\n".to_owned();
    for image in 10..60 {
        let source = format!("{registry}/org{image}/app");
        let old = format!("{source} r.io/mirror/app-org{image}");
        let new = format!("{source} r.io/mirror/mirrored-org{image}-app");
        if image % 7 == 0 {
            write!(text, "{old} v1.0.0\n{old} v1.1.0\n").unwrap();
        }
        for minor in 0..38 {
            if minor == 20 && image % 5 == 0 {
                writeln!(text, "# {new} v1.19.9").unwrap();
            }
            writeln!(text, "{new} v1.{minor}.0").unwrap();
        }
        if image == 30 {
            // A second source for the same destination tags.
            writeln!(
                text,
                "{registry}/org30/app-moved r.io/mirror/mirrored-org30-app v1.3.0"
            )
            .unwrap();
            writeln!(
                text,
                "{registry}/org30/app-moved r.io/mirror/mirrored-org30-app v1.4.0"
            )
            .unwrap();
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_add_tag_changes_only_the_new_row() {
    let registry = registry_with(&[]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    environment.write("images-list", large_list(&r));
    environment.commit_first(&["images-list"]);
    let before = environment.mirror("lint --output json").exits(1).json();
    let known = before["problems"].as_array().unwrap().len();
    assert_eq!(known, 2, "the two conflicts: {before}");
    for round in 0..50 {
        let image = 10 + (round * 17) % 50;
        let tag = format!("v1.{}.{}", (round * 11) % 38, round + 1);
        push_tags(&registry, &[&format!("org{image}/app:{tag}")]);
        let line = format!("add-tag IMAGES={r}/org{image}/app TAGS={tag}");
        environment.mirror(&line).exits(0);
        let diff = environment.stdout_of("git", &["diff", "-U0", "images-list"]);
        let changed: Vec<_> = diff
            .lines()
            .filter(|line| {
                line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---")
            })
            .collect();
        let row = format!("+{r}/org{image}/app r.io/mirror/mirrored-org{image}-app {tag}");
        assert_eq!(changed, [row], "round {round}");
        let problems = environment.mirror("lint --output json").exits(1).json();
        assert_eq!(
            problems["problems"].as_array().unwrap().len(),
            known,
            "round {round}"
        );
        environment.git(&["commit", "-qam", &format!("Added tag(s) {tag}")]);
    }
    assert_eq!(
        environment.read("images-list").lines().count(),
        large_list(&r).lines().count() + 50
    );
}
