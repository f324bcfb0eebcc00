//! The index of the referrers tag schema, kept by clients where a registry
//! lacks the API.
//!
//! Source: distribution specification, "Referrers Tag Schema".

use oci_spec::image::Descriptor;
use registry_client::{Manifest, sha256_digest};
use serde_json::json;

/// The referrers that `known` lacks.
pub(crate) fn missing(referrers: &[Descriptor], known: &[Descriptor]) -> Vec<Descriptor> {
    let is_known = |referrer: &&Descriptor| {
        known
            .iter()
            .any(|known| known.digest() == referrer.digest())
    };
    referrers
        .iter()
        .filter(|referrer| !is_known(referrer))
        .cloned()
        .collect()
}

/// The referrers that `known` has.
pub(crate) fn present(referrers: &[Descriptor], known: &[Descriptor]) -> Vec<Descriptor> {
    let mut present = referrers.to_vec();
    present.retain(|referrer| {
        known
            .iter()
            .any(|known| known.digest() == referrer.digest())
    });
    present
}

/// The index that lists `known`, in its order, and then `added`. What others
/// have listed there stays.
pub(crate) fn with(known: &[Descriptor], added: &[Descriptor]) -> Manifest {
    let media_type = "application/vnd.oci.image.index.v1+json";
    let manifests: Vec<&Descriptor> = known.iter().chain(added).collect();
    let index = json!({
        "schemaVersion": 2,
        "mediaType": media_type,
        "manifests": manifests,
    });
    let bytes = bytes::Bytes::from(index.to_string());
    Manifest {
        digest: sha256_digest(&bytes),
        media_type: media_type.to_owned(),
        bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(letter: char) -> Descriptor {
        let digest = format!("sha256:{}", letter.to_string().repeat(64));
        let text = json!({"mediaType": "a/b", "digest": digest, "size": 1, "artifactType": "x/y"});
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn what_others_have_listed_stays() {
        let (a, b, c) = (descriptor('a'), descriptor('b'), descriptor('c'));
        let known = [c.clone(), a.clone()];
        let missing = missing(&[a.clone(), b.clone()], &known);
        assert_eq!(missing, std::slice::from_ref(&b));
        let index = with(&known, &missing);
        let registry_client::Content::Index { manifests, .. } = index.content().unwrap() else {
            panic!("an index")
        };
        assert_eq!(manifests, [c, a, b]);
    }
}
