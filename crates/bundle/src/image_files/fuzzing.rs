//! The fuzz target of the readers of image files.

use std::fs;
use std::path::Path;

use futures::StreamExt;
use image_name::{Digest, ManifestReference};
use registry_client::{Content, ContentHasher, sha256_digest};
use tar::{EntryType, Header};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::layout_view::parsed;
use super::location::{ImageFile, Selector, Transport};
use super::source::SourceFile;
use super::store::{ImageStore, StoredManifest};

/// The maximum number of contents that are read of a file.
const MAX_READ: usize = 64;
/// The maximum number of members of a described archive.
const MAX_MEMBERS: usize = 32;
/// The names of members, by the lower bits of a byte. A member without a name is a blob.
const NAMES: [&str; 12] = [
    "oci-layout",
    "index.json",
    "manifest.json",
    "mirror.json",
    "config.json",
    "layer.tar",
    "a/layer.tar",
    "repositories",
    "blobs",
    "../escape",
    "blobs/sha256/x",
    "",
];

/// A member of a file that the input describes.
struct Member {
    path: String,
    kind: EntryType,
    content: Vec<u8>,
}

/// Reads a file as a source of an image. The first byte chooses its kind; the rest is the file, or describes its
/// members. Checks that the image of a docker archive without a layout has the digests that it claims, since no other
/// reader checks its layers against the config.
pub fn image_file(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    let transport = Transport::ALL[usize::from(kind % 3)];
    let scratch = TempDir::new();
    let runtime = Builder::new_current_thread().build();
    let (Ok(scratch), Ok(runtime)) = (scratch, runtime) else {
        return;
    };
    let path = scratch.path().join("file");
    let members = members(rest);
    let is_written = match (transport, kind & 0x80 == 0) {
        (Transport::Oci, _) => write_directory(&path, &members),
        (_, true) => fs::write(&path, archive(&members)),
        (_, false) => fs::write(&path, rest),
    };
    if is_written.is_err() {
        return;
    }
    for selector in [
        Selector::Only,
        Selector::Position(0),
        Selector::Name("docker.io/library/a:1".to_owned()),
    ] {
        let file = ImageFile {
            transport,
            path: path.clone(),
            selector,
        };
        if let Ok(source) = SourceFile::open(&file) {
            // An extended header may give another member that name.
            let may_be_layout = |member: &Member| {
                let is_extended = [EntryType::XHeader, EntryType::GNULongName];
                member.path == "oci-layout" || is_extended.contains(&member.kind)
            };
            let has_layout = members.iter().any(may_be_layout);
            let is_synthesized = transport == Transport::DockerArchive && !has_layout;
            read(&runtime, &source, is_synthesized && kind & 0x80 == 0);
        }
    }
    let outside = scratch.path().join("escape");
    assert!(!outside.exists(), "a reader has written a file");
}

/// Reads the tags, the manifests and the blobs of a source.
fn read(runtime: &Runtime, source: &SourceFile, has_digests: bool) {
    runtime.block_on(async {
        source.tags().await.ok();
        source.referrers(&source.digest).await.ok();
        let mut pending = vec![source.digest.clone()];
        let mut done = 0;
        while let Some(digest) = pending.pop()
            && done < MAX_READ
        {
            done += 1;
            let reference = ManifestReference::from(&digest);
            if let Ok(Some(manifest)) = source.manifest(&reference).await {
                assert_eq!(manifest.digest, digest);
                if has_digests {
                    assert_eq!(sha256_digest(&manifest.bytes), digest);
                }
                pending.extend(children(&manifest));
            } else {
                read_blob(source, &digest, has_digests).await;
            }
        }
    });
}

async fn read_blob(source: &SourceFile, digest: &Digest, has_digests: bool) {
    let size = source.blob_size(digest).await;
    let Ok(Some(mut blob)) = source.read_blob(digest, 0).await else {
        assert!(!has_digests, "a layer is missing");
        return;
    };
    assert_eq!(size.ok().flatten(), Some(blob.size));
    let (mut read, mut hasher) = (0, ContentHasher::for_digest(digest));
    while let Some(Ok(chunk)) = blob.chunks.next().await {
        read += chunk.len() as u64;
        hasher.update(&chunk);
    }
    assert!(read <= blob.size, "more than its size");
    if has_digests {
        assert_eq!(hasher.finish(), digest.as_str());
    }
}

/// Returns the digests under a manifest.
fn children(manifest: &StoredManifest) -> Vec<Digest> {
    let manifest = parsed(manifest);
    let Ok(content) = manifest.content() else {
        return Vec::new();
    };
    let descriptors = match content {
        Content::Index { manifests, .. } => manifests,
        Content::Image { config, layers, .. } => config
            .map(|config| *config)
            .into_iter()
            .chain(layers)
            .collect(),
    };
    let digests = descriptors
        .iter()
        .map(|descriptor| Digest::try_from(descriptor.digest()));
    digests.filter_map(Result::ok).take(MAX_READ).collect()
}

/// Parses members: a byte for the name and the kind, two bytes for the length, and the content. In the content,
/// `$N` stands for the digest of the member N, `%N` for its digits, and `#N` for its size.
fn members(mut data: &[u8]) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    while let [first, high, low, rest @ ..] = data
        && members.len() < MAX_MEMBERS
    {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (content, rest) = rest.split_at(length);
        data = rest;
        let content = substituted(content, &members);
        let kind = match first >> 4 {
            0..=11 => EntryType::Regular,
            12 => EntryType::Symlink,
            13 => EntryType::Link,
            14 => EntryType::XHeader,
            _ => EntryType::GNULongName,
        };
        let name = NAMES.get(usize::from(first & 15));
        let path = match name {
            Some(name) => (*name).to_owned(),
            None => format!("blobs/sha256/{}", sha256_digest(&content).hex()),
        };
        members.push(Member {
            path,
            kind,
            content,
        });
    }
    members
}

fn substituted(content: &[u8], members: &[Member]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(content.len());
    let mut rest = content;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let number = after.first().filter(|byte| byte.is_ascii_digit());
        let member = number.and_then(|number| members.get(usize::from(number - b'0')));
        let value = member.and_then(|member| match first {
            b'$' => Some(sha256_digest(&member.content).to_string()),
            b'%' => Some(sha256_digest(&member.content).hex().to_owned()),
            b'#' => Some(member.content.len().to_string()),
            _ => None,
        });
        match value {
            Some(value) => {
                bytes.extend_from_slice(value.as_bytes());
                rest = &after[1..];
            }
            None => bytes.push(*first),
        }
    }
    bytes
}

/// Returns an archive of the members. The content of a link is its target.
fn archive(members: &[Member]) -> Vec<u8> {
    let mut archive = Vec::new();
    for Member {
        path,
        kind,
        content,
    } in members
    {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        let content = match kind {
            EntryType::Symlink | EntryType::Link => {
                let length = content.len().min(100);
                header.as_old_mut().linkname[..length].copy_from_slice(&content[..length]);
                &[][..]
            }
            _ => &content[..],
        };
        header.set_size(content.len() as u64);
        header.set_cksum();
        archive.extend_from_slice(header.as_bytes());
        archive.extend_from_slice(content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

/// Writes the members to a directory, links too.
fn write_directory(directory: &Path, members: &[Member]) -> std::io::Result<()> {
    fs::create_dir_all(directory)?;
    for member in members {
        let path = directory.join(&member.path);
        if member.path.is_empty() || member.path.starts_with("..") || path.exists() {
            continue;
        }
        fs::create_dir_all(path.parent().unwrap_or(directory))?;
        match member.kind {
            EntryType::Symlink => {
                let target = String::from_utf8_lossy(&member.content);
                std::os::unix::fs::symlink(&*target, &path).ok();
            }
            _ => fs::write(&path, &member.content)?,
        }
    }
    Ok(())
}
