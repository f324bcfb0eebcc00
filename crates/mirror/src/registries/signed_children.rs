//! The children of an index that are signed in its place.

use image_name::Digest;
use registry_client::{Content, DescriptorPlatform, Error, Manifest};

use super::evidence::EvidenceSource;

/// Maximum number of children whose signatures are looked for where an index has none.
const MAX_CHILDREN: usize = 64;

/// The children of an index that is not signed itself.
#[derive(Debug, Default)]
pub(super) struct SignedChildren {
    /// Those that a runtime can choose.
    pub(super) runnable: Vec<Digest>,
    /// The attestations that buildkit adds to the index.
    pub(super) attestations: Vec<Digest>,
}

impl SignedChildren {
    /// Returns the children of an index. An index with too many children, or with a child that cannot be verified,
    /// has none: otherwise that child would be copied without a signature.
    pub(super) fn from_index(manifest: &Manifest) -> Self {
        let mut children = Self::default();
        let Ok(Content::Index { manifests, .. }) = manifest.content() else {
            return children;
        };
        // A runtime can choose an attestation that has a platform.
        let is_unknown = |platform: &DescriptorPlatform| {
            let is_unknown = |name: &Option<String>| name.as_deref() == Some("unknown");
            is_unknown(&platform.os) && is_unknown(&platform.architecture)
        };
        for child in manifests {
            let Ok(digest) = Digest::try_from(child.digest()) else {
                return Self::default();
            };
            let is_attestation =
                child.attested().is_some() && child.platform().is_some_and(is_unknown);
            match is_attestation {
                true => children.attestations.push(digest),
                false => children.runnable.push(digest),
            }
        }
        let most = children.runnable.len().max(children.attestations.len());
        match most > MAX_CHILDREN {
            true => Self::default(),
            false => children,
        }
    }
}

/// Returns the reason why a child that an index marks as an attestation needs a signature: a runtime could run it
/// by its digest.
pub(super) async fn runnable_attestation(
    source: &impl EvidenceSource,
    digest: &Digest,
) -> Result<Option<String>, Error> {
    let Some(manifest) = source.manifest_of(digest).await? else {
        return Ok(Some(format!(
            "the index has no signature, and the source lacks its attestation {digest}"
        )));
    };
    let checked = source.check_document(&manifest).await?;
    Ok(checked
        .err()
        .map(|runnable| format!("the index has no signature, and its attestation {runnable}")))
}
