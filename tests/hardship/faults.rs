//! Registries that break for a moment: the run ends with everything copied.

use embedded_registry::images::{Bundle, Format, Image, Index, Layer, Platform};
use http::request::Parts;
use serde_json::Value;
use testkit::clients::Crane;
use testkit::processes::{Distribution, RegistryProcess};
use testkit::proxy::{Action, FaultProxy, Recorded, Rule};
use testkit::push::Pusher;

use super::walk::whole_tags;
use super::watched::run;
use crate::environment::{Finished, TestEnvironment};

/// Streamed: more than what is read whole before it is sent.
const LARGE: usize = 900_000;

/// Two registries, each behind a proxy of its own, and a list of images.
pub(super) struct Broken {
    environment: TestEnvironment,
    _source: RegistryProcess,
    target: RegistryProcess,
    pub(super) from: FaultProxy,
    pub(super) to: FaultProxy,
    images: Vec<(String, Bundle)>,
}

/// An index of two images; they share a large layer.
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

impl Broken {
    pub(super) async fn new(names: &[&str]) -> Self {
        let source = Distribution::new().start().await;
        let target = Distribution::new().start().await;
        let from = FaultProxy::start(source.address()).await;
        let to = FaultProxy::start(target.address()).await;
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
            target,
            from,
            to,
            images,
        }
    }

    pub(super) async fn run(&self, line: &str) -> Finished {
        run(&self.environment, line).await
    }

    /// Runs, and checks that everything was copied and is whole.
    pub(super) async fn copies_all(&self) {
        let done = self.run("sync --output json").await.exits(0);
        let document = done.json();
        assert_eq!(document["summary"]["copied"], self.images.len());
        let mut rows = document["rows"].as_array().unwrap().iter();
        assert!(rows.all(|row| row["error"] == Value::Null), "{document:#}");
        let (host, crane) = (self.target.host(), Crane::new());
        let names: Vec<_> = self.images.iter().map(|(name, _)| name).collect();
        let tags = whole_tags(&host, &names).await;
        for (name, image) in &self.images {
            let tag = format!("{name}:1");
            assert_eq!(tags[&tag], image.digest().as_ref(), "{name}");
            crane.validate(&format!("{host}/{tag}")).await.unwrap();
        }
    }
}

/// The digest of the large layer, as it stands in paths, and its size.
pub(super) fn large() -> (String, usize) {
    let image = image("a");
    let blobs = image.blobs().into_iter();
    let large = blobs.max_by_key(|blob| blob.bytes().len()).unwrap();
    (large.digest().to_string(), large.bytes().len())
}

/// Whether a request carries the large layer.
pub(super) fn is_large(parts: &Parts) -> bool {
    let length = parts.headers.get("content-length");
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    length.is_some_and(|length: usize| length >= LARGE)
}

fn of(requests: Vec<Recorded>, method: &str, part: &str) -> Vec<Recorded> {
    let fits = |request: &Recorded| request.method == method && request.path.contains(part);
    requests.into_iter().filter(fits).collect()
}

/// Every kind of request that a run makes of a source and of a destination.
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

async fn each_request_fails_once_with(status: u16) {
    let broken = Broken::new(&["aa", "bb", "cc"]).await;
    for (proxy, kinds) in [(&broken.from, &READS[..]), (&broken.to, &WRITES[..])] {
        for (method, part) in kinds {
            let rule = Rule::new(method, part).first(1);
            proxy.add(rule.does(Action::answer(status)));
        }
    }
    broken.copies_all().await;
    for (proxy, kinds) in [(&broken.from, &READS[..]), (&broken.to, &WRITES[..])] {
        for (method, part) in kinds {
            let requests = of(proxy.requests(), method, part.split('?').next().unwrap());
            let failed = requests
                .iter()
                .any(|request| request.status() == Some(status));
            assert!(failed, "no {method} {part} was broken");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_request_may_fail_once() {
    let runs = [500, 502, 503].map(|status| tokio::spawn(each_request_fails_once_with(status)));
    for run in runs {
        run.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_request_may_lose_its_connection_once() {
    let broken = Broken::new(&["aa", "bb", "cc"]).await;
    for (method, part) in READS {
        let rule = Rule::new(method, part).nth(2);
        broken.from.add(rule.does(Action::Reset));
    }
    for (method, part) in WRITES {
        let rule = Rule::new(method, part).nth(2);
        // The registry has done what was asked, and nobody knows.
        broken.to.add(rule.does(Action::LoseAnswer));
    }
    broken.copies_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_breaks_off_goes_on_where_it_was() {
    let broken = Broken::new(&["aa"]).await;
    let (blob, size) = large();
    let part = format!("/blobs/{blob}");
    for (nth, after) in [(1, 300_000), (2, 200_000)] {
        let rule = Rule::new("GET", &part).nth(nth);
        broken.from.add(rule.does(Action::ResetInBody { after }));
    }
    broken.copies_all().await;
    let downloads = of(broken.from.requests(), "GET", &part);
    let ranges: Vec<_> = downloads.iter().map(|each| each.header("range")).collect();
    assert_eq!(downloads.len(), 3, "{ranges:?}");
    assert_eq!(ranges[0], None);
    let begin = |range: Option<&str>| -> usize {
        let begin = range.unwrap().strip_prefix("bytes=").unwrap();
        begin.strip_suffix('-').unwrap().parse().unwrap()
    };
    // A reset may take what is still in the buffers of the kernel with it.
    let begins = [begin(ranges[1]), begin(ranges[2])];
    assert!((1..=300_000).contains(&begins[0]), "{begins:?}");
    assert!((begins[0] + 1..=500_000).contains(&begins[1]), "{begins:?}");
    assert_eq!(downloads[1].status(), Some(206));
    assert_eq!(downloads[2].received_bytes, (size - begins[1]) as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_breaks_off_is_sent_again() {
    let broken = Broken::new(&["aa"]).await;
    for (nth, after) in [(1, 100_000), (2, 700_000)] {
        let upload = Rule::new("PUT", "/blobs/uploads/").when(is_large).nth(nth);
        broken.to.add(upload.does(Action::ResetUpload { after }));
    }
    broken.copies_all().await;
    let uploads = of(broken.to.requests(), "PUT", "/blobs/uploads/");
    let hex = large().0.trim_start_matches("sha256:").to_owned();
    let large: Vec<_> = uploads
        .iter()
        .filter(|upload| upload.query.contains(&hex))
        .collect();
    let statuses: Vec<_> = large.iter().map(|upload| upload.status()).collect();
    assert_eq!(statuses, [None, None, Some(201)]);
    assert_ne!(large[0].path, large[2].path, "a session of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_is_cut_short_is_asked_for_again() {
    let broken = Broken::new(&["aa", "bb"]).await;
    for nth in [1, 3] {
        let manifest = Rule::new("GET", "/manifests/").nth(nth);
        broken
            .from
            .add(manifest.does(Action::Truncate { after: 100 }));
    }
    let lie = Rule::new("GET", "/manifests/").nth(5);
    broken.from.add(lie.does(Action::WrongLength(7)));
    broken.copies_all().await;
    let cut = of(broken.from.requests(), "GET", "/manifests/");
    assert_eq!(cut.iter().filter(|each| each.faulted).count(), 3);
}
