//! The fake GitHub responds as GitHub does.
#![expect(clippy::unwrap_used, reason = "functions of the tests fail like tests")]

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};
use testkit::fetch;
use testkit::github::{FakeGithub, Fault, Release, RunningGithub};

async fn get(github: &RunningGithub, path: &str) -> Response<Bytes> {
    let url = format!("{}{path}", github.url());
    fetch(Request::get(url).body("").unwrap()).await
}

async fn send(github: &RunningGithub, method: &str, path: &str, body: Value) -> Response<Bytes> {
    let url = format!("{}{path}", github.url());
    let request = Request::builder().method(method).uri(url);
    let request = request.header("authorization", "Bearer secret");
    fetch(request.body(body.to_string()).unwrap()).await
}

fn document(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

#[tokio::test]
async fn lists_are_paginated_with_link_headers() {
    let github = FakeGithub::new().start().await;
    for number in 0..5 {
        github.release("a/b", Release::new(&format!("v{number}")));
    }
    let mut path = "/repos/a/b/releases?per_page=2".to_owned();
    let mut tags = Vec::new();
    loop {
        let response = get(&github, &path).await;
        let releases = document(&response);
        let releases = releases.as_array().unwrap();
        tags.extend(releases.iter().map(|release| release["tag_name"].clone()));
        let link = response.headers().get("link").unwrap().to_str().unwrap();
        let Some(next) = link.split(", ").find(|link| link.ends_with("rel=\"next\"")) else {
            break;
        };
        let url = next.split(['<', '>']).nth(1).unwrap();
        url.strip_prefix(&github.url())
            .unwrap()
            .clone_into(&mut path);
    }
    assert_eq!(tags, ["v4", "v3", "v2", "v1", "v0"]);
}

#[tokio::test]
async fn rate_limit_refuses_requests_until_reset() {
    let github = FakeGithub::new().start().await;
    github.release("a/b", Release::new("v1"));
    github.limit(60, 1, Duration::from_secs(3600));
    assert_eq!(get(&github, "/repos/a/b/releases").await.status(), 200);
    let refused = get(&github, "/repos/a/b/releases").await;
    assert_eq!(refused.status(), 403);
    assert_eq!(refused.headers()["x-ratelimit-remaining"], "0");
    github.limit(60, 0, Duration::ZERO);
    assert_eq!(get(&github, "/repos/a/b/releases").await.status(), 200);
    github.fault(Fault::secondary_limit(Some(7)).of("/latest"));
    assert_eq!(get(&github, "/repos/a/b/releases").await.status(), 200);
    let refused = get(&github, "/repos/a/b/releases/latest").await;
    assert_eq!(refused.headers()["retry-after"], "7");
}

#[tokio::test]
async fn branch_has_the_files_of_its_blob_tree_and_commit() {
    let github = FakeGithub::new().token("secret").start().await;
    github.commit("a/b", "main", &[("kept", "1"), ("list", "old")]);
    let main = document(&get(&github, "/repos/a/b/git/ref/heads/main").await);
    let parent = main["object"]["sha"].as_str().unwrap();
    let commit = document(&get(&github, &format!("/repos/a/b/git/commits/{parent}")).await);
    let post = async |path: &str, body| send(&github, "POST", path, body).await;

    let blob = post("/repos/a/b/git/blobs", json!({"content": "new"})).await;
    let file = json!({"path": "list", "mode": "100644", "type": "blob",
        "sha": document(&blob)["sha"]});
    let tree = json!({"base_tree": commit["tree"]["sha"], "tree": [file]});
    let tree = document(&post("/repos/a/b/git/trees", tree).await)["sha"].clone();
    let commit = json!({"message": "m", "tree": tree, "parents": [parent]});
    let commit = document(&post("/repos/a/b/git/commits", commit).await)["sha"].clone();
    let branch = json!({"ref": "refs/heads/new", "sha": commit});
    assert_eq!(
        post("/repos/a/b/git/refs", branch.clone()).await.status(),
        201
    );
    assert_eq!(
        post("/repos/a/b/git/refs", branch).await.status(),
        422,
        "it is there"
    );

    let files = github.files("a/b", "new");
    assert_eq!((&files["kept"][..], &files["list"][..]), ("1", "new"));
    assert_eq!(github.files("a/b", "main")["list"], "old");
    let back = json!({"sha": parent});
    let refs = "/repos/a/b/git/refs/heads/new";
    assert_eq!(
        send(&github, "PATCH", refs, back).await.status(),
        422,
        "not forward"
    );
    let back = json!({"sha": parent, "force": true});
    assert_eq!(send(&github, "PATCH", refs, back).await.status(), 200);
    assert_eq!(github.files("a/b", "new")["list"], "old");
}

#[tokio::test]
async fn anonymous_clients_cannot_read_private_repositories_or_write() {
    let github = FakeGithub::new().token("secret").start().await;
    github.commit("a/open", "main", &[]);
    github.private("a/closed");
    assert_eq!(get(&github, "/repos/a/open").await.status(), 200);
    assert_eq!(get(&github, "/repos/a/closed").await.status(), 404);
    let url = format!("{}/repos/a/open/labels", github.url());
    let refused = fetch(Request::post(url).body("{}").unwrap()).await;
    assert_eq!(refused.status(), 401);
    let url = format!("{}/repos/a/open", github.url());
    let wrong = Request::get(url).header("authorization", "Bearer wrong");
    assert_eq!(fetch(wrong.body("").unwrap()).await.status(), 401);
}
