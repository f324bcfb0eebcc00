//! Findings with their exact messages, and branches without any.
//!
//! Takes up to 10 s: one row names a port without a registry, which is retried for 9 s.

use embedded_registry::RunningRegistry;
use serde_json::{Value, json};
use testkit::proxy::{Action, FaultProxy, Rule};

use super::branch_with;
use crate::environment::{TestEnvironment, auth_file, registry_with};

/// A branch with one finding of each kind.
fn branch_with_all_findings(r: &str) -> TestEnvironment {
    let environment = branch_with(&format!(
        "{r}/a {r}/m/old 1\n{r}/b {r}/m/b 1\n{r}/b {r}/m/b 2\n"
    ));
    environment.write(
        "images-list",
        format!(
            "# new head\n{r}/a {r}/m/old 1.6.1\n{r}/a {r}/m/old 1.6.10\n{r}/a {r}/m/gone 2\n\
             {r}/b   {r}/m/b 1\nwrong\n127.0.0.1:1/x {r}/m/old 3\n{r}/b {r}/m/old 2\n"
        ),
    );
    environment
}

#[tokio::test(flavor = "multi_thread")]
async fn check_new_reports_all_findings_in_one_run() {
    let registry = registry_with(&["a:1.6.10", "a:2", "b:1", "m/old:1"]).await;
    let r = registry.host();
    let environment = branch_with_all_findings(&r);
    let output = environment.mirror_without_vv("check-new").exits(1);
    let head = environment.stdout_of("git", &["rev-parse", "HEAD"]);
    let connection = output
        .stdout
        .lines()
        .find(|line| line.starts_with("images-list:7: cannot"));
    let connection = connection.unwrap();
    let want = [
        format!("images-list:4: out of order: `{r}/a {r}/m/gone 2` belongs before line 2, `{r}/a {r}/m/old 1.6.1`; move it there"),
        "images-list:6: expected 3 fields (SOURCE DESTINATION TAG), found 1: add the missing fields, or start the line with `#` to make it a comment".to_owned(),
        format!("images-list:7: out of order: `127.0.0.1:1/x {r}/m/old 3` belongs before line 2, `{r}/a {r}/m/old 1.6.1`; move it there"),
        format!("images-list:8: out of order: `{r}/b {r}/m/old 2` belongs before line 5, `{r}/b   {r}/m/b 1`; move it there"),
        format!("images-list:2: {r}/a:1.6.1 does not exist; list the tags with `mirror tags {r}/a`"),
        format!("images-list:4: the destination repository {r}/m/gone does not exist, or is hidden from anonymous requests: ask the operators of {r} to create it and to let the mirror's account push to it (CONTRIBUTING, \"A new image\"); if the registry creates repositories on push, push one image with `mirror copy`"),
        connection.to_owned(),
        format!("images-list:8: {r}/b:2 does not exist; list the tags with `mirror tags {r}/b`"),
        format!("images-list:1: `{r}/a {r}/m/old 1` (line 1 at the base) was removed, but its image may be in use; restore the row, or run with --allow-removals"),
        format!("images-list:3: `{r}/b {r}/m/b 2` (line 3 at the base) was changed to `{r}/b {r}/m/old 2`, but its image may be in use; restore the row, or run with --allow-removals"),
        format!("5 new rows, 1 ok, 2 missing at the source, 1 without a destination repository, 1 not checked because of errors, 2 rows removed, 4 other problems since {}", &head[..12]),
    ];
    assert_eq!(output.stdout.lines().collect::<Vec<_>>(), want);
    let start = "images-list:7: cannot check whether 127.0.0.1:1/x:3 exists: HEAD http://127.0.0.1:1/v2/x/manifests/3: ";
    assert!(connection.starts_with(start), "{connection}");
    let end = " (check the host and the port: no registry listens at 127.0.0.1:1)";
    assert!(connection.ends_with(end), "{connection}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_new_json_has_the_status_of_every_row() {
    let registry = registry_with(&["a:1.6.10", "a:2", "b:1", "m/old:1"]).await;
    let r = registry.host();
    let environment = branch_with_all_findings(&r);
    let document = environment
        .mirror("check-new --output json")
        .exits(1)
        .json();
    let column = |list: &str, key: &str| -> Vec<Value> {
        let items = document[list].as_array().unwrap().iter();
        items.map(|item| item[key].clone()).collect()
    };
    let statuses = [
        "source_missing",
        "ok",
        "destination_missing",
        "error",
        "source_missing",
    ];
    assert_eq!(column("added", "status"), statuses);
    assert_eq!(column("problems", "line"), [4, 6, 7, 8]);
    let removed = json!({
        "source": format!("{r}/a"),
        "destination": format!("{r}/m/old"),
        "tag": "1",
        "file": "images-list",
        "line": 1,
    });
    assert_eq!(document["removed"][0], removed);
    let head = environment.stdout_of("git", &["rev-parse", "HEAD"]);
    assert_eq!(document["base"], head.trim());
}

#[tokio::test(flavor = "multi_thread")]
async fn check_new_compares_rows_instead_of_text() {
    let registry = registry_with(&["a:1", "a:2"]).await;
    let r = registry.host();
    let environment = branch_with(&format!("{r}/a r.io/a 1\n{r}/gone r.io/gone 1\n"));
    registry.clear_requests();
    environment.write(
        "images-list",
        format!("# Comments, blanks and line endings.\r\n{r}/a\tr.io/a 1\r\n{r}/gone r.io/gone 1"),
    );
    let output = environment.mirror("check-new").exits(0);
    assert!(
        output.stdout.starts_with("0 new rows since "),
        "{}",
        output.stdout
    );
    assert_eq!(registry.request_count(), 0, "old rows need no request");
    // Uncommitted and committed rows both count. A destination in the old list needs no request.
    environment.write("images-list", format!("{r}/a r.io/a 1\n{r}/a r.io/a 2\n"));
    environment.run("git", &["commit", "-qam", "topic"]);
    let output = environment.mirror("check-new --allow-removals -v").exits(0);
    assert!(
        output.stdout.starts_with(&format!(
            "images-list:2: ok: {r}/a r.io/a 2\n1 new row, 1 ok, 1 row removed since "
        )),
        "{}",
        output.stdout
    );
    let requests = registry.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert_eq!(requests[0].method, "HEAD");
}

/// A registry whose repository `private` needs credentials, and a branch with a row from it and
/// one to it.
async fn private_branch() -> (TestEnvironment, FaultProxy, RunningRegistry) {
    let registry = registry_with(&["z:1"]).await;
    let proxy = FaultProxy::start(registry.address()).await;
    let refused = Action::answer(401).header("www-authenticate", "Basic realm=\"private\"");
    proxy.add(Rule::new("", "/v2/private").does(refused));
    let p = proxy.host();
    let environment = branch_with(&format!("{p}/z r.io/z 1\n"));
    let rows = format!("{p}/private r.io/z 2\n{p}/z {p}/private 1\n{p}/z r.io/z 1\n");
    environment.write("images-list", rows);
    (environment, proxy, registry)
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_credentials_are_a_warning() {
    let (environment, proxy, _registry) = private_branch().await;
    let p = proxy.host();
    let environment = environment.with_github_actions();
    let output = environment.mirror("check-new").exits(0);
    let advice = format!("(no credentials were sent: log in with `mirror login {p}`)");
    let source = format!(
        "cannot check whether {p}/private:2 exists: HEAD http://{p}/v2/private/manifests/2: 401 Unauthorized {advice}"
    );
    let destination = format!(
        "cannot check whether the repository {p}/private exists: GET http://{p}/v2/private/tags/list?n=1000: 401 Unauthorized: UNAUTHORIZED (injected fault) {advice}"
    );
    let lines: Vec<_> = output.stdout.lines().collect();
    let want = [
        format!("images-list:1: warning: {source}"),
        format!("images-list:2: warning: {destination}"),
    ];
    assert_eq!(lines[..2], want);
    assert!(
        lines[2].starts_with("2 new rows, 2 not checked for lack of credentials since "),
        "{lines:?}"
    );
    let annotations = format!(
        "::warning file=images-list,line=1::{source}\n::warning file=images-list,line=2::{destination}\n"
    );
    assert_eq!(output.stderr, annotations);
    let row = format!("| warning | images-list:1 | {source} |\n");
    assert!(
        environment.read("summary.md").contains(&row),
        "{}",
        environment.read("summary.md")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_credentials_fail_only_with_strict_and_refused_ones_always() {
    let (environment, proxy, _registry) = private_branch().await;
    let status = |options: &str, code: i32| {
        let line = format!("check-new --output json {options}");
        let document = environment.mirror(&line).exits(code).json();
        document["added"][0]["status"].clone()
    };
    assert_eq!(status("", 0), "unchecked");
    // Every failure is refused credentials.
    assert_eq!(status("--strict", 4), "unchecked");
    environment.write("auth.json", auth_file(&[(&proxy.host(), "a", "b")]));
    assert_eq!(status("--authfile auth.json", 4), "error");
}

#[test]
fn check_new_reports_problems_of_the_old_list() {
    let environment = branch_with("b r.io/b 1\na r.io/b 1\n");
    let output = environment.mirror("check-new").exits(1);
    assert!(
        output
            .stdout
            .contains("images-list:2: `r.io/b:1` has two sources, `a` here and `b` on line 1: "),
        "{}",
        output.stdout
    );
    assert!(
        output
            .stdout
            .contains("0 new rows, 2 other problems since "),
        "{}",
        output.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn check_new_warns_about_rows_that_only_commits_of_the_branch_have() {
    let registry = registry_with(&["a:1", "m/a:1"]).await;
    let r = registry.host();
    let list = format!("{r}/a {r}/m/a 1\n");
    let environment = branch_with(&list);
    environment.mirror("lock").exits(0);
    environment.git(&["add", "images-list.lock"]);
    environment.git(&["commit", "-qm", "lock"]);
    let lock = environment.read("images-list.lock");
    // A row, and a line of the lock without a row.
    environment.write("images-list", format!("{list}{r}/a {r}/m/a 1=planted\n"));
    let line = lock
        .lines()
        .last()
        .unwrap()
        .replacen(" 1 ", " 1=locked ", 1);
    environment.write("images-list.lock", format!("{lock}{line}\n"));
    environment.git(&["commit", "-qam", "add"]);
    environment.write("images-list", &list);
    environment.write("images-list.lock", &lock);
    environment.git(&["commit", "-qam", "remove"]);
    let output = environment.mirror("check-new").exits(0);
    for place in ["images-list:1: warning", "images-list.lock:1: warning"] {
        assert!(output.stdout.contains(place), "{}", output.stdout);
    }
    for tag in ["1=planted", "1=locked"] {
        let row = format!("`{r}/a {r}/m/a {tag}` is only in commit");
        assert!(output.stdout.contains(&row), "{}", output.stdout);
    }
    let document = environment
        .mirror("check-new --strict --output json")
        .exits(1)
        .json();
    assert_eq!(document["passing"].as_array().unwrap().len(), 2);
}
