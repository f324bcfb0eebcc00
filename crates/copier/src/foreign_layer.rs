//! Layers that clients fetch from their publisher.

use registry_client::Descriptor;

/// Returns true for a layer that clients fetch from its publisher only.
///
/// Source: image specification, "Non-Distributable Layers"; Docker's `foreign.diff`. A layer
/// without URLs has no other origin, so it is copied.
pub(crate) fn is_foreign(descriptor: &Descriptor) -> bool {
    let restricted = descriptor.media_type().is_some_and(|media_type| {
        media_type.contains(".foreign.") || media_type.contains(".nondistributable.")
    });
    restricted && descriptor.has_urls()
}
