//! Problems of a request: exact messages, and the list afterwards.

use serde_json::json;

use crate::environment::{TestEnvironment, registry_with};

const TAGS: [&str; 6] = [
    "minio/minio:1.6.10",
    "minio/minio:1.7",
    "minio/minio:1.6.1",
    "other/app:2.0",
    "other/app:2x0",
    "team/tool:1.9",
];

#[tokio::test(flavor = "multi_thread")]
async fn add_tag_reports_every_problem_and_writes_nothing() {
    let registry = registry_with(&TAGS).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    let list = format!(
        "# head\n{r}/minio/minio r.io/m/minio 1.6.10\n# {r}/minio/minio r.io/m/minio 1.7\n\
         {r}/other/app r.io/a/one 1\n{r}/other/app r.io/a/two 1\n{r}/team/tool r.io/m/minio 1.6.1\n"
    );
    environment.write("images-list", &list);
    let line = format!(
        "add-tag FULL_IMAGES={r}/minio/minio:1.6.10,{r}/minio/minio:1.7,{r}/minio/minio:1.6.1,\
         {r}/other/app:2.0,minio/minio:1.6.1,{r}/team/tool:1.8,{r}/team/tool:1.9"
    );
    let output = environment.mirror(&line).exits(1);
    let want = format!(
        "{r}/minio/minio:1.6.10: images-list:2 already has `{r}/minio/minio r.io/m/minio 1.6.10`; skip existing rows with --skip-existing\n\
         {r}/minio/minio:1.7: images-list:3 has `{r}/minio/minio r.io/m/minio 1.7` commented out; to add it, remove the comment mark there\n\
         {r}/minio/minio:1.6.1: images-list:6 already copies {r}/team/tool to `r.io/m/minio:1.6.1`: choose another destination\n\
         {r}/other/app:2.0: the source has the destinations r.io/a/one and r.io/a/two: choose one with --dest\n\
         minio/minio:1.6.1: images-list has no row with this source (similar: {r}/minio/minio); to add a new image, run `mirror add-tag` with --new --dest DESTINATION; it needs approval (CONTRIBUTING, \"A new image\")\n\
         {r}/team/tool:1.8: the source has no such tag: list the tags with `mirror tags {r}/team/tool`\n\
         nothing was added: 6 problems; use --keep-going to add the images that passed (1 of 7)\n"
    );
    assert_eq!(output.stdout, want);
    assert_eq!(environment.read("images-list"), list, "all or nothing");
    assert_eq!(environment.file_names(), ["images-list"]);
    let methods: Vec<_> = registry
        .requests()
        .iter()
        .map(|request| request.method.to_string())
        .collect();
    assert!(methods.iter().all(|method| method == "HEAD"), "{methods:?}");
    let document = environment
        .mirror(&format!("{line} --output json"))
        .exits(1)
        .json();
    assert_eq!(document["added"], json!([]));
    let problem = json!({
        "source": format!("{r}/team/tool"),
        "tag": "1.8",
        "message": format!("the source has no such tag: list the tags with `mirror tags {r}/team/tool`"),
    });
    assert_eq!(document["problems"][5], problem);
    assert_eq!(document["problems"][4]["source"], "docker.io/minio/minio");
}

#[tokio::test(flavor = "multi_thread")]
async fn keep_going_adds_the_images_without_problems() {
    let registry = registry_with(&TAGS).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    environment.write(
        "images-list",
        format!("{r}/minio/minio r.io/m/minio 1.6.10\n{r}/team/tool r.io/m/tool 1.8\n"),
    );
    let line = format!(
        "add-tag --keep-going FULL_IMAGES={r}/team/tool:1.9,{r}/minio/minio:1.6,{r}/minio/minio:1.6.1"
    );
    let output = environment.mirror(&line).exits(1);
    let want = format!(
        "{r}/minio/minio:1.6: the source has no such tag: list the tags with `mirror tags {r}/minio/minio`\n\
         images-list:1: added `{r}/minio/minio r.io/m/minio 1.6.1`\n\
         images-list:4: added `{r}/team/tool r.io/m/tool 1.9`\n\
         2 rows added, 1 image left out\n\
         next: commit the list, run `mirror check-new` and open a pull request\n"
    );
    assert_eq!(output.stdout, want, "in the order of the list");
    let output = environment
        .mirror(&format!("{line} --skip-existing"))
        .exits(1);
    assert!(
        output.stdout.contains(&format!(
            "skipped: `{r}/team/tool r.io/m/tool 1.9` is already in images-list:4\n"
        )),
        "{}",
        output.stdout
    );
    let line = format!("add-tag --skip-existing IMAGES={r}/team/tool TAGS=1.9,1.8 --output json");
    let document = environment.mirror(&line).exits(0).json();
    assert_eq!(document["skipped"][0]["source"], format!("{r}/team/tool"));
    assert_eq!(
        (&document["added"], &document["problems"]),
        (&json!([]), &json!([]))
    );
    environment.mirror("lint").exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_arguments_and_rows_stop_add_tag_before_any_request() {
    let registry = registry_with(&TAGS).await;
    let r = registry.host();
    let environment = TestEnvironment::new();
    environment.write(
        "images-list",
        format!("{r}/team/tool r.io/m/tool 1.8\nwrong\n"),
    );
    let hint = " hint: use IMAGES=quay.io/coreos/etcd TAGS=v3.4.20,v3.5.1 or FULL_IMAGES=busybox:1.36,alpine:3.20\n";
    let table = [
        ("", format!("error: no image to add was given\n{hint}")),
        ("IMAGES=a", format!("error: IMAGES requires TAGS\n{hint}")),
        ("FULL_IMAGES=a", format!("error: `a`: missing tag, expected NAME:TAG\n{hint}")),
        (
            "--full-images a:1,b:1 --new --dest r.io/x",
            "error: --new accepts images of one source only, but the images for r.io/x have different sources\n hint: run the command once for each source\n".to_owned(),
        ),
        (
            "--full-images a:1",
            "images-list:2: expected 3 fields (SOURCE DESTINATION TAG), found 1: add the missing fields, or start the line with `#` to make it a comment\n\
             error: 1 invalid row in the list; nothing was sent\n hint: correct the rows, then check them with `mirror lint`\n".to_owned(),
        ),
    ];
    for (arguments, want) in table {
        let output = environment.mirror(&format!("add-tag {arguments}")).exits(2);
        assert_eq!(
            (output.stdout.as_str(), output.stderr.as_str()),
            ("", want.as_str()),
            "{arguments}"
        );
    }
    let output = environment
        .mirror("add-tag --new --full-images a:1 --output json")
        .exits(2);
    assert!(
        output.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("--new requires a destination")
    );
    assert_eq!(registry.request_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn destination_comes_from_the_naming_rule_or_dest() {
    let registry = registry_with(&["minio/minio:2", "minio/minio:3"]).await;
    let r = registry.host();
    let environment = TestEnvironment::new()
        .with_env("TAGS", "2")
        .with_env("IMAGES", &format!("{r}/minio/minio"));
    let two =
        format!("{r}/minio/minio r.io/m/minio 1\n{r}/minio/minio r.io/m/mirrored-minio-minio 1\n");
    environment.write("images-list", &two);
    environment.mirror("add-tag").exits(0);
    let row = format!("{r}/minio/minio r.io/m/mirrored-minio-minio 2\n");
    assert_eq!(environment.read("images-list"), format!("{two}{row}"));
    environment
        .mirror("add-tag --dest r.io/m/minio TAGS=3")
        .exits(0);
    let rows = format!(
        "{r}/minio/minio r.io/m/minio 1\n{r}/minio/minio r.io/m/minio 3\n{r}/minio/minio r.io/m/mirrored-minio-minio 1\n{row}"
    );
    assert_eq!(environment.read("images-list"), rows);
    let output = environment
        .mirror("add-tag --dest r.io/m/x TAGS=3")
        .exits(1);
    let want = format!(
        "{r}/minio/minio:3: images-list copies the source to r.io/m/minio and r.io/m/mirrored-minio-minio, not to r.io/m/x: correct --dest, or add another destination with --new\nnothing was added: 1 problem\n"
    );
    assert_eq!(output.stdout, want);
}

#[test]
fn unreachable_registry_is_a_problem() {
    let environment = TestEnvironment::new();
    // No registry listens there.
    environment.write("images-list", "127.0.0.1:1/a/b r.io/b 1\n");
    let output = environment
        .mirror("add-tag IMAGES=127.0.0.1:1/a/b TAGS=2")
        .exits(1);
    assert!(
        output
            .stdout
            .starts_with("127.0.0.1:1/a/b:2: HEAD http://127.0.0.1:1/v2/a/b/manifests/2: "),
        "{}",
        output.stdout
    );
    assert!(
        output.stdout.ends_with(
            "(check the host and the port: no registry listens at 127.0.0.1:1)\nnothing was added: 1 problem\n"
        ),
        "{}",
        output.stdout
    );
    assert_eq!(
        environment.read("images-list"),
        "127.0.0.1:1/a/b r.io/b 1\n"
    );
}
