//! The members of a tar archive: always the same header for the same path and size.

use tar::{EntryType, Header};

/// The unit of a tar archive in bytes.
pub(super) const BLOCK: u64 = 512;
/// The end of an archive: two empty blocks.
pub(super) const END: [u8; 1024] = [0; 1024];

/// The longest path in a header without an entry for a long name.
const MAX_PATH: usize = 100;
/// The name of the entry with a long name, as GNU tar writes it.
const LONG_NAME: &[u8] = b"././@LongLink";

/// Returns the headers of a member.
///
/// GNU's form: sizes over 8 GiB are binary, and a long path is an entry before the member. Time, owner and
/// group are zero.
pub(super) fn header(path: &str, size: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    if path.len() > MAX_PATH {
        let length = path.len() as u64 + 1;
        bytes.extend_from_slice(&block(LONG_NAME, length, EntryType::GNULongName));
        bytes.extend_from_slice(path.as_bytes());
        bytes.push(0);
        bytes.resize(bytes.len().next_multiple_of(BLOCK as usize), 0);
    }
    let name = &path.as_bytes()[..path.len().min(MAX_PATH)];
    bytes.extend_from_slice(&block(name, size, EntryType::Regular));
    bytes
}

fn block(name: &[u8], size: u64, kind: EntryType) -> [u8; 512] {
    let mut header = Header::new_gnu();
    header.as_gnu_mut().into_iter().for_each(|fields| {
        fields.name[..name.len()].copy_from_slice(name);
    });
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_entry_type(kind);
    header.set_cksum();
    *header.as_bytes()
}

/// Returns the length of the headers of a member.
pub(super) fn header_length(path: &str) -> u64 {
    let long = match path.len() {
        length if length > MAX_PATH => BLOCK + (length as u64 + 1).next_multiple_of(BLOCK),
        _ => 0,
    };
    long + BLOCK
}

/// Returns the bytes that fill the last block of a member.
pub(super) fn padding(size: u64) -> u64 {
    size.next_multiple_of(BLOCK) - size
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn members_are_read_by_another_implementation() {
        let long = format!("blobs/sha512/{}", "a".repeat(128));
        let mut archive = Vec::new();
        for path in ["mirror.json", &long] {
            let headers = header(path, 3);
            assert_eq!(headers.len() as u64, header_length(path));
            archive.extend_from_slice(&headers);
            archive.extend_from_slice(b"abc");
            archive.resize(archive.len() + padding(3) as usize, 0);
        }
        archive.extend_from_slice(&END);
        let mut reader = tar::Archive::new(&*archive);
        let mut found = Vec::new();
        for entry in reader.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            assert_eq!(text, "abc");
            assert_eq!(entry.header().mtime().unwrap(), 0);
            found.push(entry.path().unwrap().to_string_lossy().into_owned());
        }
        assert_eq!(found, ["mirror.json", &long]);
    }

    #[test]
    fn size_over_eight_gibibytes_is_kept() {
        let header = header("x", 20 << 30);
        let header = Header::from_byte_slice(&header);
        assert_eq!(header.entry_size().unwrap(), 20 << 30);
    }
}
