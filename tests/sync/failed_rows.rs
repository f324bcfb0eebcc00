//! Failing rows fail alone, each with its own cause and without a tag at the destination.

use embedded_registry::images::{Bundle, Format, Image, Layer, Platform, sample_image};
use embedded_registry::{Registry, RunningRegistry};
use serde_json::Value;
use testkit::clients::Crane;
use testkit::processes::{Distribution, RegistryProcess};
use testkit::proxy::{Action, FaultProxy, Rule};

use crate::environment::{TestEnvironment, auth_file, complete_tags, tags_of};

/// Images with a damaged layer: one small enough to be buffered, one that is streamed.
const DAMAGED: [(&str, usize); 2] = [("corrupt-small", 3_000), ("corrupt-large", 900_000)];
const GOOD: [&str; 3] = ["good-a", "good-b", "good-c"];

fn image(name: &str, size: usize) -> Bundle {
    let layer = Layer::random(size as u64, size).unwrap();
    Image::new(Format::Oci, Platform::linux("amd64"))
        .label("name", name)
        .layer(layer)
        .build()
}

/// Pushes the image and flips one bit of its layer in the registry.
fn push_damaged(registry: &RunningRegistry, name: &str, size: usize) {
    let image = image(name, size);
    image.push(registry, name, Some("1"));
    let layer = image.blobs()[1];
    let mut bytes = layer.bytes().to_vec();
    bytes[size / 2] ^= 1;
    registry.damage_blob(name, layer.digest(), bytes.into());
}

/// Sources, and a destination behind a proxy that accepts damaged content without a check and
/// rejects writes to the `no-` repositories.
struct Mirror {
    environment: TestEnvironment,
    source: RunningRegistry,
    destination: RegistryProcess,
    proxy: FaultProxy,
}

impl Mirror {
    async fn new() -> Self {
        let source = Registry::new().start().await.unwrap();
        let destination = Distribution::new().start().await;
        let proxy = FaultProxy::start(destination.address()).await;
        for (seed, name) in (1..).zip(GOOD) {
            let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
            let image = sample_image(name, seed, &platforms, 2).unwrap();
            image.push(&source, name, Some("1"));
        }
        for name in ["no-manifests", "no-blobs"] {
            image(name, 2_000).push(&source, name, Some("1"));
        }
        for (name, size) in DAMAGED {
            push_damaged(&source, name, size);
            for part in ["blobs/uploads/", "manifests/"] {
                let accept = Rule::new("PUT", &format!("/{name}/{part}"));
                proxy.add(accept.does(Action::answer(201)));
            }
        }
        let refuse = |part, status| Rule::new("", part).does(Action::answer(status));
        proxy.add(refuse("/no-blobs/blobs/", 405));
        let put = Rule::new("PUT", "/no-manifests/manifests/");
        proxy.add(put.does(Action::answer(403)));
        Self {
            environment: TestEnvironment::new(),
            source,
            destination,
            proxy,
        }
    }

    fn write_list(&self, names: &[&str]) {
        let (from, to) = (self.source.host(), self.proxy.host());
        let row = |name: &&str| format!("{from}/{name} {to}/{name} 1\n");
        let list: String = names.iter().map(row).collect();
        self.environment.write("images-list", list);
    }

    /// Asserts that exactly the good images are tagged and complete.
    async fn assert_only_good_tags(&self) {
        let host = self.destination.host();
        for name in [
            "missing",
            "no-manifests",
            "no-blobs",
            DAMAGED[0].0,
            DAMAGED[1].0,
        ] {
            assert!(tags_of(&host, name).await.is_empty(), "{name} was tagged");
        }
        for (name, digest) in complete_tags(&host, &GOOD).await {
            let repository = name.split(':').next().unwrap();
            let source = self.source.tagged(repository, "1").unwrap().digest;
            assert_eq!(digest, source.as_ref());
            let crane = Crane::new();
            crane.validate(&format!("{host}/{name}")).await.unwrap();
        }
    }

    /// Asserts that no damaged blob was uploaded completely and no manifest of one was sent.
    fn assert_no_damaged_content(&self) {
        for (name, size) in DAMAGED {
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
    ("missing", &["does not exist", "/missing:1"]),
    ("no-manifests", &["403", "/no-manifests/manifests/1"]),
    ("no-blobs", &["405", "/no-blobs/blobs/"]),
    (DAMAGED[0].0, &["sha256:", "/corrupt-small/blobs/"]),
    (DAMAGED[1].0, &["sha256:", "/corrupt-large/blobs/"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn sync_copies_the_other_rows_and_reports_every_cause() {
    let mirror = Mirror::new().await;
    let failing = CAUSES.map(|(name, _)| name);
    let mixed = [
        GOOD[0], failing[0], failing[1], GOOD[1], failing[2], failing[3], failing[4], GOOD[2],
    ];
    mirror.write_list(&mixed);
    let line = "sync --output json --report report.json";
    let output = mirror.environment.mirror(line).exits(1);
    let document = output.json();
    assert_eq!(mirror.environment.read_json("report.json"), document);
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
        let complete = parts.iter().all(|part| message.contains(part));
        assert!(complete, "{name} ({parts:?}): {message}");
    }
    mirror.assert_only_good_tags().await;
    mirror.assert_no_damaged_content();

    // As text, with the good rows already copied.
    let text = mirror.environment.mirror("sync").exits(1).stdout;
    for (name, parts) in CAUSES {
        let complete = parts.iter().all(|part| text.contains(part));
        assert!(complete, "{name} ({parts:?}): {text}");
    }
    assert!(
        text.contains("8 rows: 0 copied, 3 unchanged, 5 failed"),
        "{text}"
    );
    mirror.assert_only_good_tags().await;
    mirror.assert_no_damaged_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_exits_3_when_every_row_fails() {
    let mirror = Mirror::new().await;
    mirror.write_list(&CAUSES.map(|(name, _)| name));
    mirror.environment.mirror("sync").exits(3);
    mirror.assert_only_good_tags().await;
    mirror.assert_no_damaged_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_exits_4_when_every_failure_is_refused_credentials() {
    let open = Distribution::new().start().await;
    let closed = Distribution::new().htpasswd("robot", testkit::CANARY);
    let closed = closed.start().await;
    let image = image("a", 2_000);
    let pusher = testkit::push::Pusher::new(&open.host());
    pusher.bundle(&image, "a", Some("1")).await;
    let (open, closed) = (open.host(), closed.host());
    let reading = format!("{closed}/a {open}/from-closed 1\n");
    let writing = format!("{open}/a {closed}/a 1\n");
    let environment = TestEnvironment::new();
    environment.write("images-list", format!("{reading}{writing}"));
    let output = environment.mirror("sync --output json").exits(4);
    for row in output.json()["rows"].as_array().unwrap() {
        let hint = row["error"]["hint"].as_str().unwrap();
        assert!(hint.contains(&format!("mirror login {closed}")), "{row}");
    }
    // A wrong password counts like a missing one.
    environment.write("auth.json", auth_file(&[(&closed, "robot", "wrong")]));
    let output = environment.mirror("sync --authfile auth.json").exits(4);
    assert!(
        !output.stdout.contains("cm9ib3Q6d3Jvbmc"),
        "{}",
        output.stdout
    );
    // With a missing source among them it is an ordinary failure.
    let missing = format!("{open}/missing {open}/copied 1\n");
    environment.write("images-list", format!("{reading}{writing}{missing}"));
    environment.mirror("sync").exits(3);
}
