//! Transient faults of registries: every row is still copied.

use embedded_registry::images::{Bundle, Format, Image, Index, Layer, Platform};
use http::request::Parts;
use serde_json::Value;
use testkit::clients::Crane;
use testkit::processes::{Distribution, RegistryProcess};
use testkit::proxy::{Action, FaultProxy, RecordedRequest, Rule};
use testkit::push::Pusher;

use crate::environment::complete_tags;
use crate::environment::{CommandOutput, TestEnvironment};

/// Large enough to be streamed instead of buffered.
const LARGE: usize = 900_000;

/// Two registries, each behind its own proxy, and a list of images.
pub(super) struct ProxiedMirror {
    environment: TestEnvironment,
    _source: RegistryProcess,
    destination: RegistryProcess,
    pub(super) from: FaultProxy,
    pub(super) to: FaultProxy,
    images: Vec<(String, Bundle)>,
}

/// An index of two images that share a large layer.
fn image(name: &str) -> Bundle {
    let large = Layer::random(7, LARGE).unwrap();
    let small = Layer::random(name.len() as u64, 5_000).unwrap();
    let image = |architecture| {
        Image::new(Format::Oci, Platform::linux(architecture))
            .label("name", name)
            .layer(small.clone())
            .layer(large.clone())
            .build()
    };
    let amd64 = image("amd64");
    Index::new(Format::Oci)
        .attestation(&amd64)
        .child(amd64)
        .child(image("arm64"))
        .build()
}

impl ProxiedMirror {
    pub(super) async fn new(names: &[&str]) -> Self {
        let source = Distribution::new().start().await;
        let destination = Distribution::new().start().await;
        let from = FaultProxy::start(source.address()).await;
        let to = FaultProxy::start(destination.address()).await;
        let pusher = Pusher::new(&source.host());
        let (mut images, mut list) = (Vec::new(), String::new());
        for name in names {
            let image = image(name);
            pusher.bundle(&image, name, Some("1")).await;
            images.push(((*name).to_owned(), image));
            list += &format!("{}/{name} {}/{name} 1\n", from.host(), to.host());
        }
        let environment = TestEnvironment::new();
        environment.write("images-list", list);
        Self {
            environment,
            _source: source,
            destination,
            from,
            to,
            images,
        }
    }

    pub(super) fn mirror(&self, line: &str) -> CommandOutput {
        self.environment.mirror(line)
    }

    /// Runs `sync` and asserts that every image was copied completely.
    pub(super) async fn assert_copies_all(&self) {
        self.assert_copies_all_by("sync").await;
    }

    /// The same with a command line of `sync`.
    pub(super) async fn assert_copies_all_by(&self, line: &str) {
        let output = self.mirror(&format!("{line} --output json")).exits(0);
        let document = output.json();
        assert_eq!(document["summary"]["copied"], self.images.len());
        let mut rows = document["rows"].as_array().unwrap().iter();
        assert!(rows.all(|row| row["error"] == Value::Null), "{document:#}");
        let (host, crane) = (self.destination.host(), Crane::new());
        let names: Vec<_> = self.images.iter().map(|(name, _)| name).collect();
        let tags = complete_tags(&host, &names).await;
        for (name, image) in &self.images {
            let tag = format!("{name}:1");
            assert_eq!(tags[&tag], image.digest().as_ref(), "{name}");
            crane.validate(&format!("{host}/{tag}")).await.unwrap();
        }
    }
}

/// Returns digest and size of the large layer.
pub(super) fn large_layer() -> (String, usize) {
    let image = image("a");
    let blobs = image.blobs().into_iter();
    let large = blobs.max_by_key(|blob| blob.bytes().len()).unwrap();
    (large.digest().to_string(), large.bytes().len())
}

/// Returns whether the body of a request is the large layer.
pub(super) fn is_large(parts: &Parts) -> bool {
    let length = parts.headers.get("content-length");
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    length.is_some_and(|length: usize| length >= LARGE)
}

fn matching(requests: Vec<RecordedRequest>, method: &str, part: &str) -> Vec<RecordedRequest> {
    let matches =
        |request: &RecordedRequest| request.method == method && request.path.contains(part);
    requests.into_iter().filter(matches).collect()
}

/// The kinds of requests that a run sends to a source and to a destination.
const READS: [(&str, &str); 5] = [
    ("HEAD", "/manifests/"),
    ("GET", "/manifests/"),
    ("GET", "/blobs/"),
    ("GET", "/tags/list"),
    ("GET", "/referrers/"),
];
const WRITES: [(&str, &str); 6] = [
    ("HEAD", "/manifests/"),
    ("HEAD", "/blobs/"),
    ("POST", "/blobs/uploads/?mount="),
    ("POST", "/blobs/uploads/"),
    ("PUT", "/blobs/uploads/"),
    ("PUT", "/manifests/"),
];

async fn fail_each_kind_once_with(status: u16) {
    let mirror = ProxiedMirror::new(&["aa", "bb", "cc"]).await;
    for (proxy, kinds) in [(&mirror.from, &READS[..]), (&mirror.to, &WRITES[..])] {
        for (method, part) in kinds {
            let rule = Rule::new(method, part).first(1);
            proxy.add(rule.does(Action::answer(status)));
        }
    }
    mirror.assert_copies_all().await;
    for (proxy, kinds) in [(&mirror.from, &READS[..]), (&mirror.to, &WRITES[..])] {
        for (method, part) in kinds {
            let requests = matching(proxy.requests(), method, part.split('?').next().unwrap());
            let failed = requests
                .iter()
                .any(|request| request.status() == Some(status));
            assert!(failed, "no {method} {part} failed");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_retries_each_kind_of_request_after_a_server_error() {
    let runs = [500, 502, 503].map(|status| tokio::spawn(fail_each_kind_once_with(status)));
    for run in runs {
        run.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_retries_each_kind_of_request_after_a_lost_connection() {
    let mirror = ProxiedMirror::new(&["aa", "bb", "cc"]).await;
    for (method, part) in READS {
        let rule = Rule::new(method, part).nth(2);
        mirror.from.add(rule.does(Action::Reset));
    }
    for (method, part) in WRITES {
        let rule = Rule::new(method, part).nth(2);
        // The registry has handled the request; only the response is lost.
        mirror.to.add(rule.does(Action::DropResponse));
    }
    mirror.assert_copies_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_download_resumes_with_a_range() {
    let mirror = ProxiedMirror::new(&["aa"]).await;
    let (blob, size) = large_layer();
    let part = format!("/blobs/{blob}");
    for (nth, after) in [(1, 300_000), (2, 200_000)] {
        let rule = Rule::new("GET", &part).nth(nth);
        mirror.from.add(rule.does(Action::ResetInBody { after }));
    }
    mirror.assert_copies_all().await;
    let downloads = matching(mirror.from.requests(), "GET", &part);
    let ranges: Vec<_> = downloads.iter().map(|each| each.header("range")).collect();
    assert_eq!(downloads.len(), 3, "{ranges:?}");
    assert_eq!(ranges[0], None);
    let begin = |range: Option<&str>| -> usize {
        let begin = range.unwrap().strip_prefix("bytes=").unwrap();
        begin.strip_suffix('-').unwrap().parse().unwrap()
    };
    // A reset can discard bytes in the kernel's buffers.
    let begins = [begin(ranges[1]), begin(ranges[2])];
    assert!((1..=300_000).contains(&begins[0]), "{begins:?}");
    assert!((begins[0] + 1..=500_000).contains(&begins[1]), "{begins:?}");
    assert_eq!(downloads[1].status(), Some(206));
    assert_eq!(downloads[2].received_bytes, (size - begins[1]) as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_upload_starts_over_in_a_new_session() {
    let mirror = ProxiedMirror::new(&["aa"]).await;
    for (nth, after) in [(1, 100_000), (2, 700_000)] {
        let upload = Rule::new("PUT", "/blobs/uploads/").when(is_large).nth(nth);
        mirror.to.add(upload.does(Action::ResetUpload { after }));
    }
    mirror.assert_copies_all().await;
    let uploads = matching(mirror.to.requests(), "PUT", "/blobs/uploads/");
    let hex = large_layer().0.trim_start_matches("sha256:").to_owned();
    let large: Vec<_> = uploads
        .iter()
        .filter(|upload| upload.query.contains(&hex))
        .collect();
    let statuses: Vec<_> = large.iter().map(|upload| upload.status()).collect();
    assert_eq!(statuses, [None, None, Some(201)]);
    assert_ne!(large[0].path, large[2].path, "a new session");
}

#[tokio::test(flavor = "multi_thread")]
async fn truncated_manifest_is_fetched_again() {
    let mirror = ProxiedMirror::new(&["aa", "bb"]).await;
    for nth in [1, 3] {
        let manifest = Rule::new("GET", "/manifests/").nth(nth);
        mirror
            .from
            .add(manifest.does(Action::Truncate { after: 100 }));
    }
    let wrong_length = Rule::new("GET", "/manifests/").nth(5);
    mirror.from.add(wrong_length.does(Action::WrongLength(7)));
    mirror.assert_copies_all().await;
    let cut = matching(mirror.from.requests(), "GET", "/manifests/");
    assert_eq!(cut.iter().filter(|each| each.faulted).count(), 3);
}
