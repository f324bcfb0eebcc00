//! The media types of manifests.

use oci_client::manifest as media_type;

/// Returns whether a media type is that of an index.
#[must_use]
pub fn is_index_type(media_type: &str) -> bool {
    [
        media_type::OCI_IMAGE_INDEX_MEDIA_TYPE,
        media_type::IMAGE_MANIFEST_LIST_MEDIA_TYPE,
    ]
    .contains(&media_type)
}

/// Returns whether a media type is that of a manifest or index.
pub(super) fn is_manifest_type(media_type: &str) -> bool {
    let others = [
        media_type::OCI_IMAGE_MEDIA_TYPE,
        media_type::IMAGE_MANIFEST_MEDIA_TYPE,
        "application/vnd.oci.artifact.manifest.v1+json",
    ];
    is_index_type(media_type) || others.contains(&media_type)
}
