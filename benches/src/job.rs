//! What a tool is told.

use std::fs;
use std::path::{Path, PathBuf};

use crate::corpus::Tagged;
use crate::failure::Failure;

/// One run: rows from a source to a destination.
pub(crate) struct Job<'a> {
    /// Empty but for what the tool is given; its home as well.
    pub(crate) folder: &'a Path,
    /// `HOST:PORT`.
    pub(crate) source: &'a str,
    /// `HOST:PORT`.
    pub(crate) destination: &'a str,
    pub(crate) rows: &'a [&'a Tagged],
    /// How many copies a loop runs at once.
    pub(crate) width: usize,
}

impl Job<'_> {
    /// Writes a file for the tool.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        let path = self.folder.join(name);
        fs::write(&path, text).map_err(Failure::io(format!("write {name}")))?;
        Ok(path)
    }

    /// A line for each row, from its full source and destination without tag, and its tag.
    pub(crate) fn lines(&self, line: impl Fn(&str, &str, &str) -> String) -> String {
        let lines = self.rows.iter().map(|row| {
            let source = format!("{}/{}", self.source, row.repository);
            let destination = format!("{}/{}", self.destination, row.repository);
            line(&source, &destination, &row.tag)
        });
        lines.collect()
    }
}
