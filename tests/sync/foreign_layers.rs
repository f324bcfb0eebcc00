//! Foreign layers, which an image leaves at the URLs of their publisher.

use embedded_registry::images::{Bundle, Format, Image, Layer, Platform};
use embedded_registry::{Registry, RunningRegistry};
use testkit::FileServer;

use crate::environment::{TestEnvironment, registry_with};

fn image(layers: [Layer; 2]) -> Bundle {
    let image = Image::new(Format::Docker, Platform::linux("amd64"));
    layers.into_iter().fold(image, Image::layer).build()
}

/// Starts a source with an image whose base layer is at a URL.
async fn source(url: &str) -> RunningRegistry {
    let registry = Registry::new().access_log(1000).start().await.unwrap();
    let base = Layer::random(1, 300_000).unwrap().foreign(url);
    let own = Layer::random(2, 1000).unwrap();
    image([base, own]).push(&registry, "windows", Some("ltsc"));
    registry
}

/// Returns the content of the base layer.
fn base() -> (String, Vec<u8>) {
    let whole = image([
        Layer::random(1, 300_000).unwrap(),
        Layer::random(2, 1000).unwrap(),
    ]);
    let blobs = whole.blobs();
    let base = blobs
        .into_iter()
        .max_by_key(|blob| blob.bytes().len())
        .unwrap();
    (base.digest().to_string(), base.bytes().to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_layer_is_left_out_and_reported_or_fetched_where_permitted() {
    let environment = TestEnvironment::new();
    let server = FileServer::start(&environment.path("")).await;
    let (digest, content) = base();
    environment.write("layer", &content);
    let from = source(&format!("{}/layer", server.url())).await;
    let to = registry_with(&[]).await;
    let list = format!("{}/windows {}/windows ltsc\n", from.host(), to.host());
    environment.write("images-list", list);
    let left = environment.mirror("sync").exits(0);
    assert!(
        left.stdout.contains("1 foreign layer stays at its URLs"),
        "{left:?}"
    );
    assert!(server.requests().is_empty());
    let copy = |name: &str, options: &str| {
        let (from, to) = (from.host(), to.host());
        environment.mirror(&format!(
            "copy {from}/windows:ltsc {to}/{name} --foreign-layers {options}"
        ))
    };
    let refused = copy("refused", "").exits(3);
    assert!(refused.stdout.contains("is not https"), "{refused:?}");
    assert!(refused.stdout.contains("--insecure"), "{refused:?}");
    assert!(
        crate::environment::tags_of(&to.host(), "refused")
            .await
            .is_empty()
    );
    assert!(server.requests().is_empty(), "nothing was fetched");
    let insecure = format!("--insecure {}", server.address());
    copy("fetched", &insecure).exits(0);
    let blob = environment.stdout_of(
        &testkit::program("crane").display().to_string(),
        &[
            "manifest",
            "--insecure",
            &format!("{}/fetched:ltsc", to.host()),
        ],
    );
    assert!(blob.contains(&digest));
    let requests = to.requests();
    let uploads = requests.iter().filter(|request| {
        request.method == http::Method::PUT && request.query.contains(&digest.replace(':', "%3A"))
    });
    assert_eq!(uploads.count(), 1, "{requests:?}");
    assert_eq!(server.requests(), ["/layer"]);
    // Another repository mounts it, or another run finds it.
    environment
        .mirror(&format!("sync --foreign-layers {insecure}"))
        .exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_layer_with_other_content_or_without_any_fails_the_row() {
    let environment = TestEnvironment::new();
    let server = FileServer::start(&environment.path("")).await;
    let (digest, content) = base();
    let insecure = format!("--insecure {}", server.address());
    let from = source(&format!("{}/layer", server.url())).await;
    let mut damaged = content;
    damaged[1000] ^= 1;
    environment.write("layer", &damaged);
    let other = registry_with(&[]).await;
    let from = from.host();
    let to = other.host();
    let wrong = environment
        .mirror(&format!(
            "copy {from}/windows:ltsc {to}/a --foreign-layers {insecure}"
        ))
        .exits(3);
    assert!(wrong.stdout.contains(&digest), "{wrong:?}");
    assert!(crate::environment::tags_of(&to, "a").await.is_empty());
    environment.write("layer", "");
    std::fs::remove_file(environment.path("layer")).unwrap();
    let missing = environment
        .mirror(&format!(
            "copy {from}/windows:ltsc {to}/a --foreign-layers {insecure}"
        ))
        .exits(3);
    assert!(missing.stdout.contains("404"), "{missing:?}");
}
