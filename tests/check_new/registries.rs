//! Registries that other people wrote, with their credentials and certificates.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use testkit::CANARY;
use testkit::certificates::Authority;
use testkit::processes::{Distribution, Version};
use testkit::tokens::{Anonymous, TokenServer};

use super::branch_with;
use crate::add_tag::registry_with;
use crate::environment::TestEnvironment;

/// To a repository that may be there and to one that never is.
fn rows(from: &str, to: &str) -> String {
    format!("{from}/a {to}/m/there 1\n{from}/a {to}/m/void 1\n")
}

/// The statuses of those rows.
fn statuses(environment: &TestEnvironment, options: &str) -> [String; 2] {
    let done = environment.mirror(&format!("check-new --output json {options}"));
    let document = done.json();
    [0, 1].map(|row| {
        document["added"][row]["status"]
            .as_str()
            .unwrap()
            .to_owned()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn distribution_tells_whether_a_repository_exists_to_whom_it_knows() {
    for version in [Version::V2, Version::V3] {
        let source = registry_with(&["a:1"]).await;
        let target = Distribution::new().version(version);
        let target = target.htpasswd("somebody", CANARY).start().await;
        let (from, to) = (source.host(), target.host());
        let environment = branch_with("");
        let pair = BASE64_STANDARD.encode(format!("somebody:{CANARY}"));
        let auth = format!(r#"{{"auths":{{"{to}":{{"auth":"{pair}"}}}}}}"#);
        environment.write("auth.json", auth);
        let copy = format!("copy {from}/a:1 {to}/m/there:0 --authfile auth.json");
        environment.mirror(&copy).exits(0);
        environment.write("images-list", rows(&from, &to));
        let known = ["ok", "destination_missing"];
        assert_eq!(
            statuses(&environment, "--authfile auth.json"),
            known,
            "{version:?}"
        );
        let stranger = ["unchecked", "unchecked"];
        assert_eq!(statuses(&environment, ""), stranger, "{version:?}");
        environment.write(
            "auth.json",
            format!(r#"{{"auths":{{"{to}":{{"auth":"YTpi"}}}}}}"#),
        );
        let refused = ["error", "error"];
        assert_eq!(
            statuses(&environment, "--authfile auth.json"),
            refused,
            "{version:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_a_lack_of_credentials() {
    let source = registry_with(&["a:1"]).await;
    let tokens = TokenServer::new().anonymous(Anonymous::Refused);
    let tokens = tokens.start().await;
    let target = Distribution::new().token(tokens.auth()).start().await;
    let environment = branch_with("");
    environment.write("images-list", rows(&source.host(), &target.host()));
    let unchecked = ["unchecked", "unchecked"];
    assert_eq!(statuses(&environment, ""), unchecked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_trusts_is_an_error() {
    let source = registry_with(&["a:1"]).await;
    let authority = Authority::new("test");
    let target = Distribution::new().tls(authority.server()).start().await;
    let to = target.host();
    let environment = branch_with("");
    environment.write("images-list", rows(&source.host(), &to));
    let conf = format!("[[registry]]\nlocation = \"{to}\"\ninsecure = false\n");
    environment.write("conf", conf);
    let options = "--registries-conf conf";
    assert_eq!(statuses(&environment, options), ["error", "error"]);
    // Trusted, by the folder for every host: both are asked for, and neither was ever pushed.
    environment.write("images-list", format!("{to}/m/void {to}/m/void 1\n"));
    std::fs::create_dir(environment.path("certs")).unwrap();
    environment.write("certs/ca.crt", authority.pem());
    let line = format!("check-new {options} --cert-dir certs --output json");
    let document = environment.mirror(&line).exits(1).json();
    assert_eq!(document["added"][0]["status"], "source_missing");
}
