//! `--arch-tags` and the tags of other rows.

use crate::environment::{TestEnvironment, registry_with};

#[tokio::test(flavor = "multi_thread")]
async fn arch_tags_do_not_overwrite_the_tags_of_other_rows() {
    let registry = registry_with(&["a:1", "b:1-amd64", "b:1-arm64"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    // The override makes one repository of two.
    let list = format!("{r}/a x.io/one/m 1\n{r}/b y.io/two/m 1-amd64\n{r}/b y.io/two/n 1-arm64\n");
    environment.write("images-list", &list);
    environment.mirror("lint --arch-tags").exits(0);
    registry.clear_requests();
    let to = format!("--dest-registry {r} --dest-org t");
    let finding = format!(
        "images-list:1: the tags that --arch-tags adds to {r}/t/m:1 may overwrite the row with the tag 1-amd64: "
    );
    for selected in ["", "--match */a", "--dry-run"] {
        let line = format!("sync --arch-tags {to} {selected}");
        let output = environment.mirror(&line).exits(2);
        let start = "error: --arch-tags may overwrite the tag of a row; nothing was sent\n";
        assert!(output.stderr.contains(start), "{}", output.stderr);
        assert!(output.stderr.contains(&finding), "{}", output.stderr);
    }
    assert_eq!(registry.request_count(), 0);
    // A run without the row, or without the option, overwrites nothing.
    for line in [
        format!("sync --arch-tags {to} --match */b"),
        format!("sync {to}"),
    ] {
        environment.mirror(&line).exits(0);
    }
    assert_ne!(registry.tagged("t/m", "1"), None);
}

#[test]
fn lint_reports_arch_tags_that_are_tags_of_other_rows() {
    let environment = TestEnvironment::new();
    environment.write("images-list", "a r.io/m 1\n");
    environment.write("daily", "b docker.io/r/m 2\nb r.io/m 1-armv7\n");
    let lists = "--images-list images-list,daily";
    environment.mirror(&format!("lint {lists}")).exits(0);
    let output = environment
        .mirror(&format!("lint --arch-tags {lists}"))
        .exits(1);
    let want = "images-list:1: the tags that --arch-tags adds to r.io/m:1 may overwrite `b r.io/m 1-armv7` on daily:2: change the destination of one of the rows\n1 problem\n";
    assert_eq!(output.stdout, want);
}
