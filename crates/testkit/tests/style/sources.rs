//! The text files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

/// Directories that are not searched: build output, tools, and test data from other projects.
const SKIPPED_DIRECTORIES: [&str; 7] = [
    "target",
    "test-data",
    "corpus",
    "artifacts",
    "results",
    "charts",
    "node_modules",
];

/// Directories with a leading dot that are searched.
const SEARCHED_DOT_DIRECTORIES: [&str; 1] = [".github"];

/// A text file of the repository.
pub(crate) struct Source {
    /// From the top of the repository.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// One line of a file.
pub(crate) struct Line {
    pub(crate) path: PathBuf,
    /// From 1.
    pub(crate) number: usize,
    pub(crate) text: String,
}

/// The Rust sources of all crates and tests.
pub(crate) fn rust() -> Vec<Source> {
    let directories = ["crates", "tests", "benches", "fuzz"];
    let found: Vec<_> = directories
        .iter()
        .flat_map(|directory| read(Path::new(directory)))
        .filter(|source| extension(&source.path) == "rs")
        .collect();
    assert!(found.len() > 50, "the sources have moved");
    found
}

/// Rust sources, pages, scripts and workflows.
pub(crate) fn all() -> Vec<Source> {
    let mut found = read(Path::new(""));
    found.retain(|source| {
        let is_script = source.text.starts_with("#!");
        let kind = extension(&source.path);
        is_script || ["rs", "md", "yml", "yaml", "sh", "toml"].contains(&kind)
    });
    assert!(found.len() > 100, "the sources have moved");
    found
}

pub(crate) fn lines(sources: Vec<Source>) -> impl Iterator<Item = Line> {
    sources.into_iter().flat_map(|Source { path, text }| {
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        let numbered = lines.into_iter().enumerate();
        numbered.map(move |(index, text)| Line {
            path: path.clone(),
            number: index + 1,
            text,
        })
    })
}

fn extension(path: &Path) -> &str {
    let extension = path.extension().unwrap_or_default();
    extension.to_str().unwrap_or_default()
}

fn read(directory: &Path) -> Vec<Source> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pending = vec![directory.to_owned()];
    let mut found = Vec::new();
    while let Some(directory) = pending.pop() {
        let Ok(entries) = fs::read_dir(top.join(&directory)) else {
            continue;
        };
        for entry in entries {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = directory.join(&name);
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                let is_hidden =
                    name.starts_with('.') && !SEARCHED_DOT_DIRECTORIES.contains(&&*name);
                if !is_hidden && !SKIPPED_DIRECTORIES.contains(&&*name) {
                    pending.push(path);
                }
            } else if kind.is_file()
                // Files that are not UTF-8 are skipped.
                && let Ok(text) = fs::read_to_string(top.join(&path))
            {
                found.push(Source { path, text });
            }
        }
    }
    found
}
