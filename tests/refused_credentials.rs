//! The exit code of every command whose only failures are refused credentials.

use serde_json::json;
use testkit::processes::{Distribution, Version};

use crate::environment::{TestEnvironment, auth_file, registry_with};

/// The command lines. `P` is a registry that refuses everything, `R` one that permits everything.
const LINES: [&str; 22] = [
    "sync",
    "sync --dry-run",
    "copy P/a:v1 R/x:v1",
    "copy R/a:v1 P/x:v1",
    "compare",
    "lock",
    "add-tag --full-images P/a:v2",
    "tags P/a",
    "inspect P/a:v1",
    "inspect --raw P/a:v1",
    "digest P/a:v1",
    "diff P/a:v1 P/b:v1",
    "diff R/a:v1 P/b:v1",
    "verify P/a:v1",
    "images P/a:v1",
    "images P/a:v1 needed.txt",
    "images needed.txt --add --dest R/m/{name}",
    "usage --registry cluster.json",
    "inventory",
    "export out.tar",
    "import bundle.tar",
    "prune --no-history --foreign",
];

#[tokio::test(flavor = "multi_thread")]
async fn only_refused_credentials_are_exit_code_4_in_every_command() {
    let private = Distribution::new()
        .version(Version::V3)
        .htpasswd("reader", testkit::canary!("re@d:"));
    let private = private.start().await;
    let open = registry_with(&["a:v1", "m/a:v0"]).await;
    let (p, r) = (private.host(), open.host());
    let environment = TestEnvironment::new();
    environment.write("bundle-list", format!("{r}/a {p}/m/a v1\n"));
    let export = "--images-list bundle-list export bundle.tar";
    environment.mirror(export).exits(0);
    environment.write("images-list", format!("{p}/a {p}/m/a v1\n"));
    environment.write("needed.txt", format!("{p}/a:v1\n{p}/a:v2\n"));
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "b"},
        "spec": {"containers": [{"image": format!("{p}/m/a:v1")}]},
    });
    environment.write("cluster.json", pod.to_string());
    let wrong = auth_file(&[(&p, "reader", testkit::canary!("wr@ng:"))]);
    let mut others = Vec::new();
    for auth in [&*wrong, "{}"] {
        environment.write("auth.json", auth);
        for line in LINES {
            let words = line.split(' ').map(|word| match word.split_once('/') {
                Some(("P", path)) => format!("{p}/{path}"),
                Some(("R", path)) => format!("{r}/{path}"),
                _ => word.to_owned(),
            });
            let words: Vec<_> = words.collect();
            let output = environment.mirror(&format!("{} --authfile auth.json", words.join(" ")));
            if output.code != Some(4) {
                others.push((line, auth, output));
            }
        }
    }
    assert!(others.is_empty(), "{others:#?}");
}
