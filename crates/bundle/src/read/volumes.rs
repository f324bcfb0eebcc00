//! The files of an archive: one, or volumes that are cut by bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use registry_client::ContentHasher;

use super::error::{ReadError, VolumeError};

/// The maximum size of a file of checksums in bytes.
const MAX_CHECKSUMS: u64 = 1024 * 1024;

/// The files of one archive in their order.
#[derive(Debug)]
pub struct Volumes {
    volumes: Vec<Volume>,
    /// The size of the archive in bytes.
    size: u64,
    checksums: Option<Checksums>,
}

#[derive(Debug)]
struct Volume {
    name: String,
    file: File,
    /// The position of its first byte in the archive.
    start: u64,
    size: u64,
}

/// The file of checksums beside the volumes.
#[derive(Debug)]
struct Checksums {
    name: String,
    /// The SHA-256 in hexadecimal digits, by the name of the volume.
    by_volume: BTreeMap<String, String>,
}

/// The name of a volume: `BASE.NUMBER` with at least three digits.
struct VolumeName {
    base: String,
    number: u32,
}

impl VolumeName {
    fn parse(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let (base, digits) = name.rsplit_once('.')?;
        let is_number = digits.len() >= 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.parse().ok().filter(|number| *number > 0)?;
        (is_number && !base.is_empty()).then(|| Self {
            base: base.to_owned(),
            number,
        })
    }
}

impl Volumes {
    /// Opens the files of an archive, in any order. A file of checksums among them, or beside the first
    /// one, names the volumes that there are. For the name of an archive that does not exist, its volumes in
    /// the same directory are opened.
    ///
    /// # Errors
    ///
    /// [`ReadError::Io`], and [`ReadError::Volume`] for volumes that are missing, twice or too short.
    pub fn open(paths: &[PathBuf]) -> Result<Self, ReadError> {
        let found;
        let paths = match paths {
            [path] if !path.exists() => {
                found = volumes_beside(path)?;
                &found[..]
            }
            paths => paths,
        };
        let is_checksums = |path: &&PathBuf| path.extension().is_some_and(|it| it == "sha256");
        let (checksums, files): (Vec<_>, Vec<_>) = paths.iter().partition(is_checksums);
        if let [file] = files[..]
            && VolumeName::parse(file).is_none()
        {
            let given = checksums.first().map(|path| path.as_path());
            let checksums = Checksums::find(file, given)?;
            return Self::of_files(vec![file], checksums);
        }
        let mut numbered = BTreeMap::new();
        let mut base: Option<String> = None;
        for file in files {
            let name = VolumeName::parse(file);
            let expected = base.clone().unwrap_or_else(|| "one archive".to_owned());
            let foreign = || VolumeError::Foreign {
                name: file.display().to_string(),
                base: expected,
            };
            let name = name.filter(|name| base.as_ref().is_none_or(|base| *base == name.base));
            let name = name.ok_or_else(foreign)?;
            base = Some(name.base.clone());
            if numbered.insert(name.number, file).is_some() {
                let VolumeName { base, number } = name;
                return Err(VolumeError::Twice { number, base }.into());
            }
        }
        let base = base.unwrap_or_default();
        let first = numbered
            .values()
            .next()
            .map(|path| path.with_file_name(&base));
        let checksums = match (checksums.first(), first) {
            (given, Some(first)) => Checksums::find(&first, given.map(|path| path.as_path()))?,
            (_, None) => None,
        };
        let listed = checksums.as_ref().map_or(0, |it| it.volumes_of(&base));
        let last = numbered.keys().next_back().copied().unwrap_or_default();
        let missing: Vec<u32> = (1..=last.max(listed))
            .filter(|number| !numbered.contains_key(number))
            .take(100)
            .collect();
        if !missing.is_empty() || numbered.is_empty() {
            return Err(VolumeError::Missing { base, missing }.into());
        }
        let volumes = Self::of_files(numbered.into_values().collect(), checksums)?;
        volumes.check_sizes()?;
        Ok(volumes)
    }

    fn of_files(paths: Vec<&PathBuf>, checksums: Option<Checksums>) -> Result<Self, ReadError> {
        let (mut volumes, mut start) = (Vec::new(), 0);
        for path in paths {
            let name = path.display().to_string();
            let failed = |error| ReadError::io(&name, error);
            let metadata = path.metadata().map_err(failed)?;
            if !metadata.is_file() {
                let kind = "no regular file: pipe it into `mirror import -`";
                return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, kind)));
            }
            let file = File::open(path).map_err(failed)?;
            let size = file.metadata().map_err(failed)?.len();
            volumes.push(Volume {
                name,
                file,
                start,
                size,
            });
            start += size;
        }
        Ok(Self {
            volumes,
            size: start,
            checksums,
        })
    }

    /// All volumes but the last have the same size.
    fn check_sizes(&self) -> Result<(), VolumeError> {
        let [first, others @ ..] = &self.volumes[..] else {
            return Ok(());
        };
        let count = others.len();
        for (index, volume) in others.iter().enumerate() {
            let is_last = index + 1 == count;
            if volume.size > first.size || (volume.size < first.size && !is_last) {
                return Err(VolumeError::Size {
                    name: volume.name.clone(),
                    expected: first.size,
                    actual: volume.size,
                });
            }
        }
        Ok(())
    }

    /// Returns the size of the archive in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the number of files.
    #[must_use]
    pub fn count(&self) -> usize {
        self.volumes.len()
    }

    /// Reads bytes at a position of the archive; none at its end.
    pub(super) fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let after = self
            .volumes
            .partition_point(|volume| volume.start <= position);
        // Skips empty volumes, which end where they start.
        let volume = self.volumes[..after]
            .iter()
            .rev()
            .find(|volume| volume.size > 0);
        let Some(volume) = volume else { return Ok(0) };
        let within = position - volume.start;
        if within >= volume.size {
            return Ok(0);
        }
        let most = usize::try_from(volume.size - within).unwrap_or(usize::MAX);
        let most = most.min(buffer.len());
        volume.file.read_at(&mut buffer[..most], within)
    }

    pub(super) fn first_bytes(&self) -> Result<Vec<u8>, ReadError> {
        let mut first = vec![0; 8];
        let read = self.read_at(&mut first, 0);
        let name = self.volumes.first().map_or("", |volume| &volume.name);
        let read = read.map_err(|error| ReadError::io(name, error))?;
        first.truncate(read);
        Ok(first)
    }

    /// Compares every volume with its checksum, if there is a file of checksums. Returns the number of
    /// compared volumes.
    ///
    /// # Errors
    ///
    /// [`ReadError::Io`], and [`VolumeError::Damaged`] with all damaged volumes.
    pub fn check(&self) -> Result<usize, ReadError> {
        let Some(checksums) = &self.checksums else {
            return Ok(0);
        };
        let (mut damaged, mut compared) = (Vec::new(), 0);
        for volume in &self.volumes {
            let Some(expected) = checksums.of(&volume.name) else {
                continue;
            };
            compared += 1;
            let actual = volume
                .hash()
                .map_err(|error| ReadError::io(&volume.name, error))?;
            if actual != *expected {
                damaged.push(volume.name.clone());
            }
        }
        if damaged.is_empty() {
            return Ok(compared);
        }
        Err(ReadError::Volume(VolumeError::Damaged {
            checksums: checksums.name.clone(),
            damaged,
        }))
    }

    /// Returns the cause of an error about the content of the archive: the damaged volumes, if their
    /// checksums show them.
    #[must_use]
    pub fn explain(&self, error: ReadError) -> ReadError {
        let is_about_content = matches!(
            error,
            ReadError::Digest { .. }
                | ReadError::Header { .. }
                | ReadError::Compression { .. }
                | ReadError::Truncated { .. }
                | ReadError::Contents(_)
                | ReadError::NotABundle { .. }
        );
        if !is_about_content {
            return error;
        }
        match self.check() {
            Err(damaged @ ReadError::Volume(_)) => damaged,
            _ => error,
        }
    }
}

impl Volume {
    fn hash(&self) -> io::Result<String> {
        let mut hasher = ContentHasher::sha256();
        let mut buffer = vec![0; 1 << 20];
        let mut position = 0;
        loop {
            match self.file.read_at(&mut buffer, position)? {
                0 => return Ok(hasher.finish()),
                read => {
                    hasher.update(&buffer[..read]);
                    position += read as u64;
                }
            }
        }
    }
}

impl Checksums {
    /// Reads the given file, or `FILE.sha256` if it exists.
    fn find(archive: &Path, given: Option<&Path>) -> Result<Option<Self>, ReadError> {
        let mut beside = archive.as_os_str().to_owned();
        beside.push(".sha256");
        let path = given.unwrap_or(Path::new(&beside));
        let name = path.display().to_string();
        let failed = |error| ReadError::io(&name, error);
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound && given.is_none() => {
                return Ok(None);
            }
            Err(error) => return Err(failed(error)),
        };
        let mut text = Vec::new();
        let read = file.take(MAX_CHECKSUMS + 1).read_to_end(&mut text);
        read.map_err(failed)?;
        ReadError::check_length(&name, text.len() as u64, MAX_CHECKSUMS)?;
        Self::parse(name, &text).map(Some)
    }

    /// Parses the output of `sha256sum`: `HEX  NAME`.
    fn parse(name: String, text: &[u8]) -> Result<Self, ReadError> {
        let text = String::from_utf8_lossy(text);
        let mut by_volume = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let parsed = line.split_once([' ', '\t']).map(|(hex, volume)| {
                let volume = volume.trim_start().trim_start_matches('*');
                (hex, volume)
            });
            let is_hex = |hex: &str| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit());
            let Some((hex, volume)) = parsed.filter(|(hex, _)| is_hex(hex)) else {
                let line = index + 1;
                return Err(VolumeError::Checksums { name, line }.into());
            };
            by_volume.insert(
                volume.to_owned(),
                format!("sha256:{}", hex.to_ascii_lowercase()),
            );
        }
        Ok(Self { name, by_volume })
    }

    fn of(&self, volume: &str) -> Option<&String> {
        let name = Path::new(volume).file_name()?.to_str()?;
        self.by_volume.get(name)
    }

    /// Returns the number of the last volume that is listed.
    fn volumes_of(&self, base: &str) -> u32 {
        let names = self.by_volume.keys();
        let names = names.filter_map(|name| VolumeName::parse(Path::new(name)));
        let numbers = names.filter(|name| name.base == base);
        // A list of a mebibyte has no more lines.
        numbers
            .map(|name| name.number.min(100_000))
            .max()
            .unwrap_or(0)
    }
}

/// Returns the volumes of an archive in its directory, or the path itself.
fn volumes_beside(path: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let directory = path.parent().filter(|it| !it.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let base = path.file_name().unwrap_or_default().to_string_lossy();
    let mut volumes = Vec::new();
    if let Ok(entries) = directory.read_dir() {
        for entry in entries {
            let entry =
                entry.map_err(|error| ReadError::io(directory.display().to_string(), error))?;
            let name = VolumeName::parse(&entry.path());
            if name.is_some_and(|name| name.base == base) {
                volumes.push(entry.path());
            }
        }
    }
    if volumes.is_empty() {
        volumes.push(path.to_owned());
    }
    Ok(volumes)
}

/// A position in the archive that moves on.
#[derive(Debug)]
pub(super) struct VolumeReader {
    volumes: Arc<Volumes>,
    position: u64,
}

impl VolumeReader {
    pub(super) fn new(volumes: Arc<Volumes>) -> Self {
        Self {
            volumes,
            position: 0,
        }
    }

    pub(super) fn advance(&mut self, bytes: u64) -> io::Result<()> {
        let next = self.position.checked_add(bytes);
        let next = next.filter(|next| *next <= self.volumes.size());
        self.position = next.ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(())
    }
}

impl Read for VolumeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.volumes.read_at(buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(directory.path().join(name), content).unwrap();
        }
        directory
    }

    fn open(directory: &tempfile::TempDir, names: &[&str]) -> Result<Volumes, String> {
        let paths: Vec<_> = names
            .iter()
            .map(|name| directory.path().join(name))
            .collect();
        Volumes::open(&paths).map_err(|error| error.to_string())
    }

    #[test]
    fn volumes_are_joined_in_any_order() {
        let directory = written(&[
            ("b.tar.001", b"abc"),
            ("b.tar.002", b"def"),
            ("b.tar.003", b"g"),
        ]);
        for names in [&["b.tar.003", "b.tar.001", "b.tar.002"][..], &["b.tar"]] {
            let volumes = Arc::new(open(&directory, names).unwrap());
            let mut all = String::new();
            VolumeReader::new(volumes).read_to_string(&mut all).unwrap();
            assert_eq!(all, "abcdefg");
        }
    }

    #[test]
    fn missing_and_damaged_volumes_are_named() {
        let hash = |text: &[u8]| registry_client::sha256_digest(text).hex().to_owned();
        let list = format!("{}  b.tar.001\n{}  b.tar.002\n", hash(b"abc"), hash(b"def"));
        let directory = written(&[
            ("b.tar.001", b"abc"),
            ("b.tar.002", b"dxf"),
            ("b.tar.003", b"gh"),
            ("b.tar.004", b"ijk"),
            ("c.tar.001", b"abc"),
            ("list.sha256", list.as_bytes()),
            ("bad.sha256", b"zz  b.tar.001\n"),
        ]);
        for (names, cause) in [
            (&["b.tar.002", "b.tar.004"][..], "are missing: 001, 003"),
            (&["b.tar.001", "list.sha256"], "are missing: 002"),
            (&["b.tar.001", "c.tar.001"], "is not a volume of b.tar"),
            (&["b.tar.001", "b.tar.001"], "001 of b.tar is given twice"),
            (
                &["b.tar.001", "b.tar.002", "b.tar.003", "b.tar.004"],
                "b.tar.003 has 2 bytes",
            ),
            (&["b.tar.001", "bad.sha256"], "line 1"),
            (&["none.tar"], "none.tar"),
        ] {
            let error = open(&directory, names).unwrap_err();
            assert!(error.contains(cause), "{error}");
        }
        let volumes = open(&directory, &["b.tar.001", "b.tar.002", "list.sha256"]).unwrap();
        let error = volumes.check().unwrap_err().to_string();
        assert!(
            error.contains("b.tar.002") && !error.contains("b.tar.001"),
            "{error}"
        );
    }
}
