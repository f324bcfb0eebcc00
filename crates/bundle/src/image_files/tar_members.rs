//! The members of a tar archive that another program wrote.
//!
//! Only headers are read: a member is a part of the archive file. Nothing is unpacked, and a link leads to
//! another member only.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use tar::{EntryType, Header};

use super::error::printable;
use super::span::Span;

/// The size of a header, and the unit of an archive.
const BLOCK: u64 = 512;
/// The maximum number of members.
const MAX_MEMBERS: usize = 200_000;
/// The maximum size of an extended header in bytes.
const MAX_EXTENSION: u64 = 1024 * 1024;
/// The maximum size of all paths together in bytes.
const MAX_PATHS: usize = 32 * 1024 * 1024;
/// The maximum number of links that lead to each other.
const MAX_LINKS: usize = 8;

/// The members of an archive by their paths.
#[derive(Debug)]
pub(super) struct TarMembers {
    file: Arc<File>,
    members: HashMap<String, Member>,
}

#[derive(Debug)]
enum Member {
    Content { offset: u64, size: u64 },
    Link(String),
}

/// The path, the link target and the size of the next member, from extended headers before it.
#[derive(Debug, Default)]
struct Extension {
    path: Option<String>,
    link: Option<String>,
    size: Option<u64>,
}

impl TarMembers {
    /// Reads the headers of an archive.
    ///
    /// # Errors
    ///
    /// The cause, without the name of the archive.
    pub(super) fn read(file: Arc<File>) -> Result<Self, String> {
        let length = file.metadata().map_err(|error| error.to_string())?.len();
        let mut scan = Scan {
            file: &file,
            length,
            position: 0,
            members: HashMap::new(),
            path_bytes: 0,
        };
        scan.run()?;
        let members = scan.members;
        Ok(Self { file, members })
    }

    /// Returns the content of a member, `None` if the archive has none of this path.
    ///
    /// # Errors
    ///
    /// The cause for links in a circle.
    pub(super) fn find(&self, path: &str) -> Result<Option<Span>, String> {
        let mut path = path;
        for _ in 0..=MAX_LINKS {
            match self.members.get(path) {
                None => return Ok(None),
                Some(Member::Link(target)) => path = target,
                Some(Member::Content { offset, size }) => {
                    return Ok(Some(Span {
                        file: Arc::clone(&self.file),
                        offset: *offset,
                        size: *size,
                    }));
                }
            }
        }
        Err(format!("the link `{}` leads to no file", printable(path)))
    }
}

struct Scan<'a> {
    file: &'a File,
    length: u64,
    position: u64,
    members: HashMap<String, Member>,
    path_bytes: usize,
}

impl Scan<'_> {
    fn run(&mut self) -> Result<(), String> {
        let mut extension = Extension::default();
        while let Some(header) = self.header()? {
            let entry = header.entry_type();
            let own_size = header.entry_size().map_err(|error| self.invalid(error))?;
            let size = match entry {
                EntryType::XHeader
                | EntryType::XGlobalHeader
                | EntryType::GNULongName
                | EntryType::GNULongLink => own_size,
                _ => extension.size.unwrap_or(own_size),
            };
            let content = self.position;
            let end = content.checked_add(size).filter(|end| *end <= self.length);
            let Some(end) = end else {
                return Err(format!(
                    "the member at byte {} has {size} bytes, more than the archive has left: it is truncated or damaged",
                    content - BLOCK
                ));
            };
            match entry {
                EntryType::XHeader => self.read_pax(content, size, &mut extension)?,
                EntryType::XGlobalHeader => {}
                EntryType::GNULongName => extension.path = Some(self.long_name(content, size)?),
                EntryType::GNULongLink => extension.link = Some(self.long_name(content, size)?),
                _ => self.add(&header, std::mem::take(&mut extension), content, size)?,
            }
            self.position = end.div_ceil(BLOCK) * BLOCK;
        }
        Ok(())
    }

    /// Returns the next header, `None` at the end of the archive.
    fn header(&mut self) -> Result<Option<Header>, String> {
        let mut block = [0; BLOCK as usize];
        match self.file.read_exact_at(&mut block, self.position) {
            Ok(()) => {}
            Err(_) if self.position >= self.length && self.position > 0 => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err("it is no tar archive: it ends within a header".to_owned());
            }
            Err(error) => return Err(error.to_string()),
        }
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let header = Header::from_byte_slice(&block).clone();
        let field = 148..156;
        let bytes = block.iter().enumerate();
        let actual = bytes.map(|(index, byte)| {
            if field.contains(&index) {
                32
            } else {
                u32::from(*byte)
            }
        });
        if header.cksum().ok() != Some(actual.sum()) {
            let what = if self.position == 0 {
                "it is no tar archive"
            } else {
                "the archive is damaged"
            };
            return Err(format!(
                "{what}: the checksum of the header at byte {} is wrong",
                self.position
            ));
        }
        self.position += BLOCK;
        Ok(Some(header))
    }

    fn add(
        &mut self,
        header: &Header,
        extension: Extension,
        offset: u64,
        size: u64,
    ) -> Result<(), String> {
        let path = match extension.path {
            Some(path) => path,
            None => text(&header.path_bytes())?,
        };
        let link = || match extension.link {
            Some(link) => Ok(link),
            None => text(&header.link_name_bytes().unwrap_or_default()),
        };
        let name = normalized("", &path)
            .ok_or_else(|| format!("the path `{}` leads out of the archive", printable(&path)))?;
        let outside = |target: &str| {
            let (path, target) = (printable(&path), printable(target));
            format!("the link `{path}` leads out of the archive, to `{target}`")
        };
        let member = match header.entry_type() {
            EntryType::Directory => return Ok(()),
            EntryType::Regular | EntryType::Continuous => Member::Content { offset, size },
            // `docker save` before version 25 writes links between equal layers.
            EntryType::Symlink => {
                let target = link()?;
                let directory = name.rsplit_once('/').map_or("", |(directory, _)| directory);
                Member::Link(normalized(directory, &target).ok_or_else(|| outside(&target))?)
            }
            EntryType::Link => {
                let target = link()?;
                Member::Link(normalized("", &target).ok_or_else(|| outside(&target))?)
            }
            other => {
                let kind = char::from(other.as_byte());
                return Err(format!(
                    "the member `{}` is no file, directory or link (type {kind:?})",
                    printable(&path)
                ));
            }
        };
        self.path_bytes += name.len();
        if self.members.len() >= MAX_MEMBERS || self.path_bytes > MAX_PATHS {
            return Err(format!(
                "it has more than {MAX_MEMBERS} members, or their paths are longer than {MAX_PATHS} bytes"
            ));
        }
        if self.members.insert(name, member).is_some() {
            return Err(format!("it has two members `{}`", printable(&path)));
        }
        Ok(())
    }

    /// Reads an extended header in the format of POSIX: `LENGTH KEY=VALUE\n`.
    fn read_pax(&self, offset: u64, size: u64, extension: &mut Extension) -> Result<(), String> {
        let content = self.extension(offset, size)?;
        let mut rest = &content[..];
        while !rest.is_empty() {
            let invalid = || self.invalid("an extended header has an invalid record");
            let digits = rest
                .iter()
                .position(|byte| *byte == b' ')
                .ok_or_else(invalid)?;
            let length = std::str::from_utf8(&rest[..digits]).ok();
            let length: usize = length
                .and_then(|text| text.parse().ok())
                .ok_or_else(invalid)?;
            let record = rest.get(digits + 1..length).ok_or_else(invalid)?;
            let record = record.strip_suffix(b"\n").ok_or_else(invalid)?;
            let equals = record
                .iter()
                .position(|byte| *byte == b'=')
                .ok_or_else(invalid)?;
            let value = &record[equals + 1..];
            match &record[..equals] {
                b"path" => extension.path = Some(text(value)?),
                b"linkpath" => extension.link = Some(text(value)?),
                b"size" => {
                    let size = std::str::from_utf8(value).ok();
                    let size = size.and_then(|text| text.parse().ok());
                    extension.size = Some(size.ok_or_else(invalid)?);
                }
                key if key.starts_with(b"GNU.sparse.") => {
                    return Err(self.invalid("a sparse file is not supported"));
                }
                _ => {}
            }
            rest = &rest[length..];
        }
        Ok(())
    }

    fn long_name(&self, offset: u64, size: u64) -> Result<String, String> {
        let content = self.extension(offset, size)?;
        let end = content.iter().position(|byte| *byte == 0);
        text(&content[..end.unwrap_or(content.len())])
    }

    fn extension(&self, offset: u64, size: u64) -> Result<Vec<u8>, String> {
        if size > MAX_EXTENSION {
            return Err(self.invalid(format!("an extended header has {size} bytes")));
        }
        let mut content = vec![0; size as usize];
        let read = self.file.read_exact_at(&mut content, offset);
        read.map_err(|error| error.to_string())?;
        Ok(content)
    }

    fn invalid(&self, cause: impl std::fmt::Display) -> String {
        format!(
            "the header before byte {} is invalid: {cause}",
            self.position
        )
    }
}

fn text(bytes: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| {
        let text = String::from_utf8_lossy(bytes);
        format!("the path `{}` is no text", printable(&text))
    })?;
    Ok(text.to_owned())
}

/// Returns a path without `.` and `..`, or `None` if it leads out of the archive or to its root.
fn normalized(directory: &str, path: &str) -> Option<String> {
    if path.starts_with('/') || path.contains('\0') {
        return None;
    }
    let mut parts: Vec<&str> = directory
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    let is_root = path.split('/').all(|part| matches!(part, "" | "."));
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    (is_root || !parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// Path, type, link target and content.
    type TestMember<'a> = (&'a str, u8, &'a str, &'a [u8]);

    fn archive(members: &[TestMember<'_>]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        for (path, kind, link, content) in members {
            let mut header = Header::new_gnu();
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
            header.set_size(content.len() as u64);
            header.set_entry_type(EntryType::new(*kind));
            header.set_cksum();
            file.write_all(header.as_bytes()).unwrap();
            file.write_all(content).unwrap();
            let padding = content.len().next_multiple_of(512) - content.len();
            file.write_all(&vec![0; padding]).unwrap();
        }
        file.write_all(&[0; 1024]).unwrap();
        file
    }

    fn read(members: &[TestMember<'_>]) -> Result<TarMembers, String> {
        TarMembers::read(Arc::new(archive(members)))
    }

    #[test]
    fn members_are_found_under_their_plain_paths() {
        let long = "d/".repeat(80) + "f";
        let pax = format!("{} path={long}\n", long.len() + 10);
        assert_eq!(pax.len().to_string().len(), 3);
        let members = read(&[
            ("./a", b'0', "", b"one"),
            ("d/", b'5', "", b""),
            ("d/b", b'0', "", b"two"),
            ("d/c", b'2', "../a", b""),
            ("e", b'1', "d/c", b""),
            ("x", b'x', "", pax.as_bytes()),
            ("short", b'0', "", b"long"),
            ("l", b'L', "", b"named\0"),
            ("cut", b'0', "", b"gnu"),
        ])
        .unwrap();
        for (path, want) in [
            ("a", "one"),
            ("d/b", "two"),
            ("d/c", "one"),
            ("e", "one"),
            (&long, "long"),
            ("named", "gnu"),
        ] {
            let found = members.find(path).unwrap().unwrap().read().unwrap();
            assert_eq!(found, want.as_bytes(), "{path}");
        }
        assert!(members.find("short").unwrap().is_none());
    }

    #[test]
    fn hostile_archives_are_refused_with_their_cause() {
        let table: [(&[TestMember<'_>], &str); 11] = [
            (&[("../a", b'0', "", b"")], "leads out"),
            (&[("/etc/passwd", b'0', "", b"")], "leads out"),
            (&[("a/../../b", b'0', "", b"")], "leads out"),
            (&[("a", b'2', "/etc/passwd", b"")], "leads out"),
            (&[("a", b'2', "../../x", b"")], "leads out"),
            (&[("a", b'1', "../x", b"")], "leads out"),
            (&[("a", b'3', "", b"")], "type '3'"),
            (&[("a", b'6', "", b"")], "type '6'"),
            (
                &[("a", b'0', "", b""), ("./a", b'0', "", b"")],
                "two members",
            ),
            (
                &[("a", b'x', "", b"9999 path=x\n"), ("a", b'0', "", b"")],
                "invalid record",
            ),
            (
                &[
                    ("a", b'x', "", b"22 GNU.sparse.major=1\n"),
                    ("a", b'0', "", b""),
                ],
                "sparse",
            ),
        ];
        for (members, cause) in table {
            let error = read(members).unwrap_err();
            assert!(error.contains(cause), "{cause}: {error}");
        }
        let circle = read(&[("a", b'2', "b", b""), ("b", b'2', "a", b"")]).unwrap();
        assert!(circle.find("a").unwrap_err().contains("leads to no file"));
    }

    #[test]
    fn sizes_that_lie_are_refused() {
        let file = archive(&[("a", b'0', "", b"one")]);
        file.set_len(514).unwrap();
        let error = TarMembers::read(Arc::new(file)).unwrap_err();
        assert!(error.contains("truncated"), "{error}");
        let mut no_tar = tempfile::tempfile().unwrap();
        no_tar.write_all(&[b'x'; 600]).unwrap();
        let error = TarMembers::read(Arc::new(no_tar)).unwrap_err();
        assert!(error.contains("no tar archive"), "{error}");
        let pax = archive(&[
            ("x", b'x', "", b"29 size=18446744073709551615\n"),
            ("a", b'0', "", b""),
        ]);
        assert!(TarMembers::read(Arc::new(pax)).is_err());
    }
}
