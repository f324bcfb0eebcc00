//! The index of the referrers tag schema, which clients maintain at a registry without the API.
//!
//! Source: distribution specification, "Referrers Tag Schema".

use std::collections::HashSet;

use registry_client::{Descriptor, Manifest, sha256_digest};

/// Returns the referrers that `existing` lacks, each once.
pub(crate) fn missing(referrers: &[Descriptor], existing: &[Descriptor]) -> Vec<Descriptor> {
    let mut known = digests(existing);
    let missing = referrers.iter();
    let missing = missing.filter(|referrer| known.insert(referrer.digest().as_ref()));
    missing.cloned().collect()
}

/// Returns the referrers that `existing` has.
pub(crate) fn present(referrers: &[Descriptor], existing: &[Descriptor]) -> Vec<Descriptor> {
    let known = digests(existing);
    let present = referrers.iter();
    let present = present.filter(|referrer| known.contains(referrer.digest().as_ref()));
    present.cloned().collect()
}

fn digests(descriptors: &[Descriptor]) -> HashSet<&str> {
    descriptors
        .iter()
        .map(|descriptor| descriptor.digest().as_ref())
        .collect()
}

/// Returns the index that lists `existing`, in its order, and then `added`. Entries of other
/// clients are kept, and each entry has its JSON text.
pub(crate) fn with(existing: &[Descriptor], added: &[Descriptor]) -> Manifest {
    let media_type = "application/vnd.oci.image.index.v1+json";
    let all = existing.iter().chain(added);
    let manifests: Vec<&str> = all.map(Descriptor::json).collect();
    let manifests = manifests.join(",");
    let index =
        format!(r#"{{"schemaVersion":2,"mediaType":"{media_type}","manifests":[{manifests}]}}"#);
    let bytes = bytes::Bytes::from(index);
    Manifest {
        digest: sha256_digest(&bytes),
        media_type: media_type.to_owned(),
        bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn descriptor(letter: char) -> Descriptor {
        let digest = format!("sha256:{}", letter.to_string().repeat(64));
        let text = json!({"mediaType": "a/b", "digest": digest, "size": 1, "artifactType": "x/y", "annotations": {"n": 1.50}});
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn entries_of_other_clients_are_kept() {
        let (a, b, c) = (descriptor('a'), descriptor('b'), descriptor('c'));
        let existing = [c.clone(), a.clone()];
        let missing = missing(&[a.clone(), b.clone()], &existing);
        assert_eq!(missing, std::slice::from_ref(&b));
        let index = with(&existing, &missing);
        let registry_client::Content::Index { manifests, .. } = index.content().unwrap() else {
            panic!("an index")
        };
        assert_eq!(manifests, [c, a, b]);
        assert!(
            manifests[2].json().contains("1.5"),
            "{}",
            manifests[2].json()
        );
    }
}
