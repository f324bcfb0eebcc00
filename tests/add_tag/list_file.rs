//! The list file: line endings, symbolic links, modes, and the printed diff.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::environment::{
    TestEnvironment, file_mode, output_of, registry_with, send_signal, spawn_piped,
};

#[tokio::test(flavor = "multi_thread")]
async fn add_tag_changes_only_the_new_row() {
    let registry = registry_with(&["b:1.6.1", "b:1_6.1"]).await;
    let r = registry.host();
    let row = format!("{r}/b r.io/b");
    let table = [
        (
            format!("{row} 1.6.10\r\n"),
            format!("{row} 1.6.1\r\n{row} 1.6.10\r\n"),
        ),
        (
            format!("# head\n{row} 1.5"),
            format!("# head\n{row} 1.5\n{row} 1.6.1"),
        ),
        (
            format!("{row} 1.6.10\n# tail"),
            format!("{row} 1.6.1\n{row} 1.6.10\n# tail"),
        ),
        // An unsorted list gets no worse.
        (
            format!("z r.io/z 1\n{row} 1\na r.io/a 1\n"),
            format!("z r.io/z 1\n{row} 1\n{row} 1.6.1\na r.io/a 1\n"),
        ),
        // Two spaces between columns stay.
        (
            format!("{r}/b  r.io/b 1.6.10\n"),
            format!("{row} 1.6.1\n{r}/b  r.io/b 1.6.10\n"),
        ),
    ];
    for (before, after) in table {
        let environment = TestEnvironment::new();
        environment.write("images-list", &before);
        let line = format!("add-tag --full-images {r}/b:1.6.1");
        let dry = environment.mirror(&format!("{line} --dry-run")).exits(0);
        assert_eq!(
            environment.read("images-list"),
            before,
            "a dry run writes nothing"
        );
        environment.mirror(&line).exits(0);
        assert_eq!(environment.read("images-list"), after);
        // The printed diff is the change.
        environment.write("images-list", &before);
        environment.write("patch", &dry.stdout);
        environment.run("git", &["apply", "patch"]);
        assert_eq!(environment.read("images-list"), after, "{}", dry.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_prints_the_diff() {
    let registry = registry_with(&["b:2"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    environment.write("images-list", format!("{r}/b r.io/b 1\n"));
    let line = format!("add-tag --dry-run --full-images {r}/b:2");
    let diff = format!(
        "--- a/images-list\n+++ b/images-list\n@@ -1 +1,2 @@\n {r}/b r.io/b 1\n+{r}/b r.io/b 2\n"
    );
    let output = environment.mirror(&line).exits(0);
    assert_eq!(
        output.stdout,
        format!("{diff}1 row would be added; nothing was written\n")
    );
    let document = environment
        .mirror(&format!("{line} --output json"))
        .exits(0)
        .json();
    assert_eq!(
        (&document["diff"], &document["dry_run"]),
        (&diff.into(), &true.into())
    );
    assert_eq!(document["added"][0]["line"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn add_tag_keeps_symbolic_link_and_mode() {
    let registry = registry_with(&["b:2"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    std::fs::create_dir(environment.path("lists")).unwrap();
    environment.write("lists/real", format!("{r}/b r.io/b 1\n"));
    std::fs::set_permissions(
        environment.path("lists/real"),
        Permissions::from_mode(0o640),
    )
    .unwrap();
    symlink("lists/real", environment.path("images-list")).unwrap();
    environment
        .mirror(&format!("add-tag --full-images {r}/b:2"))
        .exits(0);
    assert!(environment.path("images-list").is_symlink());
    assert_eq!(
        environment.read("lists/real"),
        format!("{r}/b r.io/b 1\n{r}/b r.io/b 2\n")
    );
    assert_eq!(file_mode(&environment.path("lists/real")), 0o640);
}

#[tokio::test(flavor = "multi_thread")]
async fn add_tag_rejects_a_read_only_list_before_any_request() {
    let registry = registry_with(&["b:2"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    let list = format!("{r}/b r.io/b 1\n");
    environment.write("images-list", &list);
    std::fs::set_permissions(
        environment.path("images-list"),
        Permissions::from_mode(0o444),
    )
    .unwrap();
    let line = format!("add-tag --full-images {r}/b:2");
    let output = environment.mirror(&line).exits(2);
    let want = "error: cannot write images-list: it is read-only; nothing was written\n hint: run `chmod u+w images-list`, or print the changes with --dry-run\n";
    assert_eq!(output.stderr, want);
    assert_eq!(environment.read("images-list"), list);
    assert_eq!(registry.request_count(), 0);
    environment.mirror(&format!("{line} --dry-run")).exits(0);
}

#[test]
fn interrupted_add_tag_leaves_the_list_unchanged() {
    // Accepts connections and sends nothing.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap();
    let environment = TestEnvironment::new();
    environment.write("images-list", format!("{host}/b r.io/b 1\n"));
    let mut command = environment.mirror_command();
    let image = format!("{host}/b:2");
    command.args(["add-tag", "--output", "json", "--full-images", &image]);
    let child = spawn_piped(&mut command);
    // The binary installs its signal handlers before it connects.
    listener.accept().unwrap();
    send_signal(&child, "TERM");
    let output = output_of(child).exits(130);
    assert_eq!(
        output.json()["error"]["message"],
        "interrupted; nothing was written"
    );
    assert_eq!(
        environment.read("images-list"),
        format!("{host}/b r.io/b 1\n")
    );
    assert_eq!(environment.file_names(), ["images-list"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn add_tag_writes_to_the_list_that_has_the_image() {
    let registry = registry_with(&["b:2", "c:2"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    environment.write("weekly", format!("{r}/b r.io/b 1\n"));
    environment.write("daily", format!("{r}/c r.io/c 1\n"));
    let line = format!("add-tag --images-list weekly,daily IMAGES={r}/c,{r}/b TAGS=2");
    let output = environment.mirror(&line).exits(0);
    let want = format!(
        "weekly:2: added `{r}/b r.io/b 2`\ndaily:2: added `{r}/c r.io/c 2`\n2 rows added\n"
    );
    assert!(output.stdout.starts_with(&want), "{}", output.stdout);
    assert_eq!(
        environment.read("daily"),
        format!("{r}/c r.io/c 1\n{r}/c r.io/c 2\n")
    );
}
