//! `--check` and `--add`.

use crate::environment::{TestEnvironment, registry_with};

#[tokio::test(flavor = "multi_thread")]
async fn check_names_what_the_list_lacks() {
    let environment = TestEnvironment::new();
    environment.write(
        "images-list",
        "busybox r.io/m/busybox 1.36\nquay.io/a/b r.io/m/a-b v1=v1,stable\n",
    );
    environment.write(
        "needed.txt",
        "docker.io/library/busybox:1.36\nr.io/m/a-b:stable\n",
    );
    let covered = environment.mirror("images needed.txt --check").exits(0);
    assert_eq!(
        covered.stdout,
        "listed   library/busybox:1.36  images-list:1\nlisted   r.io/m/a-b:stable  images-list:2\n"
    );
    environment.write("needed.txt", "busybox:1.36\nquay.io/a/b:v2\n");
    let lacking = environment.mirror("images needed.txt --check").exits(1);
    assert!(
        lacking
            .stdout
            .contains("missing  quay.io/a/b:v2  needed.txt:2: line 2\n"),
        "{}",
        lacking.stdout
    );
    let names = environment
        .mirror("images needed.txt --check --names")
        .exits(1);
    assert_eq!(names.stdout, "quay.io/a/b:v2\n");
    let json = environment
        .mirror("images needed.txt --check --output json")
        .exits(1)
        .json();
    assert_eq!(
        (&json["missing"], &json["images"][0]["listed"]),
        (&1.into(), &"images-list:1".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn add_writes_rows_with_the_destinations_of_the_list_and_the_template() {
    let registry = registry_with(&["a/old:1", "a/old:2", "b/new:1", "m/b-new:0"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    let list = format!("{r}/a/old {r}/m/somewhere 1\n");
    environment.write("images-list", &list);
    environment.write(
        "needed.txt",
        format!("{r}/a/old:1\n{r}/a/old:2\n{r}/b/new:1\n"),
    );
    let line = "images needed.txt --add";
    environment.mirror(line).exits(2);
    environment
        .mirror(&format!("{line} --dest {r}/m/one"))
        .exits(2);
    assert_eq!(environment.read("images-list"), list);
    let line = format!("{line} --dest {r}/m/{{org}}-{{name}}");
    let planned = environment.mirror(&format!("{line} --dry-run")).exits(0);
    assert!(
        planned.stderr.contains("2 rows would be added"),
        "{}",
        planned.stderr
    );
    assert_eq!(environment.read("images-list"), list);
    environment.mirror(&line).exits(0);
    let expected = format!("{list}{r}/a/old {r}/m/somewhere 2\n{r}/b/new {r}/m/b-new 1\n");
    assert_eq!(environment.read("images-list"), expected);
    let again = environment.mirror(&line).exits(0);
    assert!(
        again.stderr.contains("the list has all of them"),
        "{}",
        again.stderr
    );
    assert_eq!(environment.read("images-list"), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn add_writes_nothing_if_an_image_does_not_pass() {
    let registry = registry_with(&["b/new:1", "m/b-new:0", "m/b-gone:0"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    environment.write("images-list", format!("{r}/b/x {r}/m/b-x 1\n"));
    environment.write("needed.txt", format!("{r}/b/gone:1\n{r}/b/new:1\n"));
    let line = format!("images needed.txt --add --dest {r}/m/{{org}}-{{name}}");
    let refused = environment.mirror(&line).exits(1);
    assert!(
        refused.stderr.contains("the source has no such tag"),
        "{}",
        refused.stderr
    );
    assert_eq!(environment.read("images-list").lines().count(), 1);
    environment.mirror(&format!("{line} --keep-going")).exits(1);
    assert_eq!(environment.read("images-list").lines().count(), 2);
}
