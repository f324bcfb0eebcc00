//! Concurrent runs on one list.

use crate::environment::{TestEnvironment, output_of, push_tags, registry_with, spawn_piped};

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_runs_lose_no_row() {
    let registry = registry_with(&[]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    environment.write("images-list", format!("# head\n{r}/b r.io/b 0\n"));
    let tags: Vec<String> = (1..=20).map(|tag| tag.to_string()).collect();
    for tag in &tags {
        push_tags(&registry, &[&format!("b:{tag}")]);
    }
    let children: Vec<_> = tags
        .iter()
        .map(|tag| {
            let mut command = environment.mirror_command();
            command.args(["add-tag", "--full-images", &format!("{r}/b:{tag}")]);
            spawn_piped(&mut command)
        })
        .collect();
    for child in children {
        let output = output_of(child);
        assert!(output.exits(0).stdout.contains("1 row added"));
    }
    let rows: String = (0..=20)
        .map(|tag| format!("{r}/b r.io/b {tag}\n"))
        .collect();
    assert_eq!(environment.read("images-list"), format!("# head\n{rows}"));
    assert_eq!(
        environment.file_names(),
        ["images-list"],
        "no temporary file remains"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn second_of_two_runs_with_the_same_row_fails() {
    let registry = registry_with(&["b:1"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    environment.write("images-list", format!("{r}/b r.io/b 0\n"));
    let add = || {
        let mut command = environment.mirror_command();
        command.args(["add-tag", "--full-images", &format!("{r}/b:1")]);
        spawn_piped(&mut command)
    };
    let both = [add(), add()].map(|child| output_of(child));
    let mut codes = both.map(|output| output.code);
    codes.sort();
    assert_eq!(codes, [Some(0), Some(1)]);
    assert_eq!(
        environment.read("images-list"),
        format!("{r}/b r.io/b 0\n{r}/b r.io/b 1\n")
    );
}
