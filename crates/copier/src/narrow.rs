//! Indexes with fewer platforms.

use std::collections::HashSet;

use bytes::Bytes;
use registry_client::{Descriptor, Manifest, sha256_digest};
use serde_json::Value;

use crate::platform::Platform;

/// Returns true for each child of an index that is kept: those of a selected platform and their
/// attestations. A nested index has no platform and is not kept.
pub(crate) fn kept_children(children: &[Descriptor], selected: &[Platform]) -> Vec<bool> {
    let is_selected = |child: &Descriptor| {
        let offered = Platform::of(child);
        offered.is_some_and(|offered| selected.iter().any(|selected| selected.accepts(&offered)))
    };
    let platform_kept: Vec<bool> = children.iter().map(is_selected).collect();
    let kept_digests: HashSet<&str> = children
        .iter()
        .zip(&platform_kept)
        .filter(|(_, kept)| **kept)
        .map(|(child, _)| child.digest().as_ref())
        .collect();
    let attests_kept = |child: &Descriptor| {
        child
            .attested()
            .is_some_and(|subject| kept_digests.contains(subject))
    };
    children
        .iter()
        .zip(&platform_kept)
        .map(|(child, kept)| *kept || attests_kept(child))
        .collect()
}

/// Returns the platforms of an index, for messages.
pub(crate) fn offered(children: &[Descriptor]) -> String {
    let platforms = children
        .iter()
        .filter_map(Platform::of)
        .filter(|platform| !platform.is_unknown());
    let mut names: Vec<String> = platforms.map(|platform| platform.to_string()).collect();
    names.dedup();
    if names.is_empty() {
        return "none".to_owned();
    }
    names.join(", ")
}

/// Returns the index with only the kept descriptors; the rest of it keeps its bytes and order.
/// `None` if it is not a JSON object with `manifests`.
pub(crate) fn rebuilt(index: &Manifest, kept: &[bool]) -> Option<Manifest> {
    let mut document: Value = serde_json::from_slice(&index.bytes).ok()?;
    let manifests = document.get_mut("manifests")?.as_array_mut()?;
    let mut keep = kept.iter();
    manifests.retain(|_| keep.next().copied().unwrap_or(false));
    let bytes = Bytes::from(serde_json::to_vec(&document).ok()?);
    Some(Manifest {
        digest: sha256_digest(&bytes),
        media_type: index.media_type.clone(),
        bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(letter: char) -> String {
        format!("sha256:{}", letter.to_string().repeat(64))
    }

    fn index() -> Manifest {
        let child = |letter: char, architecture: &str, annotations: &str| {
            format!(
                r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{}","size":2,"x":1.50,"platform":{{"architecture":"{architecture}","os":"{}"}}{annotations}}}"#,
                digest(letter),
                if architecture == "unknown" {
                    "unknown"
                } else {
                    "linux"
                },
            )
        };
        let about = |letter: char| {
            format!(
                r#","annotations":{{"vnd.docker.reference.digest":"{}","vnd.docker.reference.type":"attestation-manifest"}}"#,
                digest(letter)
            )
        };
        let text = format!(
            r#"{{"zz":1,"schemaVersion":2,"manifests":[{},{},{},{}],"annotations":{{"b":"1","a":"2"}}}}"#,
            child('a', "amd64", ""),
            child('b', "arm64", ""),
            child('c', "unknown", &about('a')),
            child('d', "unknown", &about('b')),
        );
        Manifest {
            digest: sha256_digest(text.as_bytes()),
            bytes: text.into(),
            media_type: "application/vnd.oci.image.index.v1+json".into(),
        }
    }

    fn children(manifest: &Manifest) -> Vec<Descriptor> {
        match manifest.content().unwrap() {
            registry_client::Content::Index { manifests, .. } => manifests,
            registry_client::Content::Image { .. } => panic!("an index"),
        }
    }

    #[test]
    fn attestations_of_a_kept_platform_are_kept() {
        let children = children(&index());
        let kept = kept_children(&children, &["linux/arm64".parse().unwrap()]);
        assert_eq!(kept, [false, true, false, true]);
        assert_eq!(offered(&children), "linux/amd64, linux/arm64");
    }

    #[test]
    fn rebuilt_index_keeps_the_other_fields() {
        let index = index();
        let rebuilt = rebuilt(&index, &[true, false, true, false]).unwrap();
        let text = std::str::from_utf8(&rebuilt.bytes).unwrap();
        assert!(
            text.starts_with(r#"{"zz":1,"schemaVersion":2,"manifests":[{"mediaType""#),
            "{text}"
        );
        assert!(
            text.ends_with(r#""annotations":{"b":"1","a":"2"}}"#),
            "{text}"
        );
        let digests: Vec<_> = children(&rebuilt)
            .iter()
            .map(|child| child.digest().to_string())
            .collect();
        assert_eq!(digests, [digest('a'), digest('c')]);
    }
}
