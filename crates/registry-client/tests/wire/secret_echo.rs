//! Peers that send our own secrets back: each secret, in each encoding, in each place.

use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use registry_client::{BlobReader, Error};
use serde_json::json;
use testkit::canary_in;
use testkit::proxy::{Action, FaultProxy, Rule};

use crate::setup::{Setup, TestClient, blob_of, noise, pull, push, start, tag};

const PASSWORD: &str = testkit::canary!("p&ss/w+rd ");
const TOKEN: &str = testkit::canary!("eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.");
const HELPER: &str = testkit::canary!("h%lper\"s\\");
const IDENTITY: &str = testkit::canary!("identity/");

/// A secret that the client sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Basic,
    Bearer,
    Identity,
    Helper,
}

impl Sent {
    fn secret(self) -> &'static str {
        match self {
            Self::Basic => PASSWORD,
            Self::Helper => HELPER,
            Self::Bearer => TOKEN,
            Self::Identity => IDENTITY,
        }
    }

    /// Returns the secret as it was sent, and re-encoded.
    fn forms(self) -> Vec<String> {
        let secret = self.secret();
        let pair = BASE64_STANDARD.encode(format!("me:{secret}"));
        let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let lower_case_escapes = secret.bytes().map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02x}"),
        });
        let lower_case_escapes = lower_case_escapes.collect();
        vec![
            secret.to_owned(),
            format!("me:{secret}"),
            format!("Basic {pair}"),
            pair,
            BASE64_STANDARD.encode(secret),
            BASE64_URL_SAFE_NO_PAD.encode(secret),
            lower_case_escapes,
            percent,
        ]
    }

    /// Returns true if the secret goes to a token server.
    fn is_for_token_server(self) -> bool {
        matches!(self, Self::Bearer | Self::Identity)
    }

    /// Makes a host request the secret.
    fn challenge(self, proxy: &FaultProxy) {
        let realm = if self.is_for_token_server() {
            format!(
                "Bearer realm=\"http://{}/token\",service=\"s\"",
                proxy.host()
            )
        } else {
            "Basic realm=\"x\"".to_owned()
        };
        let challenge = Action::answer(401).header("www-authenticate", &realm);
        let anonymous = Rule::new("", "/v2/").when(|parts| !is_authorized(parts));
        proxy.add(anonymous.does(challenge));
        let body = json!({"token": TOKEN, "expires_in": 300}).to_string();
        proxy.add(Rule::new("", "/token").does(Action::answer(200).body(body)));
    }

    fn client(self, host: &str) -> TestClient {
        let mut setup = Setup::new();
        setup.retry_policy.max_attempts = 1;
        match self {
            Self::Identity => setup.auth(["auths", host], json!({"identitytoken": IDENTITY})),
            Self::Helper => with_helper(setup, host),
            Self::Basic | Self::Bearer => setup.login(host, "me", PASSWORD),
        }
        .client()
    }
}

fn is_authorized(parts: &http::request::Parts) -> bool {
    parts.headers.contains_key("authorization")
}

fn with_helper(mut setup: Setup, host: &str) -> Setup {
    let program = setup.directory().join("docker-credential-echo");
    let response = json!({"Username": "me", "Secret": HELPER}).to_string();
    std::fs::write(setup.directory().join("response"), response).unwrap();
    let script = format!("#!/bin/sh\ncat {}/response\n", setup.directory().display());
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o700)).unwrap();
    setup.helpers = setup.directory().into();
    setup.auth(["credHelpers", host], json!("echo"))
}

/// A place in which a peer can send text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    ErrorMessage,
    ErrorCode,
    ErrorText,
    TokenServer,
    Realm,
    Redirect,
    RedirectQuery,
    Session,
    Link,
    Tag,
    TagType,
    Manifest,
    RedirectedBlob,
}

use Place::{
    ErrorCode, ErrorMessage, ErrorText, Link, Manifest, Realm, Redirect, RedirectQuery,
    RedirectedBlob, Session, Tag, TagType, TokenServer,
};

const PLACES: [Place; 13] = [
    ErrorMessage,
    ErrorCode,
    ErrorText,
    TokenServer,
    Realm,
    Redirect,
    RedirectQuery,
    Session,
    Link,
    Tag,
    TagType,
    Manifest,
    RedirectedBlob,
];

impl Place {
    fn rule(self, text: &str) -> Rule {
        let closed = "http://127.0.0.1:1";
        let path: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let error = json!({"errors": [{"code": "X", "message": text}]}).to_string();
        let code = json!({"errors": [{"code": text, "message": "x"}]}).to_string();
        let status = Action::answer;
        match self {
            ErrorMessage => Rule::new("", "/v2/").does(status(400).body(error)),
            ErrorCode => Rule::new("", "/v2/").does(status(400).body(code)),
            ErrorText => Rule::new("", "/v2/").does(status(400).body(text.to_owned())),
            TokenServer => Rule::new("", "/token").does(status(400).body(error)),
            Realm => {
                let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
                let realm = format!("Bearer realm=\"ftp://h/{quoted}\"");
                let reply = status(401).header("www-authenticate", &realm);
                Rule::new("", "/v2/").does(reply)
            }
            Redirect | RedirectedBlob => {
                let url = format!("{closed}/v2/{path}/blobs/{text}");
                Rule::new("GET", "/v2/").does(status(307).header("location", &url))
            }
            RedirectQuery => {
                let url = format!("{closed}/x?last={text}");
                Rule::new("GET", "/v2/").does(status(307).header("location", &url))
            }
            Session => {
                let reply = status(202).header("location", &format!("/{text}?x={text}"));
                Rule::new("POST", "/v2/").does(reply)
            }
            Link => {
                let link = format!("</v2/a/tags/list?last={text}>; rel=\"next\"");
                let page = json!({"tags": ["1"]}).to_string();
                let reply = status(200).header("link", &link).body(page);
                Rule::new("GET", "/tags/").does(reply)
            }
            Tag => {
                let page = json!({"tags": [format!("-{text}")]}).to_string();
                Rule::new("GET", "/tags/").does(status(200).body(page))
            }
            TagType => {
                let page = json!({ "tags": text }).to_string();
                Rule::new("GET", "/tags/").does(status(200).body(page))
            }
            Manifest => {
                let manifest = json!({ "manifests": text }).to_string();
                Rule::new("GET", "/manifests/").does(status(200).body(manifest))
            }
        }
    }

    /// Returns the text that the client makes of the place.
    async fn shown(self, client: &TestClient, host: &str) -> String {
        let source = pull(client, host, "a");
        let error: Error = match self {
            Session => push(client, host, "a").begin_upload().await.unwrap_err(),
            Tag => {
                let list = source.tags().await.unwrap().unwrap();
                return list.listing.warnings().remove(0);
            }
            Link | TagType => source.tags().await.unwrap_err(),
            RedirectedBlob => {
                let mut reader: BlobReader = source.read_blob(&blob_of(&noise(1, 10)));
                reader.next().await.unwrap_err()
            }
            Manifest => {
                let manifest = source.manifest(tag("1")).await.unwrap().unwrap();
                return manifest.content().unwrap_err().to_string();
            }
            _ => source.manifest(tag("1")).await.unwrap_err(),
        };
        format!("{error}\n{error:?}")
    }
}

#[tokio::test]
async fn no_secret_comes_back_from_a_peer() {
    let (_registry, proxy) = start().await;
    let host = proxy.host();
    for sent in [Sent::Basic, Sent::Bearer, Sent::Identity, Sent::Helper] {
        for place in PLACES {
            let echoed = match (sent, place) {
                // The token is the response; the request has the password.
                (Sent::Bearer, TokenServer) => Sent::Basic,
                _ => sent,
            };
            if place == TokenServer && !sent.is_for_token_server() {
                continue;
            }
            for form in echoed.forms() {
                let context = format!("{sent:?} {place:?} {form}");
                proxy.clear_rules();
                if place == Link {
                    proxy.add(Rule::new("GET", "last=").does(Action::answer(403)));
                }
                let rule = place.rule(&format!("({form})"));
                proxy.add(match place {
                    TokenServer => rule,
                    _ => rule.when(is_authorized),
                });
                sent.challenge(&proxy);
                let shown = place.shown(&sent.client(&host), &host).await;
                assert!(canary_in(&shown).is_none(), "{context}:\n{shown}");
                assert!(shown.contains('…'), "{context}:\n{shown}");
            }
        }
    }
}
