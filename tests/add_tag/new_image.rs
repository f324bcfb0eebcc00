//! `--new`: images that the list lacks.

use crate::environment::{TestEnvironment, registry_with};

#[tokio::test(flavor = "multi_thread")]
async fn new_image_needs_an_existing_destination_repository() {
    let registry = registry_with(&["a/new:1", "a/new:2", "mirror/there:0"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    let list = format!("{r}/a/old {r}/mirror/old 1\n");
    environment.write("images-list", &list);
    let line = format!("add-tag --new --full-images {r}/a/new:1,{r}/a/new:2");
    let output = environment
        .mirror(&format!("{line} --dest {r}/mirror/gone"))
        .exits(1);
    let advice = format!(
        "the destination repository {r}/mirror/gone does not exist, or is hidden from anonymous requests: ask the operators of {r} to create it and to let the mirror's account push to it (CONTRIBUTING, \"A new image\"); if the registry creates repositories on push, push one image with `mirror copy`\n"
    );
    let want = format!("{r}/a/new:1: {advice}{r}/a/new:2: {advice}nothing was added: 2 problems\n");
    assert_eq!(output.stdout, want);
    assert_eq!(environment.read("images-list"), list);
    let output = environment
        .mirror(&format!("{line} --dest {r}/mirror/there"))
        .exits(0);
    let want = format!(
        "images-list:1: added `{r}/a/new {r}/mirror/there 1`\nimages-list:2: added `{r}/a/new {r}/mirror/there 2`\n2 rows added\n\
         next: commit the list and open a pull request; new images need approval (see CONTRIBUTING, \"A new image\")\n"
    );
    assert_eq!(output.stdout, want);
    let output = environment
        .mirror(&format!("{line} --dest {r}/mirror/there"))
        .exits(1);
    let want =
        format!("images-list:1 already copies the source to {r}/mirror/there: run without --new\n");
    assert!(output.stdout.contains(&want), "{}", output.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_image_skips_the_check_of_a_destination_in_the_list() {
    let registry = registry_with(&["a/new:1"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    // No registry listens there.
    environment.write(
        "images-list",
        format!("{r}/a/old 127.0.0.1:1/mirror/old 2\n"),
    );
    let line = format!("add-tag --new --full-images {r}/a/new:1 --dest 127.0.0.1:1/mirror/old");
    environment.mirror(&line).exits(0);
    assert_eq!(environment.read("images-list").lines().count(), 2);
}
