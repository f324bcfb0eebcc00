//! The members of an archive, in their order, each compared with `mirror.json`.

use std::collections::HashMap;
use std::io::Read;
use std::sync::Arc;

use super::byte_source::{self, ByteSource};
use super::error::{MAX_DOCUMENT, MAX_SIGNATURE, ReadError, printable};
use super::head::Head;
use super::tar_header::{self, MemberHeader, padding};
use super::tar_reader::TarReader;
use super::volumes::Volumes;
use crate::contents::{CONTENTS_FILE, Member, MemberPath};
use crate::signing::{Signature, SignatureFormat, VerifyingKey};

/// A reader of an archive. It accepts exactly the members that `mirror.json` lists, in that order.
#[derive(Debug)]
pub struct ArchiveReader {
    head: Arc<Head>,
    tar: TarReader,
    /// The header after the head, which was read to look for a signature.
    peeked: Option<Option<MemberHeader>>,
    /// The number of members that were read.
    done: usize,
    /// The positions of members in the list, made for an error.
    positions: HashMap<MemberPath, usize>,
}

impl ArchiveReader {
    /// Opens an archive in files, and reads its head.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn open(volumes: &Arc<Volumes>, key: Option<&VerifyingKey>) -> Result<Self, ReadError> {
        let reader = Self::new(byte_source::of_volumes(volumes)?, key)?;
        let is_plain = !byte_source::is_compressed(&volumes.first_bytes()?);
        let (needed, size) = (reader.size(), volumes.size());
        if is_plain && size < needed {
            let within = format!(
                "it has {size} bytes, and the members that mirror.json lists take {needed}"
            );
            return Err(ReadError::Truncated { within });
        }
        Ok(reader)
    }

    /// Returns the least size of the archive by its list: the head that was read, each member with its header,
    /// and two blocks of zeros.
    fn size(&self) -> u64 {
        const BLOCK: u64 = tar_header::BLOCK as u64;
        let members = self.head.contents.members.iter();
        let sizes = members.map(|it| BLOCK + it.size + padding(it.size) as u64);
        // The header after the head was read already.
        sizes.fold(self.tar.position(), u64::saturating_add)
    }

    /// Reads the head of an archive in a stream. `name` is for messages.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn from_stream(
        name: &str,
        stream: impl Read + Send + 'static,
        key: Option<&VerifyingKey>,
    ) -> Result<Self, ReadError> {
        Self::new(byte_source::of_stream(name, stream)?, key)
    }

    fn new(source: Box<dyn ByteSource>, key: Option<&VerifyingKey>) -> Result<Self, ReadError> {
        let mut tar = TarReader::new(source);
        let document = read_contents(&mut tar)?;
        let (signature, peeked) = read_signature(&mut tar)?;
        let head = Head::verify(&document, signature.as_ref(), key)?;
        Ok(Self {
            head: Arc::new(head),
            tar,
            peeked,
            done: 0,
            positions: HashMap::new(),
        })
    }

    /// Returns the head.
    #[must_use]
    pub fn head(&self) -> &Arc<Head> {
        &self.head
    }

    /// Moves to the next member and returns its index in the list, `None` after the last. What is left of
    /// the member before is skipped without a check of its digest.
    ///
    /// # Errors
    ///
    /// [`ReadError`] for any member that is not the next one of the list.
    pub fn next_member(&mut self) -> Result<Option<usize>, ReadError> {
        let header = match self.peeked.take() {
            Some(header) => header,
            None => self.tar.next()?,
        };
        let head = Arc::clone(&self.head);
        let expected = head.contents.members.get(self.done);
        let (header, expected) = match (header, expected) {
            (Some(header), Some(expected)) => (header, expected),
            (Some(header), None) => return Err(self.unexpected(&header)?),
            (None, Some(expected)) => {
                let within = format!("before the member {}", expected.path);
                return Err(ReadError::Truncated { within });
            }
            (None, None) => {
                self.peeked = Some(None);
                return Ok(None);
            }
        };
        if header.path != expected.path.to_string() {
            return Err(self.unexpected(&header)?);
        }
        check_size(expected, header.size)?;
        self.done += 1;
        Ok(Some(self.done - 1))
    }

    /// Returns the position of the content of the current member in the uncompressed archive.
    pub(super) fn position(&self) -> u64 {
        self.tar.position()
    }

    /// Reads content of the current member; 0 at its end. The caller checks the digest.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        self.tar.read(buffer)
    }

    /// Returns the error of a member that is not the expected one.
    fn unexpected(&mut self, header: &MemberHeader) -> Result<ReadError, ReadError> {
        let path: MemberPath = header.path.parse()?;
        let members = &self.head.contents.members;
        if self.positions.is_empty() {
            let positions = members.iter().enumerate();
            let positions = positions.map(|(index, member)| (member.path.clone(), index));
            self.positions = positions.collect();
        }
        Ok(match (self.positions.get(&path), members.get(self.done)) {
            (None, _) => ReadError::Unlisted { path },
            (Some(index), _) if *index < self.done => ReadError::Duplicate { path },
            (Some(_), Some(expected)) => ReadError::Order {
                found: path,
                expected: expected.path.clone(),
            },
            (Some(_), None) => ReadError::Duplicate { path },
        })
    }
}

/// Checks the size of a member.
///
/// # Errors
///
/// [`ReadError::Size`].
pub(super) fn check_size(member: &Member, actual: u64) -> Result<(), ReadError> {
    if member.size == actual {
        return Ok(());
    }
    Err(ReadError::Size {
        path: member.path.clone(),
        listed: member.size,
        actual,
    })
}

/// Reads `mirror.json` and its signature from an archive that need not be complete. Neither is verified.
///
/// # Errors
///
/// [`ReadError`].
pub fn read_head(
    name: &str,
    stream: impl Read + Send + 'static,
) -> Result<(Vec<u8>, Option<Signature>), ReadError> {
    let mut tar = TarReader::new(byte_source::of_stream(name, stream)?);
    let document = read_contents(&mut tar)?;
    let (signature, _) = read_signature(&mut tar)?;
    Ok((document, signature))
}

fn read_contents(tar: &mut TarReader) -> Result<Vec<u8>, ReadError> {
    let first = match tar.next() {
        Ok(first) => first,
        // Anything may be given on the command line.
        Err(ReadError::Header { position: 0, .. }) => {
            let found = "data that is no tar archive".to_owned();
            return Err(ReadError::NotABundle { found });
        }
        Err(error) => return Err(error),
    };
    let found = |found: String| ReadError::NotABundle { found };
    let first = first.ok_or_else(|| found("its end".to_owned()))?;
    if first.path != CONTENTS_FILE {
        return Err(found(format!("`{}`", printable(first.path.as_bytes()))));
    }
    ReadError::check_length(CONTENTS_FILE, first.size, MAX_DOCUMENT)?;
    tar.read_rest()
}

type Peeked = Option<Option<MemberHeader>>;

/// Reads the signature, if it is the next member. Returns the next header otherwise.
fn read_signature(tar: &mut TarReader) -> Result<(Option<Signature>, Peeked), ReadError> {
    let second = tar.next()?;
    let format = second
        .as_ref()
        .and_then(|header| SignatureFormat::from_file_name(&header.path));
    let (Some(header), Some(format)) = (&second, format) else {
        return Ok((None, Some(second)));
    };
    ReadError::check_length(&header.path, header.size, MAX_SIGNATURE)?;
    let bytes = tar.read_rest()?;
    Ok((Some(Signature { format, bytes }), None))
}
