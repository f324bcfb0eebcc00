//! The media types of manifests.

use std::borrow::Cow;

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

/// Returns an owned media type, without an allocation for the usual ones of manifests: a run keeps those
/// of every row.
pub(super) fn owned_type(media_type: &str) -> Cow<'static, str> {
    let usual = [
        media_type::OCI_IMAGE_INDEX_MEDIA_TYPE,
        media_type::IMAGE_MANIFEST_LIST_MEDIA_TYPE,
        media_type::OCI_IMAGE_MEDIA_TYPE,
        media_type::IMAGE_MANIFEST_MEDIA_TYPE,
    ];
    let known = usual.into_iter().find(|known| *known == media_type);
    known.map_or_else(|| Cow::Owned(media_type.to_owned()), Cow::Borrowed)
}

/// Returns the media type in a `Content-Type`, without parameters. `None` for types that say nothing
/// about a manifest: web servers send them for every file.
pub(super) fn specific_type(content_type: &str) -> Option<&str> {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let generic = [
        "",
        "application/json",
        "application/octet-stream",
        "binary/octet-stream",
    ];
    let is_generic = generic.contains(&essence) || essence.starts_with("text/");
    (!is_generic).then_some(essence)
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
