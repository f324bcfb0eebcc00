//! distribution registries with credentials, tokens and certificates.

use testkit::CANARY;
use testkit::certificates::Authority;
use testkit::processes::{Distribution, Version};
use testkit::tokens::{Anonymous, TokenServer};

use super::branch_with;
use crate::environment::{TestEnvironment, auth_file, registry_with};

/// A row to a repository that may exist and one to a repository that never does.
fn rows(from: &str, to: &str) -> String {
    format!("{from}/a {to}/m/there 1\n{from}/a {to}/m/void 1\n")
}

/// Returns the statuses of those rows.
fn statuses(environment: &TestEnvironment, options: &str) -> [String; 2] {
    let output = environment.mirror(&format!("check-new --output json {options}"));
    let document = output.json();
    [0, 1].map(|row| {
        document["added"][row]["status"]
            .as_str()
            .unwrap()
            .to_owned()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn distribution_shows_repositories_only_to_known_users() {
    for version in [Version::V2, Version::V3] {
        let source = registry_with(&["a:1"]).await;
        let destination = Distribution::new().version(version);
        let destination = destination.htpasswd("robot", CANARY).start().await;
        let (from, to) = (source.host(), destination.host());
        let environment = branch_with("");
        environment.write("auth.json", auth_file(&[(&to, "robot", CANARY)]));
        let copy = format!("copy {from}/a:1 {to}/m/there:0 --authfile auth.json");
        environment.mirror(&copy).exits(0);
        environment.write("images-list", rows(&from, &to));
        let known = ["ok", "destination_missing"];
        assert_eq!(
            statuses(&environment, "--authfile auth.json"),
            known,
            "{version:?}"
        );
        let anonymous = ["unchecked", "unchecked"];
        assert_eq!(statuses(&environment, ""), anonymous, "{version:?}");
        environment.write("auth.json", auth_file(&[(&to, "a", "b")]));
        let refused = ["error", "error"];
        assert_eq!(
            statuses(&environment, "--authfile auth.json"),
            refused,
            "{version:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_anonymous_token_counts_as_missing_credentials() {
    let source = registry_with(&["a:1"]).await;
    let tokens = TokenServer::new().anonymous(Anonymous::Refused);
    let tokens = tokens.start().await;
    let destination = Distribution::new().token(tokens.auth()).start().await;
    let environment = branch_with("");
    environment.write("images-list", rows(&source.host(), &destination.host()));
    let unchecked = ["unchecked", "unchecked"];
    assert_eq!(statuses(&environment, ""), unchecked);
}

#[tokio::test(flavor = "multi_thread")]
async fn untrusted_certificate_is_an_error() {
    let source = registry_with(&["a:1"]).await;
    let authority = Authority::new("test");
    let destination = Distribution::new().tls(authority.server()).start().await;
    let to = destination.host();
    let environment = branch_with("");
    environment.write("images-list", rows(&source.host(), &to));
    let conf = format!("[[registry]]\nlocation = \"{to}\"\ninsecure = false\n");
    environment.write("conf", conf);
    let options = "--registries-conf conf";
    assert_eq!(statuses(&environment, options), ["error", "error"]);
    // With --cert-dir the certificate is trusted, and the source turns out to be missing.
    environment.write("images-list", format!("{to}/m/void {to}/m/void 1\n"));
    std::fs::create_dir(environment.path("certs")).unwrap();
    environment.write("certs/ca.crt", authority.pem());
    let line = format!("check-new {options} --cert-dir certs --output json");
    let document = environment.mirror(&line).exits(1).json();
    assert_eq!(document["added"][0]["status"], "source_missing");
}
