//! Layers: gzip-compressed tar archives, foreign layers and blobs of other types.

use std::io::{self, Write};

use bytes::Bytes;
use fastrand::Rng;
use flate2::{Compression, GzBuilder};
use oci_spec::image::Digest;
use serde_json::{Value, json};

use super::content::Content;
use super::format::Format;
use crate::digests::digest_of;

/// A layer of an image.
#[derive(Clone, Debug)]
pub struct Layer {
    kind: Kind,
    bytes: Bytes,
    diff_id: Digest,
}

#[derive(Clone, Debug)]
enum Kind {
    /// A blob of the registry, with the media type of the image's format.
    Distributed,
    /// Content at a URL, not in the registry.
    Foreign(String),
    /// A blob of the registry, with this media type.
    Typed(String),
}

impl Layer {
    /// Creates a layer of regular files from their paths and contents.
    ///
    /// # Errors
    ///
    /// If tar cannot store a path.
    pub fn files(files: &[(&str, &[u8])]) -> io::Result<Self> {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, content) in files {
            let mut header = tar::Header::new_ustar();
            header.set_mode(0o644);
            // Equal files must make equal layers, whenever they are built.
            header.set_mtime(0);
            header.set_size(content.len() as u64);
            archive.append_data(&mut header, path, *content)?;
        }
        let archive = archive.into_inner()?;
        let mut compressed = GzBuilder::new().write(Vec::new(), Compression::fast());
        compressed.write_all(&archive)?;
        Ok(Self {
            kind: Kind::Distributed,
            bytes: Bytes::from(compressed.finish()?),
            diff_id: digest_of(&archive),
        })
    }

    /// Creates a layer with one file of `size` random bytes. Random bytes do not shrink, so the layer
    /// is slightly larger.
    ///
    /// # Errors
    ///
    /// None in practice: the archive is written to memory.
    pub fn random(seed: u64, size: usize) -> io::Result<Self> {
        let mut content = vec![0; size];
        Rng::with_seed(seed).fill(&mut content);
        let name = format!("data/{seed:016x}");
        Self::files(&[(&name, &content)])
    }

    /// Makes the layer foreign, at `url`, as base layers of Windows once were.
    #[must_use]
    pub fn foreign(mut self, url: &str) -> Self {
        self.kind = Kind::Foreign(url.to_owned());
        self
    }

    /// Creates a layer of any media type.
    pub fn typed(media_type: &str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            kind: Kind::Typed(media_type.to_owned()),
            diff_id: digest_of(&bytes),
            bytes,
        }
    }

    /// Returns the digest of the uncompressed archive, for the config.
    pub(super) fn diff_id(&self) -> &Digest {
        &self.diff_id
    }

    /// Returns the descriptor and, unless the layer is foreign, the blob.
    pub(super) fn descriptor(&self, format: Format) -> (Value, Option<Content>) {
        let media_type = match &self.kind {
            Kind::Distributed => format.layer(),
            Kind::Foreign(_) => format.foreign_layer(),
            Kind::Typed(media_type) => media_type,
        };
        let content = Content::new(media_type, self.bytes.clone());
        let mut descriptor = content.descriptor();
        match &self.kind {
            Kind::Foreign(url) => {
                descriptor["urls"] = json!([url]);
                (descriptor, None)
            }
            Kind::Distributed | Kind::Typed(_) => (descriptor, Some(content)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn files_creates_an_archive_with_the_files() {
        let layer = Layer::files(&[("etc/a", b"first"), ("b", b"")]).unwrap();
        let mut archive = Vec::new();
        flate2::read::GzDecoder::new(&layer.bytes[..])
            .read_to_end(&mut archive)
            .unwrap();
        assert_eq!(digest_of(&archive), layer.diff_id);
        let mut files = Vec::new();
        for entry in tar::Archive::new(&archive[..]).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            files.push((entry.path().unwrap().display().to_string(), content));
        }
        let expected = [("etc/a", "first"), ("b", "")];
        assert_eq!(
            files,
            expected.map(|(path, text)| (path.to_owned(), text.to_owned()))
        );
    }

    #[test]
    fn random_layers_depend_on_the_seed_only() {
        let bytes = |seed| Layer::random(seed, 5000).unwrap().bytes;
        assert_eq!(bytes(1), bytes(1));
        assert_ne!(bytes(1), bytes(2));
        assert!(bytes(1).len() > 5000, "random bytes do not shrink");
    }
}
