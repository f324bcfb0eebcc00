//! Manifests: unchanged bytes, verified.

use embedded_registry::Registry;
use image_name::Digest;
use registry_client::{Error, Manifest, sha256_digest};
use testkit::processes::{Distribution, Version};
use testkit::proxy::{Action, Rule};

use crate::setup::{INDEX, Setup, index, manifest_reference, pull, push, start, tag};

#[tokio::test]
async fn head_manifest_falls_back_to_one_get() {
    let (registry, proxy) = start().await;
    let digest = registry.put_manifest("a", Some("1"), INDEX, index("x"));
    let digest = Digest::try_from(digest).unwrap();
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    let head = repository.head_manifest(tag("1")).await.unwrap().unwrap();
    assert_eq!(
        (&head.digest, head.media_type.as_deref()),
        (&digest, Some(INDEX))
    );
    assert_eq!(head.size, Some(index("x").len() as u64));
    assert_eq!(proxy.count("GET", ""), 0);
    for action in [
        Action::DropHeader("docker-content-digest"),
        Action::SetHeader("docker-content-digest", "nonsense".to_owned()),
        Action::answer(204).body("").into(),
        Action::answer(400).into(),
        Action::answer(405).into(),
        Action::answer(406).into(),
        Action::answer(410).into(),
        Action::answer(501).into(),
    ] {
        let shown = format!("{action:?}");
        proxy.clear_rules();
        proxy.clear_requests();
        proxy.add(Rule::new("HEAD", "/manifests/").does(action));
        let again = repository.head_manifest(tag("1")).await.unwrap().unwrap();
        assert_eq!(again.digest, digest, "{shown}");
        assert_eq!(proxy.requests().len(), 2, "{shown}");
    }
    for status in [404, 429, 500] {
        proxy.clear_rules();
        proxy.clear_requests();
        proxy.add(
            Rule::new("HEAD", "/manifests/")
                .first(1)
                .does(Action::answer(status)),
        );
        repository.head_manifest(tag("1")).await.unwrap();
        assert_eq!(proxy.count("GET", ""), 0, "{status}");
    }
}

/// The digest header of a request by digest, and whether it is believed, ignored or a failure.
#[tokio::test]
async fn digest_header_of_another_algorithm_is_ignored() {
    let (registry, proxy) = start().await;
    let digest = registry.put_manifest("a", Some("1"), INDEX, index("x"));
    let digest = Digest::try_from(digest).unwrap();
    let manifest = Manifest {
        bytes: index("x"),
        media_type: INDEX.to_owned(),
        digest: digest.clone(),
    };
    let other = |algorithm: &str, length| format!("{algorithm}:{}", "0".repeat(length));
    let cases = [
        (digest.to_string(), true),
        (other("sha512", 128), true),
        (other("md5", 32), true),
        (other("sha256", 64), false),
        ("sha256:short".to_owned(), false),
    ];
    let repository = push(&Setup::new().client(), &proxy.host(), "a");
    for (header, succeeds) in cases {
        proxy.clear_rules();
        proxy.clear_requests();
        let action = Action::SetHeader("docker-content-digest", header.clone());
        proxy.add(Rule::new("", "/manifests/").does(action));
        let head = repository.head_manifest(&digest).await;
        let put = repository.put_manifest(&digest, &manifest).await;
        if succeeds {
            assert_eq!(head.unwrap().unwrap().digest, digest, "{header}");
            put.unwrap();
        } else {
            let [head, put] = [head.map(drop).unwrap_err(), put.map(drop).unwrap_err()];
            for error in [head, put] {
                assert!(
                    matches!(error, Error::DigestMismatch { .. }),
                    "{header}: {error}"
                );
            }
        }
        // The bytes have the digest, whatever the header says.
        let read = repository.manifest(&digest).await.unwrap().unwrap();
        assert_eq!(read.digest, digest, "{header}");
    }
}

#[tokio::test]
async fn content_type_of_a_web_server_is_ignored() {
    let (registry, proxy) = start().await;
    let untyped = r#"{"schemaVersion":2,"manifests":[]}"#;
    registry.put_manifest("a", Some("1"), INDEX, untyped.into());
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    for generic in ["text/html", "text/plain; charset=utf-8", "application/json"] {
        proxy.clear_rules();
        let action = Action::SetHeader("content-type", generic.to_owned());
        proxy.add(Rule::new("", "/manifests/").does(action));
        let head = repository.head_manifest(tag("1")).await.unwrap().unwrap();
        assert_eq!(head.media_type, None, "{generic}");
        let manifest = repository.manifest(tag("1")).await.unwrap().unwrap();
        assert_eq!(manifest.media_type, INDEX, "{generic}");
    }
}

#[tokio::test]
async fn put_with_another_status_of_success_is_checked() {
    let manifest = Manifest {
        bytes: index("x"),
        media_type: INDEX.to_owned(),
        digest: sha256_digest(&index("x")),
    };
    for status in [200, 202, 203, 204, 206] {
        for is_stored in [true, false] {
            let (registry, proxy) = start().await;
            if is_stored {
                registry.put_manifest("a", Some("1"), INDEX, index("x"));
            }
            proxy.add(Rule::new("PUT", "").does(Action::answer(status).body("")));
            let repository = push(&Setup::new().client(), &proxy.host(), "a");
            let put = repository.put_manifest(tag("1"), &manifest).await;
            assert_eq!(put.is_ok(), is_stored, "{status}: {put:?}");
        }
    }
}

#[tokio::test]
async fn manifest_with_a_wrong_digest_is_refused() {
    let (registry, proxy) = start().await;
    let digest = registry.put_manifest("a", Some("1"), INDEX, index("x"));
    proxy.add(Rule::new("GET", "/manifests/").does(Action::FlipByte { at: 5 }));
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    for reference in ["1", digest.as_ref()] {
        let error = repository
            .manifest(manifest_reference(reference))
            .await
            .unwrap_err();
        assert!(
            matches!(error, Error::DigestMismatch { .. }),
            "{reference}: {error}"
        );
    }
    assert_eq!(proxy.requests().len(), 2);
}

#[tokio::test]
async fn manifest_beyond_the_limit_is_refused() {
    let (_registry, proxy) = start().await;
    let huge = Action::answer(200).body(vec![b' '; 9 * 1024 * 1024]);
    proxy.add(Rule::new("GET", "/manifests/").does(huge));
    let error = pull(&Setup::new().client(), &proxy.host(), "a")
        .manifest(tag("1"))
        .await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    assert_eq!(proxy.requests().len(), 1);
}

#[tokio::test]
async fn put_manifest_keeps_bytes_and_media_type() {
    let source = Registry::new().start().await.unwrap();
    let target = Registry::new().start().await.unwrap();
    let client = Setup::new().client();
    let (from, to) = (
        pull(&client, &source.host(), "a"),
        push(&client, &target.host(), "b"),
    );
    // Whitespace, order and escapes that our serializer would not produce.
    let odd = |media_type: &str| {
        format!(
            "{{ \"manifests\" : [],\n\t\"schemaVersion\":2, \"mediaType\": \"{media_type}\",\"x\":\"\\u00e9\"}}\n\n"
        )
    };
    let types = [
        INDEX,
        "application/vnd.Example+JSON",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    ];
    let cases = types.map(|media_type| (media_type, odd(media_type)));
    for (media_type, text) in cases {
        source.put_manifest("a", Some("1"), media_type, text.clone().into());
        let manifest = from.manifest(tag("1")).await.unwrap().unwrap();
        to.put_manifest(tag("1"), &manifest).await.unwrap();
        let stored = target.tagged("b", "1").unwrap();
        assert_eq!(
            (stored.media_type.as_str(), &stored.bytes[..]),
            (media_type, text.as_bytes())
        );
    }
}

#[tokio::test]
async fn put_manifest_succeeds_by_tag_and_digest() {
    for version in [Version::V2, Version::V3] {
        let registry = Distribution::new().version(version).start().await;
        let repository = push(&Setup::new().client(), &registry.host(), "a");
        let bytes = index("x");
        let manifest = Manifest {
            digest: sha256_digest(&bytes),
            media_type: INDEX.to_owned(),
            bytes,
        };
        repository.put_manifest(tag("1"), &manifest).await.unwrap();
        repository
            .put_manifest(&manifest.digest, &manifest)
            .await
            .unwrap();
        assert_eq!(
            repository.manifest(tag("1")).await.unwrap().unwrap(),
            manifest,
            "{version:?}"
        );
        assert!(repository.manifest(tag("2")).await.unwrap().is_none());
        assert!(repository.head_manifest(tag("2")).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn put_of_an_immutable_tag_succeeds_when_the_digest_is_equal() {
    let (registry, proxy) = start().await;
    let bytes = index("x");
    let digest = registry.put_manifest("a", Some("1"), INDEX, bytes.clone());
    registry.put_manifest("a", Some("2"), INDEX, index("other"));
    let manifest = Manifest {
        digest: digest.try_into().unwrap(),
        media_type: INDEX.to_owned(),
        bytes,
    };
    let repository = push(&Setup::new().client(), &proxy.host(), "a");
    for status in [400, 403, 405, 409, 412] {
        proxy.clear_rules();
        proxy.clear_requests();
        proxy.add(Rule::new("PUT", "/manifests/").does(Action::answer(status)));
        repository.put_manifest(tag("1"), &manifest).await.unwrap();
        for other in ["2", "missing"] {
            let put = repository.put_manifest(tag(other), &manifest).await;
            let error = put.unwrap_err();
            assert_eq!(error.status().map(|s| s.as_u16()), Some(status), "{other}");
        }
        assert_eq!(proxy.count("PUT", ""), 3, "{status}");
    }
}

#[tokio::test]
async fn put_manifest_fails_when_the_registry_reports_another_digest() {
    let (_registry, proxy) = start().await;
    let other = sha256_digest(b"other").to_string();
    proxy.add(Rule::new("PUT", "").does(Action::SetHeader("docker-content-digest", other)));
    let bytes = index("x");
    let manifest = Manifest {
        digest: sha256_digest(&bytes),
        media_type: INDEX.to_owned(),
        bytes,
    };
    let put = push(&Setup::new().client(), &proxy.host(), "a")
        .put_manifest(tag("1"), &manifest)
        .await;
    assert!(matches!(put.unwrap_err(), Error::DigestMismatch { .. }));
}

#[tokio::test]
async fn put_manifest_fails_on_a_sign_in_page() {
    let (registry, proxy) = start().await;
    let bytes = index("x");
    let manifest = Manifest {
        digest: sha256_digest(&bytes),
        media_type: INDEX.to_owned(),
        bytes: bytes.clone(),
    };
    let target = push(&Setup::new().client(), &proxy.host(), "a");
    for (status, stored) in [(200, false), (202, false), (200, true)] {
        proxy.clear_rules();
        if stored {
            registry.put_manifest("a", Some("1"), INDEX, bytes.clone());
        }
        let page = Action::answer(status).body("<html>Sign in</html>");
        proxy.add(Rule::new("PUT", "/manifests/").does(page));
        let put = target.put_manifest(tag("1"), &manifest).await;
        assert_eq!(put.is_ok(), stored, "{status}: {put:?}");
        let message = put
            .map_err(|error| error.to_string())
            .err()
            .unwrap_or_default();
        assert!(stored || message.contains("does not exist"), "{message}");
    }
}

#[tokio::test]
async fn damaged_manifest_is_written_again() {
    let bytes = index("x");
    let manifest = Manifest {
        digest: sha256_digest(&bytes),
        media_type: INDEX.to_owned(),
        bytes,
    };
    // A flip in the marker keeps the JSON valid.
    let at = manifest.bytes.iter().rposition(|byte| *byte == b'x');
    let at = at.unwrap() as u64;
    // Under a tag the registry stores it as another manifest; under its digest it refuses it.
    for reference in ["1", manifest.digest.as_ref()] {
        for (damaged, stored) in [(2, true), (3, false)] {
            let (registry, proxy) = start().await;
            let flip = Rule::new("PUT", "").first(damaged);
            proxy.add(flip.does(Action::FlipUpload { at }));
            let repository = push(&Setup::new().client(), &proxy.host(), "a");
            let put = repository
                .put_manifest(manifest_reference(reference), &manifest)
                .await;
            assert_eq!(put.is_ok(), stored, "{reference}: {put:?}");
            assert_eq!(proxy.count("PUT", ""), 3, "{reference}");
            let found = registry.manifest("a", manifest.digest.as_spec());
            assert_eq!(found.is_some(), stored, "{reference}");
            if let Some(tagged) = registry.tagged("a", "1") {
                assert_eq!(tagged.digest == manifest.digest, stored);
            }
        }
    }
}
