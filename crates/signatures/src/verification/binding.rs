//! The image that a signature is about.

use image_name::{ImageName, RepositoryName, Tag};

use super::image::SignedImage;
use crate::evidence::{Claim, Purpose};
use crate::refusal::Cause;
use crate::requirement::SignedIdentity;

/// Checks that a claim names the digest that it is attached to.
pub(super) fn check_digest(claim: &Claim, image: &SignedImage) -> Result<(), Cause> {
    let attached = &claim.attached_to;
    if claim.digests.contains(attached) {
        return Ok(());
    }
    match claim.digests.iter().find(|digest| image.has(digest)) {
        Some(signed) if claim.purpose == Purpose::Signature => Err(Cause::OtherManifest {
            signed: signed.clone(),
            attached: attached.clone(),
        }),
        _ => {
            let names = claim.digests.iter().take(3).map(ToString::to_string);
            let names = names.collect::<Vec<_>>().join(", ");
            let none = "no digest that an image can have";
            Err(Cause::OtherImage {
                signed: if names.is_empty() {
                    none.to_owned()
                } else {
                    names
                },
                expected: attached.clone(),
            })
        }
    }
}

/// Checks the name in a classic signature against the image at its source.
pub(super) fn check_reference(
    signed: &str,
    image: &SignedImage,
    identity: &SignedIdentity,
) -> Result<(), Cause> {
    let (expected, tag) = expected(image, identity);
    let other_repository = || Cause::OtherRepository {
        signed: Cause::text(signed),
        expected: expected.clone(),
    };
    let name: ImageName = signed.parse().map_err(|_| other_repository())?;
    if name.repository.full() != expected {
        return Err(other_repository());
    }
    let other_tag = |expected: &str| Cause::OtherTag {
        signed: name.tag.as_ref().map_or("none", Tag::as_str).to_owned(),
        expected: expected.to_owned(),
    };
    match (tag, &name.tag) {
        (ExpectedTag::Any, _) | (ExpectedTag::IfNamed(_), None) => Ok(()),
        (ExpectedTag::IfNamed(Some(tag)) | ExpectedTag::Exactly(Some(tag)), Some(named))
            if named == tag =>
        {
            Ok(())
        }
        (ExpectedTag::IfNamed(tag) | ExpectedTag::Exactly(tag), _) => {
            Err(other_tag(tag.map_or("an image without a tag", Tag::as_str)))
        }
    }
}

enum ExpectedTag<'a> {
    Any,
    /// The tag that the signature must have if it has one.
    IfNamed(Option<&'a Tag>),
    /// The tag that the signature must have.
    Exactly(Option<&'a Tag>),
}

/// Returns the full name of the repository that a signature must name, and the tag.
fn expected<'a>(image: &'a SignedImage, identity: &'a SignedIdentity) -> (String, ExpectedTag<'a>) {
    let repository = image.repository.full();
    let tag = image.tag.as_ref();
    match identity {
        SignedIdentity::RepositoryDigestOrExact => (repository, ExpectedTag::IfNamed(tag)),
        SignedIdentity::Repository => (repository, ExpectedTag::Any),
        SignedIdentity::Exact => (repository, ExpectedTag::Exactly(tag)),
        SignedIdentity::ExactReference(name) => {
            let tag = ExpectedTag::Exactly(name.tag.as_ref());
            (name.repository.full(), tag)
        }
        SignedIdentity::ExactRepository(name) => (name.full(), ExpectedTag::Any),
        SignedIdentity::Remap {
            prefix,
            signed_prefix,
        } => {
            let remapped = remap(&image.repository, prefix, signed_prefix);
            (remapped.unwrap_or(repository), ExpectedTag::IfNamed(tag))
        }
    }
}

/// Replaces a prefix that ends with a component of the name.
fn remap(repository: &RepositoryName, prefix: &str, signed_prefix: &str) -> Option<String> {
    let full = repository.full();
    let rest = full.strip_prefix(prefix)?;
    let whole = rest.is_empty() || rest.starts_with('/');
    whole.then(|| format!("{signed_prefix}{rest}"))
}

#[cfg(test)]
mod tests {
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
        let remap = Kind::Remap {
            prefix: "mirror.example/hub".to_owned(),
            signed_prefix: "docker.io".to_owned(),
        };
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
            (
                &remap,
                &[
                    (
                        "mirror.example/hub/library/busybox",
                        "docker.io/library/busybox",
                        true,
                    ),
                    ("mirror.example/hubris/a", "docker.ioris/a", false),
                    ("q.io/a", "q.io/a", true),
                ],
            ),
        ];
        for (kind, rows) in table {
            for (repository, signed, expected) in *rows {
                let result = check_reference(signed, &image(repository, "1"), kind);
                assert_eq!(result.is_ok(), *expected, "{repository} {signed} {kind:?}");
            }
        }
    }
}
