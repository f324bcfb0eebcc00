//! Credential helpers with credentials that expire.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use testkit::processes::Distribution;
use testkit::proxy::FaultProxy;
use testkit::tokens::TokenServer;

use crate::setup::{Setup, pull, tag};

/// Creates a helper whose first credential has expired; later ones are valid.
fn setup(host: &str, first: &str, later: &str) -> Setup {
    let mut setup = Setup::new().auth(["credHelpers", host], json!("aging"));
    let (program, runs) = (
        setup.directory().join("docker-credential-aging"),
        setup.directory().join("runs"),
    );
    let script = format!(
        "#!/bin/sh\necho run >> {runs}\nif [ $(wc -l < {runs}) = 1 ]; then s={first}; else s={later}; fi\necho \"{{\\\"Username\\\":\\\"us\\\",\\\"Secret\\\":\\\"$s\\\"}}\"\n",
        runs = runs.display()
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o700)).unwrap();
    setup.helpers = setup.directory().into();
    setup
}

fn runs(setup: &Setup) -> usize {
    let runs = std::fs::read_to_string(setup.directory().join("runs"));
    runs.unwrap_or_default().lines().count()
}

#[tokio::test]
async fn expired_basic_credential_is_renewed_once() {
    let registry = Distribution::new().htpasswd("us", "new").start().await;
    let proxy = FaultProxy::start(registry.address()).await;
    let setup = setup(&proxy.host(), "old", "new");
    let client = setup.client();
    let repository = pull(&client, &proxy.host(), "a");
    assert!(repository.head_manifest(tag("1")).await.unwrap().is_none());
    assert!(repository.head_manifest(tag("2")).await.unwrap().is_none());
    assert_eq!(runs(&setup), 2);
    assert_eq!(proxy.requests().len(), 4, "none, old, new; new");
}

#[tokio::test]
async fn unchanged_helper_credential_is_not_retried() {
    let registry = Distribution::new().htpasswd("us", "new").start().await;
    let setup = setup(&registry.host(), "old", "old");
    let refused = pull(&setup.client(), &registry.host(), "a")
        .head_manifest(tag("1"))
        .await;
    assert!(refused.unwrap_err().is_refused());
    assert_eq!(runs(&setup), 2);
}

#[tokio::test]
async fn credential_refused_by_the_token_server_is_renewed_once() {
    let tokens = TokenServer::new().user("us", "new").start().await;
    let registry = Distribution::new().token(tokens.auth()).start().await;
    let setup = setup(&registry.host(), "old", "new");
    let repository = pull(&setup.client(), &registry.host(), "a");
    assert!(repository.head_manifest(tag("1")).await.unwrap().is_none());
    let statuses: Vec<u16> = tokens
        .requests()
        .iter()
        .map(|r| r.status.as_u16())
        .collect();
    assert_eq!(statuses, [401, 200]);
    assert_eq!(runs(&setup), 2);
}
