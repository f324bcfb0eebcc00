//! The image that a signature is about.

use std::fmt;

use image_name::{Digest, ImageName, RepositoryName, Tag};

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
    let is_expected = match tag {
        ExpectedTag::Any => true,
        ExpectedTag::IfNamed(tag) => name.tag.is_none() || name.tag.as_ref() == tag,
        ExpectedTag::Exactly { tag, digest } => {
            let is_bound = tag.is_some() || digest.is_some();
            is_bound && name.tag.as_ref() == tag && name.digest.as_ref() == digest
        }
    };
    if is_expected {
        return Ok(());
    }
    Err(Cause::OtherTag {
        signed: name.tag.as_ref().map_or("none", Tag::as_str).to_owned(),
        expected: tag.to_string(),
    })
}

#[derive(Clone, Copy)]
enum ExpectedTag<'a> {
    Any,
    /// The tag that the signature must have if it has one.
    IfNamed(Option<&'a Tag>),
    /// The tag and digest that the signature must have, and no others.
    Exactly {
        tag: Option<&'a Tag>,
        digest: Option<&'a Digest>,
    },
}

impl<'a> ExpectedTag<'a> {
    /// The tag of an image or, without one, its digest.
    fn of(image: &'a SignedImage) -> Self {
        let tag = image.tag.as_ref();
        let digest = Some(&image.digest).filter(|_| tag.is_none());
        Self::Exactly { tag, digest }
    }

    /// The tag of an image; any for an image without one.
    fn of_tagged(image: &'a SignedImage) -> Self {
        match &image.tag {
            Some(_) => Self::of(image),
            None => Self::Any,
        }
    }
}

impl fmt::Display for ExpectedTag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IfNamed(Some(tag)) | Self::Exactly { tag: Some(tag), .. } => {
                f.write_str(tag.as_str())
            }
            Self::Exactly {
                digest: Some(digest),
                ..
            } => write!(f, "{digest}"),
            _ => f.write_str("an image without a tag"),
        }
    }
}

/// Returns the full name of the repository that a signature must name, and the tag.
fn expected<'a>(image: &'a SignedImage, identity: &'a SignedIdentity) -> (String, ExpectedTag<'a>) {
    let repository = image.repository.full();
    match identity {
        SignedIdentity::Source => (repository, ExpectedTag::IfNamed(image.tag.as_ref())),
        SignedIdentity::RepositoryDigestOrExact => (repository, ExpectedTag::of_tagged(image)),
        SignedIdentity::Repository => (repository, ExpectedTag::Any),
        SignedIdentity::Exact => (repository, ExpectedTag::of(image)),
        SignedIdentity::ExactReference(name) => {
            let (tag, digest) = (name.tag.as_ref(), name.digest.as_ref());
            let tag = ExpectedTag::Exactly { tag, digest };
            (name.repository.full(), tag)
        }
        SignedIdentity::ExactRepository(name) => (name.full(), ExpectedTag::Any),
        SignedIdentity::Remap {
            prefix,
            signed_prefix,
        } => {
            let remapped = remap(&image.repository, prefix, signed_prefix);
            let tag = ExpectedTag::of_tagged(image);
            (remapped.unwrap_or(repository), tag)
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
#[path = "binding_tests.rs"]
mod tests;
