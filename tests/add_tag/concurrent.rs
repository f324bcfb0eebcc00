//! Many at one list.

use std::process::Stdio;

use super::{push, registry_with};
use crate::environment::{Finished, TestEnvironment};

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_lose_no_row() {
    let registry = registry_with(&[]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    environment.write("images-list", format!("# head\n{r}/b r.io/b 0\n"));
    let tags: Vec<String> = (1..=20).map(|tag| tag.to_string()).collect();
    for tag in &tags {
        push(&registry, &[&format!("b:{tag}")]);
    }
    let children: Vec<_> = tags
        .iter()
        .map(|tag| {
            let mut command = environment.command();
            command.args(["add-tag", "--full-images", &format!("{r}/b:{tag}")]);
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let done = Finished::of(child.wait_with_output().unwrap());
        assert!(done.exits(0).stdout.contains("1 row added"));
    }
    let rows: String = (0..=20)
        .map(|tag| format!("{r}/b r.io/b {tag}\n"))
        .collect();
    assert_eq!(environment.read("images-list"), format!("# head\n{rows}"));
    assert_eq!(environment.files(), ["images-list"], "nothing is left over");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_add_the_same_row_one_is_told() {
    let registry = registry_with(&["b:1"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    environment.write("images-list", format!("{r}/b r.io/b 0\n"));
    let add = || {
        let mut command = environment.command();
        command.args(["add-tag", "--full-images", &format!("{r}/b:1")]);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let both = [add(), add()].map(|child| Finished::of(child.wait_with_output().unwrap()));
    let mut codes = both.map(|done| done.code);
    codes.sort();
    assert_eq!(codes, [Some(0), Some(1)]);
    assert_eq!(
        environment.read("images-list"),
        format!("{r}/b r.io/b 0\n{r}/b r.io/b 1\n")
    );
}
