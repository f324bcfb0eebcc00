//! A reader of tar archives from foreign sources.
//!
//! It reads regular files in memory and writes nothing. Names and extension headers are bounded, so that a
//! small compressed archive cannot fill the memory. Source: POSIX.1-2017 pax, GNU tar "Basic Tar Format".

use std::io::{self, Read};

/// The size of a block.
const BLOCK: usize = 512;

/// Maximum size of an extension header with a long name, in bytes.
const MAX_EXTENSION: u64 = 256 * 1024;

/// A reader of the entries of an archive.
#[derive(Debug)]
pub(crate) struct TarReader<R> {
    archive: R,
    /// The bytes of the current entry that are not read, and its padding.
    rest: u64,
    padding: u64,
}

/// The header of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TarEntry {
    /// The path without `.` components and slashes at its ends. `None` for a path that leaves the archive
    /// or is not UTF-8.
    pub(crate) path: Option<String>,
    /// The entry is a regular file; otherwise a directory, a link or a device.
    pub(crate) is_file: bool,
    /// The entry is a symbolic or hard link.
    pub(crate) is_link: bool,
    /// The size of the content in bytes.
    pub(crate) size: u64,
}

impl<R: Read> TarReader<R> {
    pub(crate) fn new(archive: R) -> Self {
        Self {
            archive,
            rest: 0,
            padding: 0,
        }
    }

    /// Skips the rest of the current entry and returns the next one, `None` at the end of the archive.
    ///
    /// # Errors
    ///
    /// [`io::Error`] for an archive that is invalid or cannot be read.
    pub(crate) fn next_entry(&mut self) -> io::Result<Option<TarEntry>> {
        let mut long_name = None;
        let mut pax = PaxFields::default();
        loop {
            self.skip(self.rest + self.padding)?;
            (self.rest, self.padding) = (0, 0);
            let Some(block) = self.block()? else {
                return Ok(None);
            };
            if block.iter().all(|byte| *byte == 0) {
                return Ok(None);
            }
            let header = Header::parse(&block)?;
            match header.kind {
                b'L' => {
                    let name = self.extension(header.size)?;
                    let end = name.iter().position(|byte| *byte == 0);
                    long_name = Some(name[..end.unwrap_or(name.len())].to_vec());
                }
                b'x' => pax = PaxFields::parse(&self.extension(header.size)?)?,
                b'g' | b'K' => self.set_content(header.size),
                kind => {
                    let size = pax.size.unwrap_or(header.size);
                    self.set_content(size);
                    let path = pax.path.or(long_name).unwrap_or(header.path);
                    return Ok(Some(TarEntry {
                        path: String::from_utf8(path)
                            .ok()
                            .and_then(|path| plain_path(&path)),
                        is_file: matches!(kind, b'0' | 0 | b'7'),
                        is_link: matches!(kind, b'1' | b'2'),
                        size,
                    }));
                }
            }
        }
    }

    /// Reads the content of the current entry, which has at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`io::Error`] for content that is longer, or that the archive lacks.
    pub(crate) fn content(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        if self.rest > limit {
            return Err(invalid(format!(
                "a file has {} bytes, more than the limit of {limit}",
                self.rest
            )));
        }
        let mut content = Vec::new();
        (&mut self.archive)
            .take(self.rest)
            .read_to_end(&mut content)?;
        if content.len() as u64 != self.rest {
            return Err(truncated());
        }
        self.rest = 0;
        Ok(content)
    }

    fn set_content(&mut self, size: u64) {
        let block = BLOCK as u64;
        self.rest = size;
        self.padding = (block - size % block) % block;
    }

    fn extension(&mut self, size: u64) -> io::Result<Vec<u8>> {
        self.set_content(size);
        self.content(MAX_EXTENSION)
    }

    /// Reads a header block, `None` at the end of the archive.
    fn block(&mut self) -> io::Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.archive.read(&mut block[filled..])? {
                0 if filled == 0 => return Ok(None),
                0 => return Err(truncated()),
                count => filled += count,
            }
        }
        Ok(Some(block))
    }

    fn skip(&mut self, count: u64) -> io::Result<()> {
        let skipped = io::copy(&mut (&mut self.archive).take(count), &mut io::sink())?;
        if skipped == count {
            Ok(())
        } else {
            Err(truncated())
        }
    }
}

struct Header {
    path: Vec<u8>,
    size: u64,
    kind: u8,
}

impl Header {
    fn parse(block: &[u8; BLOCK]) -> io::Result<Self> {
        let expected = number(&block[148..156])?;
        let sum: u64 = block
            .iter()
            .enumerate()
            .map(|(at, byte)| {
                if (148..156).contains(&at) {
                    32
                } else {
                    u64::from(*byte)
                }
            })
            .sum();
        if sum != expected {
            return Err(invalid(
                "a header has a wrong checksum: it is not a tar archive".to_owned(),
            ));
        }
        let name = until_nul(&block[..100]);
        let prefix = until_nul(&block[345..500]);
        // GNU's own format has times at the position of the prefix.
        let has_prefix = block[257..263] == *b"ustar\0" && !prefix.is_empty();
        let path = match has_prefix {
            true => [prefix, b"/", name].concat(),
            false => name.to_vec(),
        };
        Ok(Self {
            path,
            size: number(&block[124..136])?,
            kind: block[156],
        })
    }
}

/// The fields of a pax header that replace those of the header after it.
#[derive(Debug, Default)]
struct PaxFields {
    path: Option<Vec<u8>>,
    size: Option<u64>,
}

impl PaxFields {
    /// Parses records of the form `LENGTH KEY=VALUE\n`.
    fn parse(content: &[u8]) -> io::Result<Self> {
        let broken = || invalid("an extended header is invalid".to_owned());
        let mut fields = Self::default();
        let mut rest = content;
        while !rest.is_empty() {
            let blank = rest
                .iter()
                .position(|byte| *byte == b' ')
                .ok_or_else(broken)?;
            let length = std::str::from_utf8(&rest[..blank]).ok();
            let length: usize = length
                .and_then(|text| text.parse().ok())
                .ok_or_else(broken)?;
            let record = rest.get(blank + 1..length).ok_or_else(broken)?;
            let record = record.strip_suffix(b"\n").ok_or_else(broken)?;
            let equals = record
                .iter()
                .position(|byte| *byte == b'=')
                .ok_or_else(broken)?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key {
                b"path" => fields.path = Some(value.to_vec()),
                b"size" => {
                    let size = std::str::from_utf8(value).ok();
                    fields.size = Some(size.and_then(|text| text.parse().ok()).ok_or_else(broken)?);
                }
                _ => {}
            }
            rest = &rest[length..];
        }
        Ok(fields)
    }
}

/// Parses an octal number, or one in GNU's base 256.
fn number(field: &[u8]) -> io::Result<u64> {
    if let [first, rest @ ..] = field
        && first & 0x80 != 0
    {
        let first = u64::from(first & 0x7f);
        return rest.iter().try_fold(first, |number, byte| {
            let shifted = number.checked_mul(256);
            shifted
                .and_then(|shifted| shifted.checked_add(u64::from(*byte)))
                .filter(|number| *number < u64::MAX / 4)
                .ok_or_else(|| invalid("a header has an invalid number".to_owned()))
        });
    }
    let text = std::str::from_utf8(until_nul(field)).unwrap_or("?").trim();
    if text.is_empty() {
        return Ok(0);
    }
    u64::from_str_radix(text, 8).map_err(|_| invalid("a header has an invalid number".to_owned()))
}

fn until_nul(field: &[u8]) -> &[u8] {
    let end = field.iter().position(|byte| *byte == 0);
    &field[..end.unwrap_or(field.len())]
}

/// Returns a path within the archive without `.` and empty components, `None` if it has `..`.
fn plain_path(path: &str) -> Option<String> {
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    let parts: Vec<_> = parts.collect();
    (!parts.contains(&"..")).then(|| parts.join("/"))
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

fn truncated() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends early")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(archive: &[u8]) -> io::Result<Vec<(Option<String>, bool, String)>> {
        let mut reader = TarReader::new(archive);
        let mut found = Vec::new();
        while let Some(entry) = reader.next_entry()? {
            let content = reader.content(100)?;
            let content = String::from_utf8_lossy(&content).into_owned();
            found.push((entry.path, entry.is_file, content));
        }
        Ok(found)
    }

    /// Returns an entry with a valid checksum.
    fn entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
        let mut block = [0; BLOCK];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        block[156] = kind;
        block[257..263].copy_from_slice(b"ustar\0");
        block[148..156].fill(b' ');
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        let mut bytes = block.to_vec();
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }

    #[test]
    fn entries_have_plain_paths() {
        let pax = b"19 path=a/pax/name\n";
        let archive = [
            entry("./a/", b'5', b""),
            entry("/a/b.yaml", b'0', b"one"),
            entry("../c", b'0', b"two"),
            entry("././@LongLink", b'L', b"a/long/name\0"),
            entry("short", b'0', b"three"),
            entry("pax", b'x', pax),
            entry("short", b'7', b"four"),
            entry("link", b'2', b""),
            vec![0; 2 * BLOCK],
        ]
        .concat();
        let text = |text: &str| text.to_owned();
        let expected = [
            (Some(text("a")), false, text("")),
            (Some(text("a/b.yaml")), true, text("one")),
            (None, true, text("two")),
            (Some(text("a/long/name")), true, text("three")),
            (Some(text("a/pax/name")), true, text("four")),
            (Some(text("link")), false, text("")),
        ];
        assert_eq!(entries(&archive).unwrap(), expected);
    }

    #[test]
    fn invalid_archives_are_errors() {
        let huge = entry("././@LongLink", b'L', &vec![b'a'; 300 * 1024]);
        let cut = entry("a", b'0', b"content")[..BLOCK + 3].to_vec();
        let mut checksum = entry("a", b'0', b"");
        checksum[0] = b'b';
        let pax = entry("a", b'x', b"9999 path=x\n");
        for (archive, message) in [
            (huge, "more than the limit"),
            (cut, "ends early"),
            (checksum, "wrong checksum"),
            (pax, "extended header is invalid"),
            (vec![1; 100], "ends early"),
        ] {
            let error = entries(&archive).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        assert_eq!(entries(b"").unwrap(), []);
    }
}
