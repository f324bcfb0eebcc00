//! The text files in the layers of an image.

use std::collections::BTreeMap;
use std::io::{self, Read};

use bytes::Bytes;
use image_name::Digest;
use registry_client::{Blob, Descriptor, Repository};
use tokio::sync::mpsc;

use super::source_problem::SourceProblem;
use crate::archives::{TarReader, decompressed};

/// Maximum size of a compressed layer that is read, in bytes. Those of the largest catalogs have 100 MiB.
const MAX_LAYER: u64 = 512 * 1024 * 1024;

/// Maximum size of a decompressed layer in bytes.
const MAX_DECOMPRESSED: u64 = 2 * 1024 * 1024 * 1024;

/// Maximum size of a file in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// Maximum size of all files of an image in bytes.
const MAX_FILES: usize = 256 * 1024 * 1024;

/// The number of chunks between the download and the decompression.
const CHUNKS: usize = 8;

/// The prefix of a file that deletes another one in the layers below.
const WHITEOUT: &str = ".wh.";
/// The file that deletes everything in its directory in the layers below.
const OPAQUE: &str = ".wh..wh..opq";

/// The text files below a directory of an image, merged from its layers.
#[derive(Debug, Default)]
pub(crate) struct LayerFiles {
    /// The files, by path.
    pub(crate) files: BTreeMap<String, String>,
    /// Paths of links, which are not read.
    pub(crate) links: Vec<String>,
    /// Files and directories that upper layers delete.
    deleted: Vec<String>,
    size: usize,
}

/// The content of one layer.
#[derive(Debug, Default)]
struct Layer {
    files: BTreeMap<String, String>,
    links: Vec<String>,
    deleted: Vec<String>,
    size: usize,
}

impl LayerFiles {
    /// Reads the files below a directory from layers, the uppermost first.
    ///
    /// # Errors
    ///
    /// A message for a layer that cannot be read or is too large.
    pub(crate) async fn read(
        repository: &Repository,
        layers: &[Descriptor],
        directory: &str,
    ) -> Result<Self, SourceProblem> {
        let mut merged = Self::default();
        for layer in layers.iter().rev() {
            let rest = MAX_FILES.saturating_sub(merged.size);
            let content = read_layer(repository, layer, directory, rest).await;
            let digest = layer.digest().to_string();
            let content =
                content.map_err(|problem| problem.map(|cause| format!("layer {digest}: {cause}")));
            merged.add(content?);
        }
        Ok(merged)
    }

    /// Adds a layer below those that were added.
    fn add(&mut self, layer: Layer) {
        let deleted = std::mem::take(&mut self.deleted);
        let is_deleted = |path: &str| {
            let mut deleted = deleted.iter();
            deleted.any(|gone| {
                path.strip_prefix(gone.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || gone.is_empty())
            })
        };
        for (path, text) in layer.files {
            if !is_deleted(&path) {
                self.files.entry(path).or_insert(text);
            }
        }
        let links = layer.links.into_iter().filter(|path| !is_deleted(path));
        self.links.extend(links);
        self.size += layer.size;
        self.deleted = deleted;
        self.deleted.extend(layer.deleted);
    }
}

async fn read_layer(
    repository: &Repository,
    layer: &Descriptor,
    directory: &str,
    max_files: usize,
) -> Result<Layer, SourceProblem> {
    let digest = Digest::try_from(layer.digest()).map_err(|error| error.to_string())?;
    let blob = repository.blob(digest, layer.size()).await?;
    if blob.size > MAX_LAYER {
        let (size, limit) = (blob.size >> 20, MAX_LAYER >> 20);
        return Err(format!("it has {size} MiB, more than the limit of {limit} MiB").into());
    }
    let (sender, receiver) = mpsc::channel(CHUNKS);
    let directory = directory.to_owned();
    let parsing = tokio::task::spawn_blocking(move || {
        let chunks = Chunks {
            receiver,
            current: Bytes::new(),
        };
        parse_layer(chunks, &directory, max_files)
    });
    let downloaded = download(repository, &blob, sender).await;
    let parsed = parsing.await.map_err(|error| error.to_string())?;
    // An error of the download ends the archive early.
    downloaded?;
    Ok(parsed.map_err(|error| error.to_string())?)
}

/// Sends the chunks of a blob. Its digest is checked before the last one is sent.
async fn download(
    repository: &Repository,
    blob: &Blob,
    sender: mpsc::Sender<Bytes>,
) -> Result<(), SourceProblem> {
    let mut reader = repository.read_blob(blob);
    while let Some(chunk) = reader.next().await? {
        if sender.send(chunk).await.is_err() {
            // The archive is invalid, or it ended before the blob.
            return Ok(());
        }
    }
    Ok(())
}

/// A reader of chunks from a channel.
struct Chunks {
    receiver: mpsc::Receiver<Bytes>,
    current: Bytes,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.receiver.blocking_recv() {
                Some(chunk) => self.current = chunk,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.current.len());
        buffer[..count].copy_from_slice(&self.current.split_to(count));
        Ok(count)
    }
}

fn parse_layer(data: impl Read, directory: &str, max_files: usize) -> io::Result<Layer> {
    let mut data = decompressed(data, MAX_DECOMPRESSED)?;
    let mut archive = TarReader::new(&mut data);
    let mut layer = Layer::default();
    while let Some(entry) = archive.next_entry()? {
        let Some(path) = entry.path else { continue };
        let name = path.rsplit('/').next().unwrap_or(&path);
        if let Some(deleted) = name.strip_prefix(WHITEOUT) {
            let parent = path
                .strip_suffix(name)
                .unwrap_or_default()
                .trim_end_matches('/');
            layer.deleted.push(match (name == OPAQUE, parent) {
                (true, parent) => parent.to_owned(),
                (false, "") => deleted.to_owned(),
                (false, parent) => format!("{parent}/{deleted}"),
            });
            continue;
        }
        if !is_below(&path, directory) || !is_text(name) {
            continue;
        }
        if entry.is_link {
            layer.links.push(path);
        } else if entry.is_file {
            let content = archive.content(MAX_FILE)?;
            layer.size += content.len();
            if layer.size > max_files {
                let message = format!("its text files have more than {} MiB", MAX_FILES >> 20);
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            let text = String::from_utf8_lossy(&content).into_owned();
            layer.files.insert(path, text);
        }
    }
    // The digest covers what follows the archive too.
    io::copy(&mut data, &mut io::sink())?;
    Ok(layer)
}

/// Reads a layer in small bounds, for fuzzing.
#[cfg(any(test, fuzzing))]
pub(crate) fn fuzz_layer(data: &[u8]) {
    const MAX: usize = 1024 * 1024;
    if let Ok(layer) = parse_layer(data, "", MAX) {
        assert!(layer.size <= MAX);
        let is_plain =
            |path: &String| !path.starts_with('/') && !path.split('/').any(|part| part == "..");
        assert!(layer.files.keys().chain(&layer.links).all(is_plain));
    }
}

fn is_below(path: &str, directory: &str) -> bool {
    let rest = path.strip_prefix(directory);
    directory.is_empty() || rest.is_some_and(|rest| rest.starts_with('/'))
}

fn is_text(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let endings = [".yaml", ".yml", ".json"];
    endings.iter().any(|ending| lower.ends_with(ending)) && !name.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(files: &[(&str, &str)], deleted: &[&str]) -> Layer {
        Layer {
            files: files
                .iter()
                .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
                .collect(),
            deleted: deleted.iter().map(|path| (*path).to_owned()).collect(),
            ..Layer::default()
        }
    }

    #[test]
    fn upper_layers_replace_and_delete_files() {
        let mut merged = LayerFiles::default();
        merged.add(layer(&[("m/a.yaml", "new")], &["m/b.yaml", "m/d"]));
        merged.add(layer(
            &[
                ("m/a.yaml", "old"),
                ("m/b.yaml", "old"),
                ("m/d/x.yaml", "old"),
                ("m/dd.yaml", "old"),
            ],
            &[""],
        ));
        merged.add(layer(&[("m/e.yaml", "oldest")], &[]));
        let files: Vec<_> = merged
            .files
            .iter()
            .map(|(path, text)| format!("{path}={text}"))
            .collect();
        assert_eq!(files, ["m/a.yaml=new", "m/dd.yaml=old"]);
    }

    #[test]
    fn only_text_files_of_the_directory_are_kept() {
        for (path, is_kept) in [
            ("manifests/a.yaml", true),
            ("manifests/b/c.JSON", true),
            ("manifests2/a.yaml", false),
            ("manifests/a.txt", false),
        ] {
            let name = path.rsplit('/').next().unwrap();
            assert_eq!(
                is_below(path, "manifests") && is_text(name),
                is_kept,
                "{path}"
            );
        }
        assert!(is_below("a.yaml", ""));
    }
}
