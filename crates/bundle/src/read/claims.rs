//! The claims of `mirror.json` about its own images, checked before anything is done with them.

use std::collections::HashMap;

use image_name::Digest;

use super::error::ClaimError;
use crate::contents::{AttachedManifest, BundledImage, Contents};

/// The sizes of the content that a bundle has, and of the content that it requires.
struct Known<'a> {
    members: HashMap<&'a Digest, u64>,
    required: HashMap<&'a Digest, u64>,
}

/// Checks that images, members and requirements fit together, and that each destination has one content.
///
/// # Errors
///
/// [`ClaimError`].
pub(super) fn check_claims(contents: &Contents) -> Result<(), ClaimError> {
    let members = contents.members.iter();
    let members = members.filter_map(|member| Some((member.path.digest()?, member.size)));
    let known = Known {
        members: members.collect(),
        required: required(contents)?,
    };
    let mut destinations: HashMap<String, &Digest> = HashMap::new();
    for image in &contents.images {
        let destination = image.destination_name();
        if let Some(digest) = image.destination_tag.digest()
            && *digest != image.digest
        {
            return Err(ClaimError::DestinationDigest {
                destination,
                digest: image.digest.clone(),
            });
        }
        known.check(&destination, &image.digest, image.size)?;
        for attached in &image.attached {
            known.check(&destination, &attached.digest, attached.size)?;
            check_attached_tag(attached)?;
        }
        let first = destinations.insert(destination.clone(), &image.digest);
        if first.is_some_and(|first| *first != image.digest) {
            return Err(ClaimError::Destination { destination });
        }
    }
    Ok(())
}

fn required(contents: &Contents) -> Result<HashMap<&Digest, u64>, ClaimError> {
    let mut required = HashMap::new();
    for requirement in &contents.requires {
        let digest = &requirement.digest;
        if requirement.repositories.is_empty() {
            let digest = digest.clone();
            return Err(ClaimError::NoRepository { digest });
        }
        required.insert(digest, requirement.size);
    }
    Ok(required)
}

impl Known<'_> {
    fn check(&self, image: &str, digest: &Digest, claimed: u64) -> Result<(), ClaimError> {
        let known = self.members.get(digest).or(self.required.get(digest));
        match known {
            Some(listed) if *listed == claimed => Ok(()),
            Some(listed) => Err(ClaimError::Size {
                image: image.to_owned(),
                digest: digest.clone(),
                claimed,
                listed: *listed,
            }),
            None => Err(ClaimError::NoImage {
                image: image.to_owned(),
                digest: digest.clone(),
            }),
        }
    }
}

/// The tag of attached content is about its subject, so that it can overwrite no other tag.
fn check_attached_tag(attached: &AttachedManifest) -> Result<(), ClaimError> {
    let Some(tag) = &attached.tag else {
        return Ok(());
    };
    if attached.subject.tag_kind(tag.as_str()).is_some() {
        return Ok(());
    }
    Err(ClaimError::AttachedTag {
        tag: tag.to_string(),
        subject: attached.subject.clone(),
    })
}

impl BundledImage {
    /// Returns the full name of the destination with its tag or digest.
    #[must_use]
    pub fn destination_name(&self) -> String {
        self.destination
            .reference(&self.destination_tag)
            .to_string()
    }

    /// Returns the full name of the source with its tag or digest.
    #[must_use]
    pub fn source_name(&self) -> String {
        self.source.reference(&self.tag).to_string()
    }
}
