//! The headers of a tar archive. Only regular files are accepted, with a plain header, and the names of GNU tar
//! for paths that are longer than its field.

use tar::{EntryType, Header};

use super::error::{ReadError, printable};

/// The size of a header, and the unit of an archive.
pub(super) const BLOCK: usize = 512;

/// The name of the entry that has the long name of the next one, as GNU tar writes it.
const LONG_LINK: &[u8] = b"././@LongLink";
/// The length of the field for a name.
pub(super) const NAME_FIELD: usize = 100;
/// The longest path, with the zero that ends it: a repository and a blob with a SHA-512 are shorter.
const MAX_LONG_NAME: u64 = 1024;

/// A header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// That of a member.
    Member(MemberHeader),
    /// That of a long name of so many bytes, which is the path of the next member.
    LongName(usize),
}

/// A header of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MemberHeader {
    /// The path as it is in the archive.
    pub(super) path: String,
    /// The size of the content in bytes.
    pub(super) size: u64,
}

/// Parses a header, `None` for a block of zeros, which ends the archive. `position` is for messages.
///
/// # Errors
///
/// [`ReadError::Header`] and [`ReadError::EntryType`]. Extended headers (PAX), sparse files and names of GNU
/// tar for paths that are not long are refused: no bundle has them.
pub(super) fn parse(block: &[u8; BLOCK], position: u64) -> Result<Option<Entry>, ReadError> {
    if block.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let invalid = |detail: String| ReadError::Header { position, detail };
    let header = Header::from_byte_slice(block);
    let sum = header.cksum().map_err(|error| invalid(error.to_string()))?;
    if sum != checksum(block) {
        return Err(invalid("its checksum is wrong".to_owned()));
    }
    if header.as_ustar().is_none() && header.as_gnu().is_none() {
        return Err(invalid("it is not in the ustar format".to_owned()));
    }
    let path = header.path_bytes();
    if let Some(length) = long_name(header, &path) {
        return Ok(Some(Entry::LongName(length)));
    }
    if header.entry_type() != EntryType::Regular {
        return Err(ReadError::EntryType {
            path: printable(&path),
            kind: kind(header.entry_type()),
        });
    }
    if header
        .link_name_bytes()
        .is_some_and(|name| !name.is_empty())
    {
        return Err(invalid(
            "a regular file names the target of a link".to_owned(),
        ));
    }
    let size = header
        .entry_size()
        .map_err(|error| invalid(error.to_string()))?;
    if size > i64::MAX as u64 {
        return Err(invalid("its size does not fit into 63 bits".to_owned()));
    }
    let path = std::str::from_utf8(&path)
        .map_err(|_| invalid(format!("its path `{}` is no text", printable(&path))))?;
    Ok(Some(Entry::Member(MemberHeader {
        path: path.to_owned(),
        size,
    })))
}

/// Returns the length of the long name that follows, if there is one: that of a path which fits into no header.
fn long_name(header: &Header, path: &[u8]) -> Option<usize> {
    let is_long_name = header.entry_type() == EntryType::GNULongName && path == LONG_LINK;
    let size = header.entry_size().ok().filter(|_| is_long_name)?;
    let is_needed = size > NAME_FIELD as u64 + 1 && size <= MAX_LONG_NAME;
    is_needed.then_some(size as usize)
}

/// Returns the bytes that fill the last block of content.
pub(super) fn padding(size: u64) -> usize {
    let rest = (size % BLOCK as u64) as usize;
    (BLOCK - rest) % BLOCK
}

fn checksum(block: &[u8; BLOCK]) -> u32 {
    const FIELD: std::ops::Range<usize> = 148..156;
    let bytes = block.iter().enumerate();
    let bytes = bytes.map(|(index, byte)| if FIELD.contains(&index) { b' ' } else { *byte });
    bytes.map(u32::from).sum()
}

fn kind(entry: EntryType) -> String {
    let known = match entry {
        EntryType::Link => "a hard link",
        EntryType::Symlink => "a symbolic link",
        EntryType::Char => "a character device",
        EntryType::Block => "a block device",
        EntryType::Directory => "a directory",
        EntryType::Fifo => "a named pipe",
        EntryType::Continuous => "a contiguous file",
        EntryType::GNULongName | EntryType::GNULongLink => "a long name of GNU tar",
        EntryType::GNUSparse => "a sparse file",
        EntryType::XGlobalHeader | EntryType::XHeader => "an extended header (PAX)",
        other => return format!("of type {:?}", char::from(other.as_byte())),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(change: impl FnOnce(&mut Header)) -> [u8; BLOCK] {
        let mut header = Header::new_ustar();
        header.set_path("oci-layout").unwrap();
        header.set_size(31);
        header.set_mode(0o644);
        change(&mut header);
        header.set_cksum();
        *header.as_bytes()
    }

    #[test]
    fn only_regular_files_are_members() {
        for (size, block) in [
            (31, header(|_| {})),
            (1 << 40, header(|header| header.set_size(1 << 40))),
        ] {
            let path = "oci-layout".to_owned();
            let expected = Entry::Member(MemberHeader { path, size });
            assert_eq!(parse(&block, 0).unwrap(), Some(expected));
        }
        for (byte, kind) in [
            (b'1', "hard link"),
            (b'2', "symbolic link"),
            (b'3', "character device"),
            (b'4', "block device"),
            (b'5', "directory"),
            (b'6', "named pipe"),
            (b'L', "long name"),
            (b'S', "sparse"),
            (b'x', "PAX"),
            (b'g', "PAX"),
            (b'Z', "type 'Z'"),
        ] {
            let block = header(|header| header.set_entry_type(EntryType::new(byte)));
            let error = parse(&block, 0).unwrap_err().to_string();
            assert!(error.contains(kind), "{error}");
        }
    }

    #[test]
    fn damaged_headers_are_refused() {
        let mut wrong_sum = header(|_| {});
        wrong_sum[0] = b'x';
        let old = header(|header| header.as_old_mut().pad[0..8].fill(b'!'));
        let linked = header(|header| header.set_link_name("/etc/passwd").unwrap());
        let negative = header(|header| header.as_old_mut().size = [0xff; 12]);
        let text = header(|header| header.as_old_mut().name[0] = 0xff);
        for (block, cause) in [
            (wrong_sum, "checksum"),
            (old, "ustar"),
            (linked, "target of a link"),
            (negative, "63 bits"),
            (text, "no text"),
        ] {
            let error = parse(&block, 512).unwrap_err().to_string();
            assert!(
                error.contains(cause) && error.contains("byte 512"),
                "{error}"
            );
        }
        assert_eq!(parse(&[0; BLOCK], 0).unwrap(), None);
    }
}
