//! Tests of the names in classic signatures.

use super::*;

/// A repository, the name in the signature, and whether it counts.
type Row = (&'static str, &'static str, bool);

fn image(repository: &str, tag: &str) -> SignedImage {
    let digest = format!("sha256:{}", "0".repeat(64));
    SignedImage {
        repository: repository.parse().unwrap(),
        tag: Some(tag.parse().unwrap()),
        digest: digest.parse().unwrap(),
        children: Vec::new(),
    }
}

#[test]
fn a_signature_names_the_repository_and_tag_that_the_identity_kind_asks_for() {
    use SignedIdentity as Kind;
    let exact_reference = Kind::ExactReference("q.io/a:1".parse().unwrap());
    let exact_repository = Kind::ExactRepository("q.io/a".parse().unwrap());
    let default = Kind::default();
    let table: &[(&SignedIdentity, &[Row])] = &[
        (
            &default,
            &[
                ("busybox", "index.docker.io/library/busybox", true),
                ("busybox", "docker.io/library/busybox:1", true),
                ("busybox", "docker.io/library/busybox:2", false),
                ("busybox", "docker.io/evil/busybox", false),
                ("q.io/a", "q.io/a\n", false),
                ("q.io/a", "q.io/a/b", false),
                ("q.io/a", "", false),
            ],
        ),
        (
            &Kind::Repository,
            &[("busybox", "docker.io/library/busybox:2", true)],
        ),
        (
            &Kind::RepositoryDigestOrExact,
            &[
                ("busybox", "docker.io/library/busybox", false),
                ("busybox", "docker.io/library/busybox:2", false),
                ("busybox", "docker.io/library/busybox:1", true),
            ],
        ),
        (
            &Kind::Exact,
            &[
                ("busybox", "docker.io/library/busybox", false),
                ("busybox", "docker.io/library/busybox:1", true),
            ],
        ),
        (
            &exact_reference,
            &[("q.io/b", "q.io/a:1", true), ("q.io/b", "q.io/a:2", false)],
        ),
        (&exact_repository, &[("q.io/b", "q.io/a:2", true)]),
    ];
    for (kind, rows) in table {
        for (repository, signed, expected) in *rows {
            let result = check_reference(signed, &image(repository, "1"), kind);
            assert_eq!(result.is_ok(), *expected, "{repository} {signed} {kind:?}");
        }
    }
}

#[test]
fn an_image_without_a_tag_is_bound_by_its_digest_where_the_kind_is_exact() {
    use SignedIdentity as Kind;
    let mut image = image("q.io/a", "1");
    image.tag = None;
    let own = format!("q.io/a@sha256:{}", "0".repeat(64));
    let other = format!("q.io/a@sha256:{}", "1".repeat(64));
    let reference = Kind::ExactReference(own.parse().unwrap());
    for (kind, signed, expected) in [
        (&Kind::Exact, "q.io/a", false),
        (&Kind::Exact, "q.io/a:1", false),
        (&Kind::Exact, &own, true),
        (&Kind::Exact, &other, false),
        (&Kind::RepositoryDigestOrExact, "q.io/a:2", true),
        (&Kind::RepositoryDigestOrExact, "q.io/b", false),
        (&Kind::Source, "q.io/a:2", false),
        (&Kind::Source, "q.io/a", true),
        (&reference, &own, true),
        (&reference, &other, false),
        (&reference, "q.io/a", false),
    ] {
        let result = check_reference(signed, &image, kind);
        assert_eq!(result.is_ok(), expected, "{signed} {kind:?}");
    }
}

#[test]
fn a_prefix_is_replaced_at_a_component_and_the_tag_is_required() {
    let remap = SignedIdentity::Remap {
        prefix: "mirror.example/hub".to_owned(),
        signed_prefix: "docker.io".to_owned(),
    };
    let busybox = "mirror.example/hub/library/busybox";
    for (repository, signed, expected) in [
        (busybox, "docker.io/library/busybox:1", true),
        (busybox, "docker.io/library/busybox", false),
        ("mirror.example/hubris/a", "docker.ioris/a:1", false),
        ("q.io/a", "q.io/a:1", true),
    ] {
        let result = check_reference(signed, &image(repository, "1"), &remap);
        assert_eq!(result.is_ok(), expected, "{repository} {signed}");
    }
}
