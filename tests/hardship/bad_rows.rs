//! Bad rows fail alone, each with its own cause, and nothing of theirs is tagged.

use embedded_registry::images::{Bundle, Format, Image, Layer, Platform, sample_image};
use embedded_registry::{Registry, RunningRegistry};
use serde_json::Value;
use testkit::clients::Crane;
use testkit::processes::{Distribution, RegistryProcess};
use testkit::proxy::{Action, FaultProxy, Rule};

use super::walk::{tags, whole_tags};
use super::watched::run;
use crate::environment::TestEnvironment;

/// A blob that is read whole before it is sent, and one that is streamed.
const SIZES: [(&str, usize); 2] = [("corrupt-small", 3_000), ("corrupt-large", 900_000)];
const GOOD: [&str; 3] = ["good-a", "good-b", "good-c"];

fn image(name: &str, size: usize) -> Bundle {
    let layer = Layer::random(size as u64, size).unwrap();
    Image::new(Format::Oci, Platform::linux("amd64"))
        .label("name", name)
        .layer(layer)
        .build()
}

/// The same image with one bit of its layer changed at the registry.
fn push_damaged(registry: &RunningRegistry, name: &str, size: usize) {
    let image = image(name, size);
    image.push(registry, name, Some("1"));
    let layer = image.blobs()[1];
    let mut bytes = layer.bytes().to_vec();
    bytes[size / 2] ^= 1;
    registry.damage_blob(name, layer.digest(), bytes.into());
}

/// Sources, and a destination behind a proxy that takes the damaged content as
/// if it were right and refuses what goes to the `no-` repositories.
struct Mirror {
    environment: TestEnvironment,
    source: RunningRegistry,
    target: RegistryProcess,
    proxy: FaultProxy,
}

impl Mirror {
    async fn new() -> Self {
        let source = Registry::new().start().await.unwrap();
        let target = Distribution::new().start().await;
        let proxy = FaultProxy::start(target.address()).await;
        for (seed, name) in (1..).zip(GOOD) {
            let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
            let image = sample_image(name, seed, &platforms, 2).unwrap();
            image.push(&source, name, Some("1"));
        }
        for name in ["no-manifests", "no-blobs"] {
            image(name, 2_000).push(&source, name, Some("1"));
        }
        for (name, size) in SIZES {
            push_damaged(&source, name, size);
            for part in ["blobs/uploads/", "manifests/"] {
                let taken = Rule::new("PUT", &format!("/{name}/{part}"));
                proxy.add(taken.does(Action::answer(201)));
            }
        }
        let refuse = |part, status| Rule::new("", part).does(Action::answer(status));
        proxy.add(refuse("/no-blobs/blobs/", 405));
        let put = Rule::new("PUT", "/no-manifests/manifests/");
        proxy.add(put.does(Action::answer(403)));
        Self {
            environment: TestEnvironment::new(),
            source,
            target,
            proxy,
        }
    }

    fn write_list(&self, names: &[&str]) {
        let (from, to) = (self.source.host(), self.proxy.host());
        let row = |name: &&str| format!("{from}/{name} {to}/{name} 1\n");
        let list: String = names.iter().map(row).collect();
        self.environment.write("images-list", list);
    }

    /// Nothing but what could be copied is tagged, and that is whole.
    async fn assert_only_good_tags(&self) {
        let host = self.target.host();
        for name in ["gone", "no-manifests", "no-blobs", SIZES[0].0, SIZES[1].0] {
            assert!(tags(&host, name).await.is_empty(), "{name} was tagged");
        }
        for (name, digest) in whole_tags(&host, &GOOD).await {
            let repository = name.split(':').next().unwrap();
            let source = self.source.tagged(repository, "1").unwrap().digest;
            assert_eq!(digest, source.as_ref());
            let crane = Crane::new();
            crane.validate(&format!("{host}/{name}")).await.unwrap();
        }
    }

    /// No upload of a damaged blob was complete, no manifest of theirs was sent.
    fn assert_damage_stayed(&self) {
        for (name, size) in SIZES {
            let layer = image(name, size).blobs()[1].digest().to_string();
            let uploads = self.proxy.requests().into_iter().filter(|request| {
                let hex = layer.trim_start_matches("sha256:");
                request.method == "PUT" && request.query.contains(hex)
            });
            for upload in uploads {
                assert_eq!(upload.status(), None, "{name}: {upload:?}");
                assert!(upload.sent_bytes < size as u64, "{name}: {upload:?}");
            }
            let manifests = self.proxy.count("PUT", &format!("/{name}/manifests/"));
            assert_eq!(manifests, 0, "{name}");
        }
    }
}

fn row<'a>(document: &'a Value, name: &str) -> &'a Value {
    let rows = document["rows"].as_array().unwrap();
    let of_name = |row: &&Value| row["source"].as_str().unwrap().ends_with(name);
    rows.iter().find(of_name).unwrap()
}

const CAUSES: [(&str, &[&str]); 5] = [
    ("gone", &["does not exist", "/gone:1"]),
    ("no-manifests", &["403", "/no-manifests/manifests/1"]),
    ("no-blobs", &["405", "/no-blobs/blobs/"]),
    (SIZES[0].0, &["sha256:", "/corrupt-small/blobs/"]),
    (SIZES[1].0, &["sha256:", "/corrupt-large/blobs/"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_others_are_copied_and_every_cause_is_told() {
    let mirror = Mirror::new().await;
    let bad = CAUSES.map(|(name, _)| name);
    let mixed = [
        GOOD[0], bad[0], bad[1], GOOD[1], bad[2], bad[3], bad[4], GOOD[2],
    ];
    mirror.write_list(&mixed);
    let line = "sync --output json --report report.json";
    let done = run(&mirror.environment, line).await.exits(1);
    let document = done.json();
    let report: Value = serde_json::from_str(&mirror.environment.read("report.json")).unwrap();
    assert_eq!(report, document);
    let summary = &document["summary"];
    let counts = ["rows", "copied", "failed"].map(|key| summary[key].as_u64().unwrap());
    assert_eq!(counts, [8, 3, 5], "{document:#}");
    for name in GOOD {
        assert_eq!(row(&document, name)["status"], "copied");
        assert_eq!(row(&document, name)["error"], Value::Null);
    }
    for (name, parts) in CAUSES {
        let row = row(&document, name);
        assert_eq!(row["status"], "failed", "{row}");
        let message = row["error"]["message"].as_str().unwrap();
        let told = parts.iter().all(|part| message.contains(part));
        assert!(told, "{name} ({parts:?}): {message}");
    }
    mirror.assert_only_good_tags().await;
    mirror.assert_damage_stayed();

    // Once more for a person; what is there already stays.
    let text = run(&mirror.environment, "sync").await.exits(1).stdout;
    for (name, parts) in CAUSES {
        let told = parts.iter().all(|part| text.contains(part));
        assert!(told, "{name} ({parts:?}): {text}");
    }
    assert!(
        text.contains("8 rows: 0 copied, 3 unchanged, 5 failed"),
        "{text}"
    );
    mirror.assert_only_good_tags().await;
    mirror.assert_damage_stayed();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_bad_rows_has_a_code_of_its_own() {
    let mirror = Mirror::new().await;
    mirror.write_list(&CAUSES.map(|(name, _)| name));
    run(&mirror.environment, "sync").await.exits(3);
    mirror.assert_only_good_tags().await;
    mirror.assert_damage_stayed();
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_have_a_code_of_their_own() {
    let open = Distribution::new().start().await;
    let closed = Distribution::new().htpasswd("somebody", testkit::CANARY);
    let closed = closed.start().await;
    let image = image("a", 2_000);
    let pusher = testkit::push::Pusher::new(&open.host());
    pusher.bundle(&image, "a", Some("1")).await;
    let (open, closed) = (open.host(), closed.host());
    let reading = format!("{closed}/a {open}/from-closed 1\n");
    let writing = format!("{open}/a {closed}/a 1\n");
    let environment = TestEnvironment::new();
    environment.write("images-list", format!("{reading}{writing}"));
    let done = run(&environment, "sync --output json").await.exits(4);
    for row in done.json()["rows"].as_array().unwrap() {
        let hint = row["error"]["hint"].as_str().unwrap();
        assert!(hint.contains(&format!("mirror login {closed}")), "{row}");
    }
    // A password that is refused is no better than none.
    let auths = format!(r#"{{"auths": {{"{closed}": {{"auth": "c29tZWJvZHk6d3Jvbmc="}}}}}}"#);
    environment.write("auth.json", auths);
    let done = run(&environment, "sync --authfile auth.json")
        .await
        .exits(4);
    assert!(
        !done.stdout.contains("c29tZWJvZHk6d3Jvbmc"),
        "{}",
        done.stdout
    );
    // A row that is merely gone makes it an ordinary failure of all.
    let gone = format!("{open}/gone {open}/copied 1\n");
    environment.write("images-list", format!("{reading}{writing}{gone}"));
    run(&environment, "sync").await.exits(3);
}
