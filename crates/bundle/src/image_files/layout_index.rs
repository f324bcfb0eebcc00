//! `index.json` of a layout that other programs write too: what is not changed stays as it is.

use std::collections::BTreeMap;

use image_name::{Digest, Tag};
use serde_json::{Map, Value, json};

use super::error::printable;

/// The maximum size of `index.json` in bytes.
pub(super) const MAX_INDEX: u64 = 64 * 1024 * 1024;
/// The maximum number of images in an index.
const MAX_ENTRIES: usize = 200_000;

/// The name of an image in a layout.
pub(super) const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The name that containerd, docker and podman give to an image.
pub(super) const CONTAINERD_NAME: &str = "io.containerd.image.name";
/// The subject of a manifest that is no image. Without it, docker lists one without a name as dangling.
pub(super) const CONTAINERD_SUBJECT: &str = "io.containerd.manifest.subject";

/// The tag of a manifest without a name that is about a digest, such as `sha256-HEX.sig`. With a name,
/// containerd would take it for an image.
pub(super) const DIGEST_TAG: &str = "vnd.mirror.digest-tag";

const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// The document, with the keys and descriptors of other programs.
#[derive(Debug, Clone)]
pub(super) struct LayoutIndex {
    document: Map<String, Value>,
    /// The descriptors, in the order of the document.
    pub(super) entries: Vec<Entry>,
}

/// A descriptor of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) digest: Digest,
    pub(super) size: u64,
    pub(super) media_type: String,
    annotations: BTreeMap<String, String>,
    /// The descriptor as it was read.
    value: Value,
}

impl LayoutIndex {
    /// Creates an index without images.
    pub(super) fn empty() -> Self {
        let document = json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": []});
        Self {
            document: match document {
                Value::Object(document) => document,
                _ => Map::new(),
            },
            entries: Vec::new(),
        }
    }

    /// Parses `index.json`.
    ///
    /// # Errors
    ///
    /// The cause.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let document: Value = serde_json::from_slice(bytes).map_err(|error| {
            format!(
                "index.json is not valid JSON: {}",
                printable(&error.to_string())
            )
        })?;
        let Value::Object(mut document) = document else {
            return Err("index.json is no JSON object".to_owned());
        };
        let manifests = match document.get_mut("manifests").map(Value::take) {
            Some(Value::Array(manifests)) => manifests,
            None | Some(Value::Null) => Vec::new(),
            Some(_) => return Err("`manifests` of index.json is no list".to_owned()),
        };
        if manifests.len() > MAX_ENTRIES {
            return Err(format!(
                "index.json has {} images, more than the limit of {MAX_ENTRIES}",
                manifests.len()
            ));
        }
        let entries = manifests.into_iter().enumerate().map(|(position, value)| {
            Entry::parse(value).map_err(|cause| format!("image {position} of index.json: {cause}"))
        });
        Ok(Self {
            document,
            entries: entries.collect::<Result<_, _>>()?,
        })
    }

    /// Returns the bytes of the document.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        let entries = self.entries.into_iter().map(|entry| entry.value);
        self.document
            .insert("manifests".to_owned(), entries.collect());
        // All keys are strings, so this cannot fail.
        serde_json::to_vec(&self.document).unwrap_or_default()
    }

    /// Adds an image. The name of an older one moves to it, as a tag moves in a registry. One without a name
    /// replaces the same one.
    pub(super) fn put(&mut self, entry: Entry) {
        let is_replaced = |old: &Entry| match entry.name() {
            Some(name) => old.name() == Some(name),
            None => old.digest == entry.digest && old.name().is_none(),
        };
        match self.entries.iter().position(is_replaced) {
            Some(position) => self.entries[position] = entry,
            None => self.entries.push(entry),
        }
    }
}

impl Entry {
    /// Creates a descriptor.
    pub(super) fn new(
        media_type: &str,
        digest: &Digest,
        size: u64,
        annotations: BTreeMap<String, String>,
    ) -> Self {
        let mut value = json!({"mediaType": media_type, "digest": digest.as_str(), "size": size});
        if !annotations.is_empty() {
            value["annotations"] = json!(annotations);
        }
        Self {
            digest: digest.clone(),
            size,
            media_type: media_type.to_owned(),
            annotations,
            value,
        }
    }

    fn parse(value: Value) -> Result<Self, String> {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let digest = text("digest").ok_or("it has no digest")?;
        let digest: Digest = digest
            .parse()
            .map_err(|error| format!("its digest `{}` is invalid: {error}", printable(digest)))?;
        let size = value
            .get("size")
            .and_then(Value::as_u64)
            .ok_or("it has no size")?;
        let annotations = value.get("annotations").and_then(Value::as_object);
        let annotations = annotations.into_iter().flatten();
        let annotations =
            annotations.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
        Ok(Self {
            digest,
            size,
            media_type: text("mediaType").unwrap_or_default().to_owned(),
            annotations: annotations.collect(),
            value,
        })
    }

    /// Returns the name in the layout, or that for containerd.
    pub(super) fn name(&self) -> Option<&str> {
        self.annotation(REF_NAME).or_else(|| self.containerd_name())
    }

    pub(super) fn containerd_name(&self) -> Option<&str> {
        self.annotation(CONTAINERD_NAME)
    }

    /// Returns the tag of a manifest without a name that is about a digest.
    pub(super) fn digest_tag(&self) -> Option<Tag> {
        self.annotation(DIGEST_TAG)?.parse().ok()
    }

    /// Returns the subject of a manifest that is no image.
    pub(super) fn subject(&self) -> Option<&str> {
        self.annotation(CONTAINERD_SUBJECT)
    }

    fn annotation(&self, key: &str) -> Option<&str> {
        let value = self.annotations.get(key).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(letter: char) -> Digest {
        let hex = letter.to_string().repeat(64);
        format!("sha256:{hex}").parse().unwrap()
    }

    fn named(letter: char, name: &str) -> Entry {
        let annotations = [(REF_NAME.to_owned(), name.to_owned())];
        Entry::new("a/b", &digest(letter), 1, annotations.into())
    }

    #[test]
    fn other_images_and_unknown_keys_stay() {
        let text = format!(
            r#"{{"schemaVersion":2,"x":{{"b":1,"a":2}},"manifests":[{{"digest":"{}","size":1,"mediaType":"c/d","platform":{{"os":"linux"}}}}]}}"#,
            digest('a')
        );
        let mut index = LayoutIndex::parse(text.as_bytes()).unwrap();
        index.put(named('b', "v1"));
        let written = String::from_utf8(index.into_bytes()).unwrap();
        assert!(written.starts_with(&text[..text.len() - 2]), "{written}");
        assert!(written.contains("v1"));
    }

    #[test]
    fn name_moves_to_the_new_image() {
        let mut index = LayoutIndex::empty();
        for entry in [named('a', "v1"), named('b', "v2"), named('c', "v1")] {
            index.put(entry);
        }
        let names = index
            .entries
            .iter()
            .map(|entry| (entry.name().unwrap(), &entry.digest));
        assert_eq!(
            names.collect::<Vec<_>>(),
            [("v1", &digest('c')), ("v2", &digest('b'))]
        );
        let unnamed = Entry::new("a/b", &digest('d'), 1, BTreeMap::new());
        index.put(unnamed.clone());
        index.put(unnamed);
        assert_eq!(index.entries.len(), 3);
    }

    #[test]
    fn invalid_documents_are_refused_with_their_cause() {
        let digest = digest('a');
        for (text, cause) in [
            ("", "not valid JSON"),
            ("[]", "no JSON object"),
            (r#"{"manifests":1}"#, "no list"),
            (
                r#"{"manifests":[{"size":1}]}"#,
                "image 0 of index.json: it has no digest",
            ),
            (
                r#"{"manifests":[{"digest":"sha256:../x","size":1}]}"#,
                "is invalid",
            ),
            (
                &format!(r#"{{"manifests":[{{"digest":"{digest}"}}]}}"#),
                "no size",
            ),
            (
                &format!(r#"{{"manifests":[{{"digest":"{digest}","size":-1}}]}}"#),
                "no size",
            ),
        ] {
            let error = LayoutIndex::parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(cause), "{text}: {error}");
        }
        assert!(LayoutIndex::parse(b"{}").unwrap().entries.is_empty());
    }
}
