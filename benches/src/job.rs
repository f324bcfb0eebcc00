//! The input of a run.

use std::fs;
use std::path::{Path, PathBuf};

use crate::corpus::TaggedImage;
use crate::error::BenchError;

/// One run of a tool: rows, their source and their destination.
pub(crate) struct Job<'a> {
    /// The home directory of the tool, with its input.
    pub(crate) directory: &'a Path,
    /// `HOST:PORT`.
    pub(crate) source: &'a str,
    /// `HOST:PORT` of each destination.
    pub(crate) destinations: &'a [String],
    pub(crate) rows: &'a [&'a TaggedImage],
    /// The certificate authority of both registries, which then use TLS, in PEM.
    pub(crate) authority: Option<&'a str>,
    /// Concurrent copies for tools that copy one image.
    pub(crate) concurrency: usize,
}

impl Job<'_> {
    /// Writes a file for the tool.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf, BenchError> {
        let path = self.directory.join(name);
        fs::write(&path, text).map_err(BenchError::io(format!("write {name}")))?;
        Ok(path)
    }

    /// Returns the scheme of the registries.
    pub(crate) fn scheme(&self) -> &'static str {
        match self.authority {
            Some(_) => "https",
            None => "http",
        }
    }

    /// Returns the hosts of all registries, the source first.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &str> {
        let destinations = self.destinations.iter().map(String::as_str);
        std::iter::once(self.source).chain(destinations)
    }

    /// Returns a line for each row and destination, made from the full source and destination without
    /// tag, and the tag.
    pub(crate) fn lines(&self, line: impl Fn(&str, &str, &str) -> String) -> String {
        let mut lines = String::new();
        for row in self.rows {
            let source = format!("{}/{}", self.source, row.repository);
            for host in self.destinations {
                let destination = format!("{host}/{}", row.repository);
                lines += &line(&source, &destination, &row.tag);
            }
        }
        lines
    }
}
