//! The output of `bundle verify`.

use std::fmt::{self, Display, Formatter};

use bundle::read::{Head, Verified};
use serde::Serialize;

use crate::terminal::units::{bytes, counted};

/// A verified bundle: text and JSON.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct VerifiedBundle {
    /// The digest of `mirror.json`.
    identity: String,
    /// `unsigned`, `unverified` (no key was given) or `verified`.
    signature: &'static str,
    /// The images.
    images: usize,
    /// The members whose digests are right.
    members: usize,
    /// Their bytes.
    bytes: u64,
    /// The manifests and indexes whose references lead to content.
    manifests: usize,
    /// The contents that the destination must have.
    requires: usize,
    /// The volumes that have their checksums, 0 without a file of checksums.
    volumes: usize,
}

impl VerifiedBundle {
    pub(super) fn new(head: &Head, verified: Verified, volumes: usize) -> Self {
        Self {
            identity: head.identity.to_string(),
            signature: head.signature.as_str(),
            images: head.contents.images.len(),
            members: verified.members,
            bytes: verified.bytes,
            manifests: verified.manifests,
            requires: verified.required,
            volumes,
        }
    }
}

impl Display for VerifiedBundle {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "identity   {}", self.identity)?;
        writeln!(f, "signature  {}", self.signature)?;
        if self.volumes > 0 {
            writeln!(f, "volumes    {} have their checksums", self.volumes)?;
        }
        if self.requires > 0 {
            writeln!(
                f,
                "requires   {} at the destination, which is not checked here",
                counted(self.requires, "content")
            )?;
        }
        writeln!(
            f,
            "verified {} with {} ({}) and the references of {}",
            counted(self.images, "image"),
            counted(self.members, "member"),
            bytes(self.bytes),
            counted(self.manifests, "manifest"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::document_schema::assert_documented;

    #[test]
    fn schema_is_documented() {
        assert_documented::<VerifiedBundle>("bundle-verify");
    }
}
