//! The members of a tar archive, one after the other.

use std::io::Read;

use super::byte_source::{ByteSource, read_error};
use super::error::ReadError;
use super::tar_header::{BLOCK, Entry, MemberHeader, NAME_FIELD, padding, parse};

/// The maximum number of zeros after the end of the archive: tar programs fill the last record.
const MAX_FILL: u64 = 1024 * 1024;

/// A reader of a tar archive.
pub(super) struct TarReader {
    source: Box<dyn ByteSource>,
    /// The position in the uncompressed archive.
    position: u64,
    /// The member that is read, for messages.
    path: String,
    /// Unread bytes of its content.
    rest: u64,
    /// Bytes that fill its last block.
    fill: usize,
}

impl std::fmt::Debug for TarReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TarReader")
            .field("position", &self.position)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl TarReader {
    pub(super) fn new(source: Box<dyn ByteSource>) -> Self {
        Self {
            source,
            position: 0,
            path: "before its first member".to_owned(),
            rest: 0,
            fill: 0,
        }
    }

    /// Returns the position in the uncompressed archive: after a header, that of the content.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Returns the next member, `None` at the end of the archive. What is left of the last one is skipped.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if the archive ends early, or has anything but regular files.
    pub(super) fn next(&mut self) -> Result<Option<MemberHeader>, ReadError> {
        self.skip_content()?;
        let header = match self.entry()? {
            None => {
                self.end()?;
                return Ok(None);
            }
            Some(Entry::Member(header)) => header,
            Some(Entry::LongName(length)) => self.long_member(length)?,
        };
        self.path = format!("in the member `{}`", header.path.escape_debug());
        (self.rest, self.fill) = (header.size, padding(header.size));
        Ok(Some(header))
    }

    fn entry(&mut self) -> Result<Option<Entry>, ReadError> {
        let mut block = [0; BLOCK];
        let position = self.position;
        self.read_exact(&mut block)?;
        parse(&block, position)
    }

    /// Reads a long name and the header after it, which has the start of that name.
    fn long_member(&mut self, length: usize) -> Result<MemberHeader, ReadError> {
        let position = self.position;
        let invalid = |detail: &str| ReadError::Header {
            position,
            detail: detail.to_owned(),
        };
        let mut name = vec![0; length + padding(length as u64)];
        self.read_exact(&mut name)?;
        let (name, zeros) = name.split_at(length - 1);
        if name.contains(&0) || zeros.iter().any(|byte| *byte != 0) {
            return Err(invalid("a long name does not end with zeros"));
        }
        let text = std::str::from_utf8(name).map_err(|_| invalid("a long name is not UTF-8"))?;
        match self.entry()? {
            Some(Entry::Member(header)) if name[..NAME_FIELD] == *header.path.as_bytes() => {
                Ok(MemberHeader {
                    path: text.to_owned(),
                    size: header.size,
                })
            }
            _ => Err(invalid("a long name is not that of the member after it")),
        }
    }

    /// Reads content of the member; 0 at its end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        let most = usize::try_from(self.rest)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let read = self.source.read(&mut buffer[..most]);
        let read = read.map_err(|error| self.error(error))?;
        if read == 0 {
            return Err(self.error(std::io::ErrorKind::UnexpectedEof.into()));
        }
        self.rest -= read as u64;
        self.position += read as u64;
        Ok(read)
    }

    /// Reads the rest of the content, whose size the caller has checked.
    pub(super) fn read_rest(&mut self) -> Result<Vec<u8>, ReadError> {
        let mut content = Vec::new();
        let mut chunk = vec![0; 64 << 10];
        loop {
            // The size in a header does not decide how much memory is taken.
            match self.read(&mut chunk)? {
                0 => return Ok(content),
                read => content.extend_from_slice(&chunk[..read]),
            }
        }
    }

    fn skip_content(&mut self) -> Result<(), ReadError> {
        let bytes = self.rest.saturating_add(self.fill as u64);
        if self.rest == 0 {
            let mut fill = [0; BLOCK];
            let fill = &mut fill[..self.fill];
            self.read_exact(fill)?;
        } else {
            let skipped = self.source.skip(bytes);
            skipped.map_err(|error| self.error(error))?;
            self.position += bytes;
        }
        (self.rest, self.fill) = (0, 0);
        Ok(())
    }

    /// Checks the rest of the archive after its first block of zeros: nothing but zeros.
    fn end(&mut self) -> Result<(), ReadError> {
        self.path = "in the blocks of zeros that end it".to_owned();
        let mut second = [0; BLOCK];
        self.read_exact(&mut second)?;
        let mut after = 0;
        let mut buffer = vec![0; 64 << 10];
        buffer[..BLOCK].copy_from_slice(&second);
        let mut read = BLOCK;
        while read > 0 {
            if buffer[..read].iter().any(|byte| *byte != 0) {
                return Err(ReadError::Trailing("other data"));
            }
            after += read as u64;
            if after > MAX_FILL {
                return Err(ReadError::Trailing("more than a mebibyte of zeros"));
            }
            let next = self.source.read(&mut buffer);
            read = next.map_err(|error| self.error(error))?;
        }
        Ok(())
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> Result<(), ReadError> {
        let read = self.source.read_exact(buffer);
        read.map_err(|error| self.error(error))?;
        self.position += buffer.len() as u64;
        Ok(())
    }

    fn error(&self, error: std::io::Error) -> ReadError {
        read_error(error, || self.path.clone())
    }
}
