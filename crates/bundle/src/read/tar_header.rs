//! The headers of a tar archive. Only regular files with a plain header are accepted.

use tar::{EntryType, Header};

use super::error::{ReadError, printable};

/// The size of a header, and the unit of an archive.
pub(super) const BLOCK: usize = 512;

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
/// [`ReadError::Header`] and [`ReadError::EntryType`]. Extended headers (PAX, GNU) and sparse files, whose
/// path or size would be elsewhere, are refused: no bundle has them.
pub(super) fn parse(block: &[u8; BLOCK], position: u64) -> Result<Option<MemberHeader>, ReadError> {
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
    Ok(Some(MemberHeader {
        path: path.to_owned(),
        size,
    }))
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
        let parsed = parse(&header(|_| {}), 0).unwrap().unwrap();
        assert_eq!((parsed.path.as_str(), parsed.size), ("oci-layout", 31));
        let large = header(|header| header.set_size(1 << 40));
        assert_eq!(parse(&large, 0).unwrap().unwrap().size, 1 << 40);
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
