//! Two thousand rows from several hosts: copied in bounded memory, then checked again with the
//! minimum of requests.
//!
//! Takes more than 10 s: three runs over 2,000 rows.

use std::collections::{BTreeMap, BTreeSet};

use embedded_registry::images::{
    Artifact, Bundle, Format, Image, Index, Layer, Platform, digest_tag,
};
use embedded_registry::{LoggedRequest, Referrers, Registry, RunningRegistry};
use serde_json::Value;

use crate::environment::{MAX_MEMORY_KIB, TestEnvironment, measure_memory};

/// Rows of the list, including the last four.
const ROWS: usize = 2_000;
/// Rows at the end with the destination tag of an earlier row: the same row again, another source
/// with the same content, and two with other content.
const DUPLICATES: usize = 4;
const TAGS: usize = 10;
/// One row in this many has a signature.
const SIGNED: usize = 100;
/// Source hosts, with and without the referrers API.
const HOSTS: [(&str, Referrers); 4] = [
    ("quay.io", Referrers::Api),
    ("ghcr.io", Referrers::Missing),
    ("docker.io", Referrers::Missing),
    ("registry.k8s.io", Referrers::Api),
];
const DESTINATION: &str = "registry.example.com";
const LOG: usize = 200_000;

/// A small image on a shared base layer. Every tenth is an index for two platforms.
fn image(number: usize) -> Bundle {
    let base = Layer::files(&[("etc/base", b"base")]).unwrap();
    let content = number.to_string();
    let own = Layer::files(&[("etc/own", content.as_bytes())]).unwrap();
    let image = |architecture| {
        Image::new(Format::Oci, Platform::linux(architecture))
            .layer(base.clone())
            .layer(own.clone())
            .build()
    };
    match number % 10 {
        0 => Index::new(Format::Oci)
            .child(image("amd64"))
            .child(image("arm64"))
            .build(),
        _ => image("amd64"),
    }
}

/// Attaches a referrer if the registry has the referrers API, else a digest tag.
fn sign(image: &Bundle, registry: &RunningRegistry, repository: &str, referrers: Referrers) {
    if referrers == Referrers::Api {
        let signature = Artifact::new("application/vnd.example.signature");
        signature
            .subject(image)
            .build()
            .push(registry, repository, None);
    } else {
        let signature = Artifact::cosign_signature(image.digest()).build();
        let tag = digest_tag(image.digest(), Some("sig"));
        signature.push(registry, repository, Some(&tag));
    }
}

struct Source {
    name: &'static str,
    registry: RunningRegistry,
}

/// Four sources, one destination and the list between them.
struct LargeMirror {
    environment: TestEnvironment,
    sources: Vec<Source>,
    destination: RunningRegistry,
}

/// Returns host, repository and tag of a row's source.
fn source_of(number: usize) -> (usize, String, String) {
    let group = number / TAGS;
    let repository = format!("org/image-{group}");
    (
        group % HOSTS.len(),
        repository,
        format!("v{}", number % TAGS),
    )
}

impl LargeMirror {
    async fn new() -> Self {
        let destination = Registry::new().access_log(LOG).start().await.unwrap();
        let mut sources = Vec::new();
        for (name, referrers) in HOSTS {
            let registry = Registry::new().access_log(LOG).referrers(referrers);
            let registry = registry.start().await.unwrap();
            sources.push(Source { name, registry });
        }
        let mirror = Self {
            environment: TestEnvironment::new(),
            sources,
            destination,
        };
        let mut list = String::new();
        for number in 0..ROWS - DUPLICATES {
            let (host, repository, tag) = source_of(number);
            let Source { name, registry } = &mirror.sources[host];
            let image = image(number);
            image.push(registry, &repository, Some(&tag));
            if number % SIGNED == 0 {
                sign(&image, registry, &repository, HOSTS[host].1);
            }
            list += &format!("{name}/{repository} {DESTINATION}/{repository} {tag}\n");
        }
        list += &mirror.duplicate_rows();
        mirror.environment.write("images-list", list);
        mirror.write_registries_conf();
        mirror
    }

    fn duplicate_rows(&self) -> String {
        let registry = &self.sources[0].registry;
        image(1).push(registry, "org/same", Some("v1"));
        image(5_001).push(registry, "org/other", Some("v1"));
        image(5_002).push(registry, "org/other", Some("v2"));
        let row = |from: &str, tag| format!("quay.io/{from} {DESTINATION}/org/image-0 {tag}\n");
        let rows = [
            row("org/image-0", "v0"),
            row("org/same", "v1"),
            row("org/other", "v1"),
            row("org/other", "v2"),
        ];
        rows.concat()
    }

    fn write_registries_conf(&self) {
        let sources = self
            .sources
            .iter()
            .map(|each| (each.name, each.registry.host()));
        let hosts = sources.chain([(DESTINATION, self.destination.host())]);
        let table = |(prefix, location)| {
            format!("[[registry]]\nprefix = \"{prefix}\"\nlocation = \"{location}\"\n")
        };
        let tables: String = hosts.map(table).collect();
        self.environment.write("registries.conf", tables);
    }

    /// Asserts that every signature was copied.
    fn assert_signatures(&self) {
        for number in (0..ROWS - DUPLICATES).step_by(SIGNED) {
            let (host, repository, _) = source_of(number);
            let (image, registry) = (image(number), &self.sources[host].registry);
            if HOSTS[host].1 == Referrers::Missing {
                let tag = digest_tag(image.digest(), Some("sig"));
                let signature = self.destination.tagged(&repository, &tag);
                assert_eq!(signature, registry.tagged(&repository, &tag), "{number}");
            } else {
                let signature = Artifact::new("application/vnd.example.signature");
                let signature = signature.subject(&image).build();
                let found = self.destination.manifest(&repository, signature.digest());
                assert!(found.is_some(), "{number} lost its signature");
            }
        }
    }

    fn sync(&self, options: &str) -> Value {
        for source in &self.sources {
            source.registry.clear_requests();
        }
        self.destination.clear_requests();
        let line = format!("sync --registries-conf registries.conf --output json {options}");
        let run = measure_memory(&self.environment, &line);
        let (peak, seconds) = (run.peak_kib, run.duration.as_secs_f64());
        let document = run.output.exits(1).json();
        println!(
            "sync {options}: {peak} KiB, {seconds:.1} s, {} requests",
            document["summary"]["requests"],
        );
        assert!(peak < MAX_MEMORY_KIB, "{peak} KiB for {ROWS} rows");
        document
    }
}

fn count(document: &Value, status: &str) -> u64 {
    document["summary"][status].as_u64().unwrap()
}

/// Asserts that only the last two rows conflict with earlier ones.
fn assert_conflicts(document: &Value) {
    let rows = document["rows"].as_array().unwrap();
    assert_eq!(rows.len(), ROWS);
    for (number, row) in rows.iter().enumerate() {
        let conflicts = number >= ROWS - 2;
        assert_eq!(row["status"] == "failed", conflicts, "{row}");
        let message = row["error"]["message"].as_str().unwrap_or_default();
        let reported = message.contains("registry.example.com/org/image-0")
            && message.contains("quay.io/org/image-0");
        assert_eq!(reported, conflicts, "{row}");
    }
    assert_eq!(count(document, "failed"), 2);
}

/// Number of requests by method and path.
type RequestCounts = BTreeMap<(String, String), usize>;

fn count_requests(requests: Vec<LoggedRequest>) -> RequestCounts {
    let mut counts = RequestCounts::new();
    for request in requests {
        *counts
            .entry((request.method.to_string(), request.path))
            .or_default() += 1;
    }
    counts
}

/// One HEAD request for each reference.
fn heads(references: BTreeSet<String>) -> RequestCounts {
    let head = |path| (("HEAD".to_owned(), path), 1);
    references.into_iter().map(head).collect()
}

fn manifest(repository: &str, tag: &str) -> String {
    format!("/v2/{repository}/manifests/{tag}")
}

impl LargeMirror {
    fn source_references(&self, host: usize) -> BTreeSet<String> {
        let rows = (0..ROWS - DUPLICATES).map(source_of);
        let of_host = rows.filter(|(its, _, _)| *its == host);
        let mut all: BTreeSet<_> = of_host
            .map(|(_, repository, tag)| manifest(&repository, &tag))
            .collect();
        if host == 0 {
            all.insert(manifest("org/same", "v1"));
            all.insert(manifest("org/other", "v1"));
            all.insert(manifest("org/other", "v2"));
        }
        all
    }

    fn destination_references() -> BTreeSet<String> {
        let rows = (0..ROWS - DUPLICATES).map(source_of);
        rows.map(|(_, repository, tag)| manifest(&repository, &tag))
            .collect()
    }

    fn assert_heads_only(&self) {
        for (host, source) in self.sources.iter().enumerate() {
            let requests = count_requests(source.registry.requests());
            assert_eq!(
                requests,
                heads(self.source_references(host)),
                "{}",
                source.name
            );
        }
        let requests = count_requests(self.destination.requests());
        assert_eq!(requests, heads(Self::destination_references()));
    }

    /// Asserts the bound on requests that look for new referrers (DESIGN.md, "Nothing twice").
    fn assert_referrers_cost_little(&self) {
        for (host, source) in self.sources.iter().enumerate() {
            let mut requests = count_requests(source.registry.requests());
            let mut referrers = 0;
            for ((method, path), times) in &requests {
                assert_eq!(*times, 1, "{method} {path} at {}", source.name);
                referrers += usize::from(path.contains("/referrers/"));
            }
            // One request shows that a host lacks the API.
            if HOSTS[host].1 == Referrers::Missing {
                assert_eq!(referrers, 1, "{}", source.name);
            }
            for head in heads(self.source_references(host)).keys() {
                assert_eq!(requests.remove(head), Some(1), "{head:?}");
            }
            let others = requests.into_keys().filter(|(method, path)| {
                let lists = path.contains("/referrers/") || path.ends_with("/tags/list");
                let is_digest_tag = path.contains("/manifests/sha256-");
                !(method == "GET" && lists || method == "HEAD" && is_digest_tag)
            });
            assert_eq!(others.collect::<Vec<_>>(), [], "{}", source.name);
        }
        let requests = count_requests(self.destination.requests());
        for ((method, path), times) in &requests {
            assert_eq!(*times, 1, "{method} {path} at the destination");
        }
        let gets = requests
            .keys()
            .filter(|(method, _)| method == "GET")
            .count();
        assert!(
            gets <= ROWS / TAGS,
            "{gets} GETs for {} indexes",
            ROWS / TAGS
        );
        let heads = Self::destination_references().len() + ROWS / SIGNED;
        assert!(
            requests.len() <= heads + gets,
            "{} requests",
            requests.len()
        );
        assert!(
            requests
                .keys()
                .all(|(method, _)| method == "HEAD" || method == "GET")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_of_2000_rows_sends_the_minimum_of_requests() {
    let mirror = LargeMirror::new().await;
    let first = mirror.sync("");
    assert_conflicts(&first);
    // The two duplicates with equal content are unchanged.
    assert_eq!(count(&first, "copied"), (ROWS - DUPLICATES) as u64);
    assert_eq!(count(&first, "unchanged"), 2);
    for number in 0..ROWS - DUPLICATES {
        let (host, repository, tag) = source_of(number);
        let source = mirror.sources[host].registry.tagged(&repository, &tag);
        assert_eq!(
            mirror.destination.tagged(&repository, &tag),
            source,
            "{number}"
        );
    }
    mirror.assert_signatures();

    let second = mirror.sync("--no-referrers");
    assert_conflicts(&second);
    assert_eq!(count(&second, "unchanged"), (ROWS - 2) as u64);
    mirror.assert_heads_only();

    let third = mirror.sync("");
    assert_conflicts(&third);
    assert_eq!(count(&third, "unchanged"), (ROWS - 2) as u64);
    mirror.assert_referrers_cost_little();
}
