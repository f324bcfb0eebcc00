//! The destination of `mirror copy`.

use embedded_registry::Registry;
use embedded_registry::images::{Platform, sample_image};

use crate::environment::TestEnvironment;

#[tokio::test(flavor = "multi_thread")]
async fn tag_with_digest_is_written_as_the_tag_or_refused() {
    let registry = Registry::new().start().await.unwrap();
    let image = sample_image("app", 1, &[Platform::linux("amd64")], 1).unwrap();
    image.push(&registry, "app", Some("v1"));
    let host = registry.host();
    let digest = image.digest().to_owned();
    let other = format!("sha256:{}", "0".repeat(64));
    let environment = TestEnvironment::new();
    for (source, destination, written) in [
        (
            format!("app@{digest}"),
            format!("a:v2@{digest}"),
            Some("a:v2"),
        ),
        (
            format!("app:v1@{digest}"),
            format!("b:v2@{digest}"),
            Some("b:v2"),
        ),
        (format!("app:v1@{digest}"), "c".to_owned(), Some("c:v1")),
        ("app:v1".to_owned(), format!("d:v2@{digest}"), None),
        (format!("app@{digest}"), format!("e:v2@{other}"), None),
    ] {
        let line = format!("copy {host}/{source} {host}/{destination}");
        let output = environment.mirror(&line);
        match written {
            Some(written) => {
                output.exits(0);
                let (repository, tag) = written.split_once(':').unwrap();
                let found = registry.tagged(repository, tag);
                assert!(found.is_some(), "{line}");
            }
            None => {
                let output = output.exits(2);
                assert!(
                    output.stderr.contains("the source does not name"),
                    "{output:?}"
                );
                assert!(output.stderr.contains("`mirror copy "), "{output:?}");
            }
        }
    }
}
