//! Sources that deny, cut or fake what is attached to an image: its row fails, and nothing of it is written.

use embedded_registry::images::Artifact;
use embedded_registry::{Registry, RunningRegistry};
use serde_json::json;
use testkit::proxy::{Action, FaultProxy, Rule};

use super::signed_registry::{PUBLIC_KEY, Signed};
use crate::environment::TestEnvironment;

/// A way to deny, and what the report says.
struct Denial {
    name: &'static str,
    /// The requests: a part of their path.
    part: &'static str,
    /// The number of the request, counted from 1; every one if it is 0.
    nth: usize,
    action: fn() -> Action,
    want: &'static str,
}

const DENIED: &str =
    "the list of signatures may be incomplete: \"the registry denies the list of referrers";
const FAILED: &str = "request to the source failed";
const NOT_FOUND: &str = "no signature was found";

const LIST: &str = "/referrers/";

impl Denial {
    const fn new(
        name: &'static str,
        (part, nth): (&'static str, usize),
        action: fn() -> Action,
        want: &'static str,
    ) -> Self {
        Self {
            name,
            part,
            nth,
            action,
            want,
        }
    }
}

const DENIALS: [Denial; 16] = [
    Denial::new("401", (LIST, 0), || Action::answer(401).into(), DENIED),
    Denial::new("403", (LIST, 0), || Action::answer(403).into(), DENIED),
    Denial::new("404", (LIST, 0), || Action::answer(404).into(), NOT_FOUND),
    Denial::new("500", (LIST, 0), || Action::answer(500).into(), FAILED),
    Denial::new("503", (LIST, 0), || Action::answer(503).into(), FAILED),
    Denial::new(
        "stall",
        (LIST, 0),
        || Action::Stall,
        "was not finished within 5 s",
    ),
    Denial::new("reset", (LIST, 0), || Action::Reset, FAILED),
    Denial::new("cut", (LIST, 0), || Action::Truncate { after: 20 }, FAILED),
    Denial::new(
        "html",
        (LIST, 0),
        || Action::answer(200).body("<html>").into(),
        NOT_FOUND,
    ),
    Denial::new(
        "empty",
        (LIST, 0),
        || {
            let index = "application/vnd.oci.image.index.v1+json";
            let body = r#"{"schemaVersion":2,"manifests":[]}"#;
            Action::answer(200)
                .header("content-type", index)
                .body(body)
                .into()
        },
        NOT_FOUND,
    ),
    Denial::new(
        "no index",
        (LIST, 0),
        || Action::answer(200).body("{\"manifests\": 1}").into(),
        FAILED,
    ),
    Denial::new(
        "second page 403",
        (LIST, 2),
        || Action::answer(403).into(),
        DENIED,
    ),
    Denial::new(
        "second page 404",
        (LIST, 2),
        || Action::answer(404).into(),
        FAILED,
    ),
    Denial::new(
        "second page html",
        (LIST, 2),
        || Action::answer(200).body("<html>").into(),
        FAILED,
    ),
    Denial::new(
        "tag 403",
        (".sig", 0),
        || Action::answer(403).into(),
        "the registry denies the tag",
    ),
    Denial::new(
        "tag 500",
        (".sig", 0),
        || Action::answer(500).into(),
        FAILED,
    ),
];

/// Returns an image with two referrers, one of them its signature, at a source behind a proxy.
async fn prepare(part: &str) -> (TestEnvironment, RunningRegistry, FaultProxy) {
    let signed = Signed::with(Registry::new().page_limit(1)).await;
    let proxy = FaultProxy::start(signed.registry.address()).await;
    let (from, to) = (proxy.host(), signed.registry.host());
    let image = signed.push("a", "1");
    let other = Artifact::new("application/vnd.example.note")
        .subject(&image)
        .build();
    other.push(&signed.registry, "a", None);
    // Only where the tag is denied, the signature is not among the referrers.
    match part {
        ".sig" => signed.sign_classic_as(
            &format!("{from}/a"),
            "a",
            image.digest().as_ref(),
            &signed.key,
        ),
        _ => {
            signed.sign_bundle("a", &image, &signed.key);
        }
    }
    let policy = json!({"images": [{"match": "*", "keys": [PUBLIC_KEY]}]});
    let environment = signed.environment;
    environment.write("policy.json", policy.to_string());
    environment.write("images-list", format!("{from}/a {to}/m/a 1\n"));
    (environment, signed.registry, proxy)
}

/// Runs `sync` and `verify` on the image.
async fn check(denial: Denial) {
    let Denial {
        name,
        part,
        nth,
        action,
        want,
    } = denial;
    let (environment, registry, proxy) = prepare(part).await;
    let rule = move || match nth {
        0 => Rule::new("GET", part).does(action()),
        nth => Rule::new("GET", part).nth(nth).does(action()),
    };
    proxy.add(rule());
    tokio::task::spawn_blocking(move || {
        let limit = if name == "stall" {
            "--row-timeout 5s"
        } else {
            ""
        };
        let run = environment.mirror(&format!("sync --output json {limit}"));
        let report = run.exits(3).json();
        let message = report["rows"][0]["error"]["message"].as_str().unwrap();
        assert!(message.contains(want), "{name}: {message}");
        assert_eq!(registry.manifests("m/a").len(), 0, "{name}");
        let requests = registry.requests().into_iter();
        let writes = requests.filter(|request| !["GET", "HEAD"].contains(&request.method.as_str()));
        assert_eq!(writes.count(), 0, "{name}");
        // The rule decides, and no other cause.
        proxy.clear_rules();
        environment.mirror("sync").exits(0);
        if name != "stall" {
            proxy.add(rule());
            let verify = environment.mirror("verify");
            assert_eq!(verify.code, Some(1), "{name}: {}", verify.stdout);
            assert!(
                !verify.stdout.contains("verified   "),
                "{name}: {}",
                verify.stdout
            );
        }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_denial_of_what_is_attached_rejects_the_image() {
    let checks = DENIALS.into_iter().map(check);
    futures::future::join_all(checks).await;
}
