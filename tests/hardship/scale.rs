//! Two thousand rows from several hosts: everything is copied in little
//! memory, and asked for again with as few requests as there can be.

use std::collections::{BTreeMap, BTreeSet};

use embedded_registry::images::{
    Artifact, Bundle, Format, Image, Index, Layer, Platform, digest_tag,
};
use embedded_registry::{LoggedRequest, Referrers, Registry, RunningRegistry};
use serde_json::Value;

use super::watched::{BOUND, Watched, watch};
use crate::environment::TestEnvironment;

/// Rows of the list, those at its end included.
const ROWS: usize = 2_000;
/// Rows whose destination an earlier row fills: one that is the same row again,
/// one of another source with the same content, two with other content.
const LATER: usize = 4;
const TAGS: usize = 10;
/// One row in so many has a signature.
const SIGNED: usize = 100;
/// Source hosts, and whether their registry has the referrers API.
const HOSTS: [(&str, Referrers); 4] = [
    ("quay.io", Referrers::Api),
    ("ghcr.io", Referrers::Missing),
    ("docker.io", Referrers::Missing),
    ("registry.k8s.io", Referrers::Api),
];
const TARGET: &str = "registry.example.com";
const LOG: usize = 200_000;

/// An image of a few hundred bytes above a base that all share; every tenth is
/// an index for two platforms.
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

/// With a referrer where there is an API to find it by, else with a digest tag.
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

struct Scale {
    environment: TestEnvironment,
    sources: Vec<Source>,
    target: RunningRegistry,
}

/// Where the row of that number comes from: host, repository, tag.
fn place(number: usize) -> (usize, String, String) {
    let group = number / TAGS;
    let repository = format!("org/image-{group}");
    (
        group % HOSTS.len(),
        repository,
        format!("v{}", number % TAGS),
    )
}

impl Scale {
    async fn new() -> Self {
        let target = Registry::new().access_log(LOG).start().await.unwrap();
        let mut sources = Vec::new();
        for (name, referrers) in HOSTS {
            let registry = Registry::new().access_log(LOG).referrers(referrers);
            let registry = registry.start().await.unwrap();
            sources.push(Source { name, registry });
        }
        let scale = Self {
            environment: TestEnvironment::new(),
            sources,
            target,
        };
        let mut list = String::new();
        for number in 0..ROWS - LATER {
            let (host, repository, tag) = place(number);
            let Source { name, registry } = &scale.sources[host];
            let image = image(number);
            image.push(registry, &repository, Some(&tag));
            if number % SIGNED == 0 {
                sign(&image, registry, &repository, HOSTS[host].1);
            }
            list += &format!("{name}/{repository} {TARGET}/{repository} {tag}\n");
        }
        list += &scale.later_rows();
        scale.environment.write("images-list", list);
        scale.write_registries_conf();
        scale
    }

    fn later_rows(&self) -> String {
        let registry = &self.sources[0].registry;
        image(1).push(registry, "org/same", Some("v1"));
        image(5_001).push(registry, "org/other", Some("v1"));
        image(5_002).push(registry, "org/other", Some("v2"));
        let row = |from: &str, tag| format!("quay.io/{from} {TARGET}/org/image-0 {tag}\n");
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
        let hosts = sources.chain([(TARGET, self.target.host())]);
        let table = |(prefix, location)| {
            format!("[[registry]]\nprefix = \"{prefix}\"\nlocation = \"{location}\"\n")
        };
        let tables: String = hosts.map(table).collect();
        self.environment.write("registries.conf", tables);
    }

    /// Every signature came along.
    fn assert_signatures(&self) {
        for number in (0..ROWS - LATER).step_by(SIGNED) {
            let (host, repository, _) = place(number);
            let (image, registry) = (image(number), &self.sources[host].registry);
            if HOSTS[host].1 == Referrers::Missing {
                let tag = digest_tag(image.digest(), Some("sig"));
                let signature = self.target.tagged(&repository, &tag);
                assert_eq!(signature, registry.tagged(&repository, &tag), "{number}");
            } else {
                let signature = Artifact::new("application/vnd.example.signature");
                let signature = signature.subject(&image).build();
                let found = self.target.manifest(&repository, signature.digest());
                assert!(found.is_some(), "{number} lost its signature");
            }
        }
    }

    async fn sync(&self, options: &str) -> Value {
        for source in &self.sources {
            source.registry.clear_requests();
        }
        self.target.clear_requests();
        let line = format!("sync --registries-conf registries.conf --output json {options}");
        let Watched {
            finished,
            peak,
            duration,
        } = watch(&self.environment, &line).await;
        let document = finished.exits(1).json();
        println!(
            "sync {options}: {peak} KiB, {:.1} s, {} requests",
            duration.as_secs_f64(),
            document["summary"]["requests"],
        );
        assert!(peak < BOUND, "{peak} KiB for {ROWS} rows");
        document
    }
}

fn count(document: &Value, status: &str) -> u64 {
    document["summary"][status].as_u64().unwrap()
}

/// The two rows at the end of the list, and no other, conflict with earlier ones.
fn assert_conflicts(document: &Value) {
    let rows = document["rows"].as_array().unwrap();
    assert_eq!(rows.len(), ROWS);
    for (number, row) in rows.iter().enumerate() {
        let conflicts = number >= ROWS - 2;
        assert_eq!(row["status"] == "failed", conflicts, "{row}");
        let message = row["error"]["message"].as_str().unwrap_or_default();
        let told = message.contains("registry.example.com/org/image-0")
            && message.contains("quay.io/org/image-0");
        assert_eq!(told, conflicts, "{row}");
    }
    assert_eq!(count(document, "failed"), 2);
}

type Counted = BTreeMap<(String, String), usize>;

fn counted(requests: Vec<LoggedRequest>) -> Counted {
    let mut counted = Counted::new();
    for request in requests {
        *counted
            .entry((request.method.to_string(), request.path))
            .or_default() += 1;
    }
    counted
}

/// One HEAD of each distinct reference, and nothing else.
fn heads(references: BTreeSet<String>) -> Counted {
    let head = |path| (("HEAD".to_owned(), path), 1);
    references.into_iter().map(head).collect()
}

fn manifest(repository: &str, tag: &str) -> String {
    format!("/v2/{repository}/manifests/{tag}")
}

impl Scale {
    fn source_references(&self, host: usize) -> BTreeSet<String> {
        let rows = (0..ROWS - LATER).map(place);
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

    fn target_references() -> BTreeSet<String> {
        let rows = (0..ROWS - LATER).map(place);
        rows.map(|(_, repository, tag)| manifest(&repository, &tag))
            .collect()
    }

    fn assert_heads_only(&self) {
        for (host, source) in self.sources.iter().enumerate() {
            let asked = counted(source.registry.requests());
            assert_eq!(
                asked,
                heads(self.source_references(host)),
                "{}",
                source.name
            );
        }
        let asked = counted(self.target.requests());
        assert_eq!(asked, heads(Self::target_references()));
    }

    /// What asking for later referrers may add (DESIGN: "Nothing twice").
    fn assert_referrers_cost_little(&self) {
        for (host, source) in self.sources.iter().enumerate() {
            let mut asked = counted(source.registry.requests());
            let mut referrers = 0;
            for ((method, path), times) in &asked {
                assert_eq!(*times, 1, "{method} {path} at {}", source.name);
                referrers += usize::from(path.contains("/referrers/"));
            }
            // At a host without the API one request found out.
            if HOSTS[host].1 == Referrers::Missing {
                assert_eq!(referrers, 1, "{}", source.name);
            }
            for head in heads(self.source_references(host)).keys() {
                assert_eq!(asked.remove(head), Some(1), "{head:?}");
            }
            let others = asked.into_keys().filter(|(method, path)| {
                let lists = path.contains("/referrers/") || path.ends_with("/tags/list");
                let is_digest_tag = path.contains("/manifests/sha256-");
                !(method == "GET" && lists || method == "HEAD" && is_digest_tag)
            });
            assert_eq!(others.collect::<Vec<_>>(), [], "{}", source.name);
        }
        let asked = counted(self.target.requests());
        for ((method, path), times) in &asked {
            assert_eq!(*times, 1, "{method} {path} at the destination");
        }
        let gets = asked.keys().filter(|(method, _)| method == "GET").count();
        assert!(
            gets <= ROWS / TAGS,
            "{gets} GETs for {} indexes",
            ROWS / TAGS
        );
        let heads = Self::target_references().len() + ROWS / SIGNED;
        assert!(asked.len() <= heads + gets, "{} requests", asked.len());
        assert!(
            asked
                .keys()
                .all(|(method, _)| method == "HEAD" || method == "GET")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_rows_are_copied_and_asked_for_once() {
    let scale = Scale::new().await;
    let first = scale.sync("").await;
    assert_conflicts(&first);
    // The second row of equal content is done too, with nothing left to do.
    assert_eq!(count(&first, "copied"), (ROWS - LATER) as u64);
    assert_eq!(count(&first, "unchanged"), 2);
    for number in 0..ROWS - LATER {
        let (host, repository, tag) = place(number);
        let source = scale.sources[host].registry.tagged(&repository, &tag);
        assert_eq!(scale.target.tagged(&repository, &tag), source, "{number}");
    }
    scale.assert_signatures();

    let second = scale.sync("--no-referrers").await;
    assert_conflicts(&second);
    assert_eq!(count(&second, "unchanged"), (ROWS - 2) as u64);
    scale.assert_heads_only();

    let third = scale.sync("").await;
    assert_conflicts(&third);
    assert_eq!(count(&third, "unchanged"), (ROWS - 2) as u64);
    scale.assert_referrers_cost_little();
}
