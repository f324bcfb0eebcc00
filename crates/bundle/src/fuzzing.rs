//! Properties that hold for every input, one function for each target in `fuzz/`.
//!
//! `cargo fuzz` calls them under `cfg(fuzzing)`; the tests replay the corpus with them.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use registry_client::sha256_digest;
use tar::Header;

pub use crate::image_files::fuzzing::image_file;

use crate::contents::{BundledImage, Contents, Member, MemberFile, MemberPath};
use crate::read::{ArchiveReader, Members, list, verify};

/// Changes an honest archive: each four bytes of the input are a position and a byte. Checks that a reader
/// accepts the result only if every member that `mirror.json` lists has its digest, as another reader sees it.
pub fn bundle_archive(data: &[u8]) {
    let mut archive = honest_archive();
    for change in data.chunks_exact(4) {
        let position = u32::from_be_bytes([0, change[0], change[1], change[2]]) as usize;
        let position = position % archive.len();
        archive[position] = change[3];
    }
    check(archive);
}

/// Reads any bytes as an archive, plain or compressed.
pub fn bundle_bytes(data: &[u8]) {
    check(data.to_vec());
}

/// Checks that contents that are accepted are written as they were read.
pub fn bundle_contents(data: &[u8]) {
    if let Ok(contents) = Contents::parse(data) {
        let again = Contents::parse(&contents.to_bytes());
        assert_eq!(again.ok(), Some(contents));
    }
}

fn check(archive: Vec<u8>) {
    let open = |archive: Vec<u8>| {
        let reader = ArchiveReader::from_stream("input", Cursor::new(archive), None);
        reader.map(Members::of_stream)
    };
    if let Ok(members) = open(archive.clone()) {
        list(members).ok();
    }
    let Ok(members) = open(archive.clone()) else {
        return;
    };
    let head = std::sync::Arc::clone(members.head());
    if verify(members).is_err() || archive.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return;
    }
    let found = read_independently(&archive);
    for member in &head.contents.members {
        let digest = found.get(&member.path.to_string());
        assert_eq!(digest, Some(&member.digest.to_string()), "{}", member.path);
    }
    assert_eq!(found.len(), head.contents.members.len() + 1, "more members");
}

/// Returns the digests of all members, as the `tar` crate reads them.
fn read_independently(archive: &[u8]) -> HashMap<String, String> {
    let mut archive = tar::Archive::new(archive);
    let mut found = HashMap::new();
    for entry in archive.entries().into_iter().flatten().flatten() {
        let mut entry = entry;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).ok();
        found.insert(path, sha256_digest(&content).to_string());
    }
    found
}

/// Returns an archive with an image of one layer.
fn honest_archive() -> Vec<u8> {
    let layer = b"layer".to_vec();
    let descriptor = |bytes: &[u8]| {
        let (digest, size) = (sha256_digest(bytes), bytes.len());
        format!(r#"{{"mediaType":"x/y","digest":"{digest}","size":{size}}}"#)
    };
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{},"layers":[{}]}}"#,
        descriptor(b"{}"),
        descriptor(&layer)
    );
    let manifest = manifest.into_bytes();
    let mut contents = Contents::new("fuzz");
    let mut archive = Vec::new();
    let mut members = vec![(
        MemberPath::new(MemberFile::OciLayout),
        br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec(),
    )];
    for bytes in [manifest.clone(), b"{}".to_vec(), layer] {
        members.push((MemberPath::blob(sha256_digest(&bytes)), bytes));
    }
    contents.images.extend(image(&manifest));
    for (path, bytes) in &members {
        contents.members.push(Member {
            path: path.clone(),
            digest: sha256_digest(bytes),
            size: bytes.len() as u64,
        });
    }
    append(&mut archive, "mirror.json", &contents.to_bytes());
    for (path, bytes) in &members {
        append(&mut archive, &path.to_string(), bytes);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

fn image(manifest: &[u8]) -> Option<BundledImage> {
    Some(BundledImage {
        source: "q.io/a".parse().ok()?,
        destination: "r.io/a".parse().ok()?,
        tag: "1".parse().ok()?,
        destination_tag: "1".parse().ok()?,
        digest: sha256_digest(manifest),
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        size: manifest.len() as u64,
        platforms: Vec::new(),
        attached: Vec::new(),
    })
}

fn append(archive: &mut Vec<u8>, path: &str, content: &[u8]) {
    let mut header = Header::new_ustar();
    header.set_path(path).ok();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    archive.extend_from_slice(header.as_bytes());
    archive.extend_from_slice(content);
    archive.resize(archive.len().next_multiple_of(512), 0);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use testkit::replay_corpus;

    use super::*;

    #[test]
    fn corpus_passes() {
        replay_corpus("bundle_archive", bundle_archive);
        replay_corpus("bundle_bytes", bundle_bytes);
        replay_corpus("bundle_contents", bundle_contents);
        replay_corpus("image_file", image_file);
    }

    #[test]
    fn honest_archive_is_verified() {
        let archive = honest_archive();
        let reader = ArchiveReader::from_stream("input", Cursor::new(archive), None).unwrap();
        assert_eq!(verify(Members::of_stream(reader)).unwrap().members, 4);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn changed_archives_are_refused_or_whole(changes in proptest::collection::vec(any::<[u8; 4]>(), 1..4)) {
            bundle_archive(&changes.concat());
        }
    }
}
