//! `--check` and `--add`.

use crate::environment::{TestEnvironment, push_other_image, registry_with, small_image};

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

#[tokio::test(flavor = "multi_thread")]
async fn digests_beside_tags_become_pins() {
    let registry = registry_with(&["b/new:1", "m/b-new:0"]).await;
    push_other_image(&registry, "b/new", "2");
    small_image(3).push(&registry, "b/listed", Some("1"));
    let r = registry.host();
    let environment = TestEnvironment::new();
    let digest = |image: &str| {
        let output = environment.mirror(&format!("digest {r}/{image}")).exits(0);
        output.stdout.trim().to_owned()
    };
    let (one, two, listed) = (digest("b/new:1"), digest("b/new:2"), digest("b/listed:1"));
    let list = format!("{r}/b/listed {r}/m/b-listed 1@{listed}\n");
    environment.write("images-list", &list);
    let check = |needed: &str, exit: i32| {
        environment.write("needed.txt", needed);
        environment
            .mirror("images needed.txt --check --names")
            .exits(exit)
            .stdout
    };
    // By its digest, by both, and by the tag alone: the row has them all.
    let covered = format!("{r}/b/listed:1\n{r}/b/listed:1@{listed}\n{r}/b/listed@{listed}\n");
    assert_eq!(check(&covered, 0), "");
    // Another digest than the pin of the row; of two digests of a tag, the second is by digest.
    let lacking = format!("{r}/b/listed:1@{one}\n{r}/b/new:1@{one}\n{r}/b/new:1@{two}\n");
    let missing = format!("{r}/b/listed:1@{one}\n{r}/b/new:1@{one}\n{r}/b/new@{two}\n");
    assert_eq!(check(&lacking, 1), missing);
    environment.write(
        "needed.txt",
        format!("{r}/b/new:1@{one}\n{r}/b/new:1@{two}\n"),
    );
    let line = format!("images needed.txt --add --dest {r}/m/{{org}}-{{name}}");
    environment.mirror(&line).exits(0);
    let rows = format!("{list}{r}/b/new {r}/m/b-new 1@{one}\n{r}/b/new {r}/m/b-new {two}\n");
    assert_eq!(environment.read("images-list"), rows);
    environment.mirror("images needed.txt --check").exits(0);
    // A row with the tag and another digest stays; the digest gets a row of its own.
    environment.write("images-list", format!("{r}/b/new {r}/m/b-new 1@{one}\n"));
    environment.write("needed.txt", format!("{r}/b/new:1@{two}\n"));
    environment.mirror(&line).exits(0);
    let rows = format!("{r}/b/new {r}/m/b-new 1@{one}\n{r}/b/new {r}/m/b-new {two}\n");
    assert_eq!(environment.read("images-list"), rows);
    // A digest that the source lacks is not added.
    let unknown = format!("sha256:{:064x}", 7);
    environment.write("needed.txt", format!("{r}/b/new:2@{unknown}\n"));
    environment.mirror(&line).exits(1);
    assert_eq!(environment.read("images-list"), rows);
}
