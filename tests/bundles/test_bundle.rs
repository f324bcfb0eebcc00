//! Bundles as a writer that need not be honest makes them.

use std::io::Write;
use std::path::{Path, PathBuf};

use bundle::contents::{AttachedManifest, BundledImage, Contents, Member, MemberFile, MemberPath};
use embedded_registry::images::Bundle;
use image_name::{Digest, Tag};
use registry_client::sha256_digest;
use tar::{EntryType, Header};

use crate::environment::TestEnvironment;

/// The form of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Archive,
    Compressed,
    Directory,
}

/// The parts of a bundle, which tests change.
#[derive(Clone)]
pub(crate) struct TestBundle {
    pub(crate) contents: Contents,
    /// The bytes of each member, in the order of the archive.
    pub(crate) members: Vec<(String, Vec<u8>)>,
    /// The name and the bytes of the signature.
    pub(crate) signature: Option<(&'static str, Vec<u8>)>,
}

impl TestBundle {
    pub(crate) fn new() -> Self {
        let mut bundle = Self {
            contents: Contents::new("test 1"),
            members: Vec::new(),
            signature: None,
        };
        bundle.add_document(MemberFile::OciLayout, br#"{"imageLayoutVersion":"1.0.0"}"#);
        bundle.add_document(MemberFile::Index, br#"{"schemaVersion":2,"manifests":[]}"#);
        bundle
    }

    fn add_document(&mut self, file: MemberFile, bytes: &[u8]) {
        let path = MemberPath::new(file);
        self.add(path, bytes);
    }

    fn add(&mut self, path: MemberPath, bytes: &[u8]) {
        let name = path.to_string();
        if self.members.iter().any(|(known, _)| *known == name) {
            return;
        }
        self.contents.members.push(Member {
            path,
            digest: sha256_digest(bytes),
            size: bytes.len() as u64,
        });
        self.members.push((name, bytes.to_vec()));
    }

    /// Adds an image `SOURCE DESTINATION TAG` with referrers of it, and content under digest tags.
    pub(crate) fn add_image(
        &mut self,
        row: &str,
        image: &Bundle,
        referrers: &[&Bundle],
        tagged: &[(&Bundle, &str)],
    ) {
        let [source, destination, tag] = row.split(' ').collect::<Vec<_>>()[..] else {
            unreachable!("{row}");
        };
        let digest: Digest = image.digest().as_ref().parse().unwrap();
        let attached = referrers.iter().map(|referrer| (*referrer, None));
        let attached = attached.chain(tagged.iter().map(|(content, tag)| (*content, Some(*tag))));
        let attached: Vec<_> = attached.collect();
        self.contents.images.push(BundledImage {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            tag: tag.parse().unwrap(),
            destination_tag: tag.parse().unwrap(),
            digest: digest.clone(),
            media_type: image.root().media_type().to_owned(),
            size: image.root().bytes().len() as u64,
            platforms: Vec::new(),
            attached: attached
                .iter()
                .map(|(content, tag)| AttachedManifest {
                    subject: digest.clone(),
                    digest: content.digest().as_ref().parse().unwrap(),
                    media_type: content.root().media_type().to_owned(),
                    size: content.root().bytes().len() as u64,
                    tag: tag.map(|tag| tag.parse::<Tag>().unwrap()),
                    artifact_type: None,
                })
                .collect(),
        });
        let all: Vec<&Bundle> = std::iter::once(image)
            .chain(attached.iter().map(|(content, _)| *content))
            .collect();
        let manifests = all.iter().flat_map(|bundle| bundle.manifests());
        let manifests: Vec<Vec<u8>> = manifests.map(|it| it.bytes().to_vec()).collect();
        let blobs = all.iter().flat_map(|bundle| bundle.blobs());
        let blobs: Vec<Vec<u8>> = blobs.map(|it| it.bytes().to_vec()).collect();
        // Manifests come before every blob.
        let count = self.members.len();
        let is_manifest = |(_, bytes): &(String, Vec<u8>)| bytes.starts_with(b"{\"schemaVersion\"");
        let first_blob = (2..count).find(|index| !is_manifest(&self.members[*index]));
        let rest = self.members.split_off(first_blob.unwrap_or(count));
        let rest_listed = self.contents.members.split_off(self.members.len());
        for bytes in &manifests {
            self.add(MemberPath::blob(sha256_digest(bytes)), bytes);
        }
        for (listed, member) in rest_listed.into_iter().zip(rest) {
            self.contents.members.push(listed);
            self.members.push(member);
        }
        for bytes in &blobs {
            self.add(MemberPath::blob(sha256_digest(bytes)), bytes);
        }
    }

    /// Removes the blob with a digest, and requires it from repositories instead.
    pub(crate) fn require(&mut self, digest: &str, repositories: &[&str]) {
        let name = format!("blobs/{}", digest.replace(':', "/"));
        let index = self
            .members
            .iter()
            .position(|(path, _)| *path == name)
            .unwrap();
        let member = self.contents.members.remove(index);
        self.members.remove(index);
        self.contents.requires.push(bundle::contents::Requirement {
            digest: member.digest,
            size: member.size,
            media_type: None,
            repositories: repositories
                .iter()
                .map(|name| name.parse().unwrap())
                .collect(),
            base: "inventory.json".into(),
        });
    }

    /// Removes all members but the documents, for a bundle that requires the rest.
    pub(crate) fn keep_documents(&mut self) {
        self.members.truncate(2);
        self.contents.members.truncate(2);
    }

    pub(crate) fn document(&self) -> Vec<u8> {
        self.contents.to_bytes()
    }

    /// Returns the archive without its end.
    pub(crate) fn entries(&self) -> Vec<u8> {
        let mut archive = Vec::new();
        append(
            &mut archive,
            &header("mirror.json", self.document().len()),
            &self.document(),
        );
        if let Some((name, bytes)) = &self.signature {
            append(&mut archive, &header(name, bytes.len()), bytes);
        }
        for (path, bytes) in &self.members {
            append(&mut archive, &header(path, bytes.len()), bytes);
        }
        archive
    }

    /// Returns the archive.
    pub(crate) fn archive(&self) -> Vec<u8> {
        ended(self.entries())
    }

    /// Writes the bundle to the directory of a test. Returns the path for the command line.
    pub(crate) fn write(&self, environment: &TestEnvironment, form: Form) -> PathBuf {
        let path = environment.path("bundle");
        match form {
            Form::Archive => std::fs::write(&path, self.archive()).unwrap(),
            Form::Compressed => {
                let compressed = zstd::encode_all(&self.archive()[..], 1).unwrap();
                std::fs::write(&path, compressed).unwrap();
            }
            Form::Directory => self.write_directory(&path),
        }
        path
    }

    fn write_directory(&self, directory: &Path) {
        let write = |name: &str, bytes: &[u8]| {
            let path = directory.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut file = std::fs::File::create(path).unwrap();
            file.write_all(bytes).unwrap();
        };
        write("mirror.json", &self.document());
        if let Some((name, bytes)) = &self.signature {
            write(name, bytes);
        }
        for (path, bytes) in &self.members {
            write(path, bytes);
        }
    }
}

/// Returns a header as `mirror export` writes it.
pub(crate) fn header(path: &str, size: usize) -> Header {
    let mut header = Header::new_ustar();
    header.set_path(path).unwrap();
    header.set_size(size as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_entry_type(EntryType::Regular);
    header.set_cksum();
    header
}

/// Appends a header and content, filled to whole blocks.
pub(crate) fn append(archive: &mut Vec<u8>, header: &Header, content: &[u8]) {
    archive.extend_from_slice(header.as_bytes());
    archive.extend_from_slice(content);
    archive.resize(archive.len().next_multiple_of(512), 0);
}

/// Adds the end of an archive.
pub(crate) fn ended(mut archive: Vec<u8>) -> Vec<u8> {
    archive.resize(archive.len() + 1024, 0);
    archive
}
