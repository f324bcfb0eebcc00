//! Bundles that carry foreign layers, which an image leaves at the URLs of their publisher.

use std::fs;
use std::process::Stdio;

use embedded_registry::images::{Bundle, Format, Image, Layer, Platform};
use embedded_registry::{Registry, RunningRegistry, digest_of};
use serde_json::Value;
use tempfile::TempDir;
use testkit::certificates::Authority;
use testkit::processes::{Nginx, free_address};
use testkit::proxy::{Action, FaultProxy, Rule};

use super::source::{DESTINATION, assert_consistent, unpack};
use crate::environment::{CommandOutput, TestEnvironment, block};

/// The size of the layer's content.
const SIZE: usize = 300_000;

/// nginx over TLS with a foreign layer, a registry with images on it, and a list of them.
struct Stage {
    environment: TestEnvironment,
    source: RunningRegistry,
    publisher: Nginx,
    /// The files of the publisher.
    files: TempDir,
    layer: Vec<u8>,
    digest: String,
}

impl Stage {
    async fn start() -> Self {
        let files = tempfile::tempdir().unwrap();
        let layer = content();
        let write = |name: &str, bytes: &[u8]| fs::write(files.path().join(name), bytes).unwrap();
        write("layer", &layer);
        let certificate = Authority::new("publisher").server();
        write("crt", certificate.certificate().as_bytes());
        write("key", certificate.key().as_bytes());
        let address = free_address();
        let root = files.path().display();
        let servers = format!(
            "server {{ listen {address} ssl; ssl_certificate {root}/crt; ssl_certificate_key {root}/key; \
             root {root}; }}"
        );
        let stage = Self {
            environment: TestEnvironment::new(),
            source: Registry::new().access_log(10_000).start().await.unwrap(),
            publisher: Nginx::serve(address, &servers).await,
            digest: digest_of(&layer).to_string(),
            files,
            layer,
        };
        let url = format!("https://{address}/layer");
        image(&url, 1).push(&stage.source, "windows", Some("1"));
        image(&url, 2).push(&stage.source, "core", Some("1"));
        stage.write_list(&["windows"]);
        stage
    }

    fn write_list(&self, names: &[&str]) {
        let host = self.source.host();
        let lines = names
            .iter()
            .map(|name| format!("{host}/{name} {DESTINATION}/{name} 1\n"));
        self.environment
            .write("images-list", lines.collect::<String>());
    }

    /// Returns the arguments that fetch foreign layers from the publisher.
    fn permitted(&self) -> String {
        format!("--foreign-layers --insecure {}", self.publisher.host())
    }

    fn export(&self, arguments: &str) -> Value {
        let line = format!("export {arguments} --output json");
        self.environment.mirror(&line).exits(0).json()
    }

    fn import(&self, bundle: &str, is_piped: bool, to: &RunningRegistry) -> Value {
        let mut command = self.environment.mirror_command();
        command.args(["import", "--output", "json", "--dest-registry", &to.host()]);
        if is_piped {
            let file = fs::File::open(self.environment.path(bundle)).unwrap();
            command.arg("-").stdin(Stdio::from(file));
        } else {
            command.arg(bundle);
        }
        let output = CommandOutput::with_debug_log(block(|| command.output().unwrap()));
        output.exits(0).json()
    }

    fn has_layer(&self, registry: &RunningRegistry, repository: &str) -> bool {
        let found = registry.blob(repository, &self.digest.parse().unwrap());
        found.is_some_and(|found| found == self.layer)
    }
}

/// Returns an image with a foreign layer and one of its own.
fn image(url: &str, seed: u64) -> Bundle {
    let foreign = Layer::random(9, SIZE).unwrap().foreign(url);
    Image::new(Format::Docker, Platform::windows("amd64", "10.0.20348.1"))
        .layer(foreign)
        .layer(Layer::random(100 + seed, 1_000).unwrap())
        .build()
}

/// Returns the content of the foreign layer.
fn content() -> Vec<u8> {
    let image = Image::new(Format::Docker, Platform::linux("amd64"));
    let image = image.layer(Layer::random(9, SIZE).unwrap()).build();
    let layer = image
        .blobs()
        .into_iter()
        .max_by_key(|blob| blob.bytes().len());
    layer.unwrap().bytes().to_vec()
}

/// Returns the number of uploads of a blob.
fn uploads(registry: &RunningRegistry, digest: &str) -> usize {
    let requests = registry.requests();
    let query = digest.replace(':', "%3A");
    let uploads = requests
        .iter()
        .filter(|request| request.query.contains(&format!("digest={query}")));
    uploads.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_layers_are_in_the_bundle_only_where_their_host_is_permitted() {
    let stage = Stage::start().await;
    let environment = &stage.environment;
    let refused = environment
        .mirror("export out.tar --foreign-layers")
        .exits(3);
    let cause = "loopback, link-local or private address";
    assert!(refused.stdout.contains(cause), "{refused:?}");
    assert!(refused.stdout.contains("--insecure"), "{refused:?}");
    let permitted = stage.permitted();
    let planned = stage.export(&format!("out.tar {permitted} --dry-run"));
    assert_eq!(stage.publisher.requests(), [], "nothing was fetched");
    assert!(!environment.path("out.tar").exists());
    let report = stage.export(&format!("out.tar {permitted}"));
    let size = fs::metadata(environment.path("out.tar")).unwrap().len();
    let (planned, summary) = (&planned["summary"], &report["summary"]);
    assert_eq!(planned["archive_bytes"], size, "the plan is exact");
    assert_eq!(summary["archive_bytes"], size);
    assert_eq!(planned["download_bytes"], summary["downloaded_bytes"]);
    assert!(size > SIZE as u64);
    assert_eq!(summary["foreign_layers_included"], 1, "{report}");
    assert_eq!(summary["foreign_layers"], 0, "{report}");
    assert_eq!(report["rows"][0]["warnings"], Value::Array(Vec::new()));
    let files = unpack(&environment.path("out.tar"));
    let contents = assert_consistent(&files);
    assert_eq!(contents["foreignLayers"][0]["digest"], stage.digest);
    assert_eq!(contents["foreignLayers"][0]["included"], true);
    let path = format!("blobs/{}", stage.digest.replace(':', "/"));
    assert_eq!(files[&path], stage.layer);
    stage.export(&format!("out.tar {permitted}"));
    assert_eq!(stage.publisher.requests().len(), 1, "fetched once");
    environment.mirror("bundle verify out.tar").exits(0);
    let shown = environment.mirror("bundle inspect out.tar").exits(0);
    assert!(shown.stdout.contains("is in the bundle"), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn import_sends_foreign_layers_of_the_bundle_once() {
    let stage = Stage::start().await;
    stage.write_list(&["core", "windows"]);
    let permitted = stage.permitted();
    for (bundle, is_piped) in [
        ("out.tar", false),
        ("out.tar", true),
        ("out.tar.zst", false),
        ("directory", false),
    ] {
        stage.export(&format!("{bundle} {permitted}"));
        let fetched = stage.publisher.requests().len();
        let far_side = Registry::new().access_log(10_000).start().await.unwrap();
        let report = stage.import(bundle, is_piped, &far_side);
        assert_eq!(report["summary"]["copied"], 2, "{bundle} {report}");
        for row in report["rows"].as_array().unwrap() {
            assert_eq!(row["warnings"], Value::Array(Vec::new()), "{bundle}");
        }
        for repository in ["mirror/core", "mirror/windows"] {
            assert!(stage.has_layer(&far_side, repository), "{bundle}");
        }
        assert_eq!(uploads(&far_side, &stage.digest), 1, "{bundle}");
        let again = stage.import(bundle, is_piped, &far_side);
        assert_eq!(again["summary"]["unchanged"], 2, "{bundle} {again}");
        assert_eq!(uploads(&far_side, &stage.digest), 1, "{bundle}");
        assert_eq!(stage.publisher.requests().len(), fetched, "{bundle}");
    }
    // Without the option, they are left out on both sides.
    stage.export("without.tar");
    let far_side = Registry::new().start().await.unwrap();
    let report = stage.import("without.tar", false, &far_side);
    let warning = report["rows"][0]["warnings"][0].as_str().unwrap();
    assert!(
        warning.contains("1 foreign layer stays at its URLs"),
        "{warning}"
    );
    assert!(!stage.has_layer(&far_side, "mirror/core"));
}

#[tokio::test(flavor = "multi_thread")]
async fn delta_carries_a_foreign_layer_only_if_the_far_side_lacks_it() {
    let stage = Stage::start().await;
    let environment = &stage.environment;
    let permitted = stage.permitted();
    stage.export(&format!("with.tar {permitted}"));
    stage.export("without.tar");
    stage.write_list(&["core", "windows"]);
    for (first, is_there) in [("with.tar", true), ("without.tar", false)] {
        for base in [first, "inventory.json"] {
            let far_side = Registry::new().access_log(10_000).start().await.unwrap();
            let host = far_side.host();
            stage.import(first, false, &far_side);
            // Bundles name the destinations of the list, inventories those that they have read.
            let renamed = match base {
                "inventory.json" => format!("--dest-registry {host}"),
                _ => String::new(),
            };
            if base == "inventory.json" {
                let inventory = environment.mirror(&format!("inventory {renamed}"));
                environment.write(base, inventory.exits(0).stdout);
            }
            let fetched = stage.publisher.requests().len();
            let line = format!("delta.tar --base {base} {renamed} {permitted}");
            let report = stage.export(&line);
            let case = format!("{first} {base} {report}");
            let included = u64::from(!is_there);
            let summary = &report["summary"];
            assert_eq!(summary["foreign_layers_included"], included, "{case}");
            assert_eq!(summary["foreign_layers"], 0, "{case}");
            let fetched = stage.publisher.requests().len() - fetched;
            assert_eq!(fetched as u64, included, "{case}");
            let contents = assert_consistent(&unpack(&environment.path("delta.tar")));
            let mut required = contents["requires"].as_array().unwrap().iter();
            let is_required = required.any(|required| required["digest"] == stage.digest);
            assert_eq!(is_required, is_there, "{case}");
            stage.import("delta.tar", false, &far_side);
            assert!(stage.has_layer(&far_side, "mirror/core"), "{case}");
            assert_eq!(uploads(&far_side, &stage.digest), 1, "{case}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_layer_that_breaks_off_is_resumed_and_a_missing_one_fails_the_archive() {
    let stage = Stage::start().await;
    let environment = &stage.environment;
    let address = free_address();
    let root = stage.files.path().display();
    let plain = format!("server {{ listen {address}; root {root}; }}");
    let _plain = Nginx::serve(address, &plain).await;
    let proxy = FaultProxy::start(address).await;
    image(&format!("http://{}/layer", proxy.host()), 1).push(&stage.source, "windows", Some("1"));
    let options = format!("--foreign-layers --insecure {}", proxy.host());
    let layer = stage.files.path().join("layer");
    fs::remove_file(&layer).unwrap();
    let failed = environment
        .mirror(&format!("export out.tar {options}"))
        .exits(1);
    assert!(failed.stdout.contains(&stage.digest), "{failed:?}");
    assert!(failed.stdout.contains("404"), "{failed:?}");
    assert!(!environment.path("out.tar").exists());
    fs::write(&layer, &stage.layer).unwrap();
    proxy.clear_requests();
    proxy.add(
        Rule::new("GET", "/layer")
            .first(1)
            .does(Action::Truncate { after: 100_000 }),
    );
    let report = stage.export(&format!("out.tar {options}"));
    let downloaded = report["summary"]["downloaded_bytes"].as_u64().unwrap();
    assert_eq!(downloaded, stage.layer.len() as u64, "the others are kept");
    let requests = proxy.requests();
    let ranges: Vec<_> = requests
        .iter()
        .map(|request| request.header("range"))
        .collect();
    assert!(
        matches!(ranges[..], [None, Some(range)] if range.starts_with("bytes=")),
        "{ranges:?}"
    );
    assert_consistent(&unpack(&environment.path("out.tar")));
}
