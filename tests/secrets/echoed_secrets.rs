//! Registries that send our own secrets back, and every output that could print them.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use serde_json::json;
use testkit::canary_in;
use testkit::proxy::{Action, FaultProxy, Reply, Rule};

use super::leak_search::Secret;
use crate::environment::{TestEnvironment, auth_file, registry_with};

const USER: &str = "robot";
const PASSWORD: &str = testkit::canary!("ech0&ed+ ");
const TOKEN: &str = testkit::canary!("eyJhbGciOiJub25lIn0.e30.");

/// Returns the responses of a registry that sends `text` back, each with the request that gets it.
fn echoes(text: &str) -> Vec<(&'static str, &'static str, Reply)> {
    let error = json!({"errors": [{"code": text, "message": text}]}).to_string();
    let location = format!("ftp://h/v2/{text}/blobs/{text}?last={text}");
    let realm = format!("Bearer realm=\"ftp://h/{text}\"");
    let link = format!("</v2/x?last={text}>; rel=\"next\"");
    let page = json!({"tags": [format!("-{text}")]}).to_string();
    let status = Action::answer;
    vec![
        ("", "/manifests/", status(400).body(error.clone())),
        ("", "/manifests/", status(403).body(text.to_owned())),
        ("", "/manifests/", status(307).header("location", &location)),
        (
            "",
            "/manifests/",
            status(401).header("www-authenticate", &realm),
        ),
        ("", "/token", status(400).body(error.clone())),
        (
            "POST",
            "/uploads/",
            status(202).header("location", &location),
        ),
        ("POST", "/uploads/", status(403).body(error)),
        (
            "GET",
            "/tags/",
            status(200).header("link", &link).body(page),
        ),
    ]
}

/// Makes a host request a password, or a token from its own token server.
fn challenge(proxy: &FaultProxy, is_bearer: bool) {
    let realm = format!("Bearer realm=\"http://{}/token\"", proxy.host());
    let scheme = if is_bearer {
        &realm
    } else {
        "Basic realm=\"x\""
    };
    let anonymous = Rule::new("", "/v2/").when(|parts| !is_authorized(parts));
    proxy.add(anonymous.does(Action::answer(401).header("www-authenticate", scheme)));
    let token = json!({ "token": TOKEN }).to_string();
    proxy.add(Rule::new("", "/token").does(Action::answer(200).body(token)));
}

fn is_authorized(parts: &http::request::Parts) -> bool {
    parts.headers.contains_key("authorization")
}

/// Returns the forms of a secret in one line.
fn forms(secret: &str) -> String {
    let pair = format!("{USER}:{secret}");
    let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    [
        secret.to_owned(),
        percent,
        BASE64_STANDARD.encode(secret),
        format!("Basic {}", BASE64_STANDARD.encode(&pair)),
        BASE64_URL_SAFE.encode(&pair),
    ]
    .join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_a_registry_sends_back_appear_in_no_output() {
    let registry = registry_with(&["app:v1"]).await;
    let proxy = FaultProxy::start(registry.address()).await;
    let host = proxy.host();
    let secrets = [Secret::password(USER, PASSWORD), Secret::token(TOKEN)];
    for (is_bearer, secret) in [(false, PASSWORD), (true, TOKEN), (true, PASSWORD)] {
        for (number, (method, part, reply)) in echoes(&forms(secret)).into_iter().enumerate() {
            // A token server gets the password and sends the token.
            if part == "/token" && (!is_bearer || secret == TOKEN) {
                continue;
            }
            proxy.clear_rules();
            proxy.clear_requests();
            let rule = Rule::new(method, part).when(is_authorized);
            proxy.add(rule.does(reply.clone()));
            challenge(&proxy, is_bearer);
            let destination = format!("{}-{number}", secret.len());
            let environment = TestEnvironment::new().with_github_actions();
            environment.write(
                "images-list",
                format!("{host}/app {host}/{destination}/app v1\n"),
            );
            environment.write("auth.json", auth_file(&[(&host, USER, PASSWORD)]));
            let mut commands = vec!["sync --max-wait 1s --report report.json".to_owned()];
            if part == "/manifests/" {
                commands.push("sync --max-wait 1s --output json --log-format json".to_owned());
                commands.push("compare".to_owned());
                commands.push(format!("inspect {host}/app:v1"));
            }
            if part == "/tags/" {
                commands.push(format!("tags {host}/app"));
            }
            for command in commands {
                let before = environment.file_names();
                let output = environment.mirror(&format!("{command} -vv --authfile auth.json"));
                assert_ne!(
                    proxy.count("", part),
                    0,
                    "{command} {method} {part} {is_bearer}: {output:?}"
                );
                let files = environment.file_names().into_iter();
                let new = files.filter(|name| !before.contains(name));
                let files = new.map(|name| environment.read(&name));
                for text in files.chain([output.stdout, output.stderr]) {
                    assert_eq!(canary_in(&text), None, "{command} {method} {part}: {text}");
                    for secret in &secrets {
                        secret.assert_absent(&command, &text);
                    }
                }
            }
        }
    }
}
