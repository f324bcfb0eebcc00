//! The marker that identifies a proposal in the body of its pull request.

use std::collections::BTreeSet;
use std::fmt::Write;

use images_list::Row;

use super::Proposal;

const START: &str = "<!-- mirror: ";
const END: &str = " -->";

/// Maximum number of rows in a marker: half of the body. The rows of a larger proposal are known by the
/// hash of the set alone.
const MAX_ROWS: usize = 2_500;

/// The number of hexadecimal digits of a row.
const ROW_DIGITS: usize = 12;

/// The first line of the body of a pull request, with the entry, a hash of the proposed set, and a hash
/// of each row. A marker on another line does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marker {
    /// The entry's key, encoded so that it cannot end the HTML comment.
    pub(super) entry: String,
    /// The hash of the set, in hexadecimal.
    pub(super) set: String,
    /// The rows; empty for more than [`MAX_ROWS`].
    pub(super) rows: Vec<RowId>,
    /// The command closed the pull request, because the list has its rows.
    pub(super) is_done: bool,
}

/// A hash of a row with full names, so that the spelling of a name does not change it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RowId(String);

impl RowId {
    /// Returns the hash of a row.
    pub(super) fn new(row: &Row) -> Self {
        Self(hash(&line(row))[..ROW_DIGITS].to_owned())
    }
}

impl Marker {
    /// Creates the marker of a proposal.
    pub(crate) fn new(proposal: &Proposal) -> Self {
        Self::from_rows(&proposal.entry, proposal.pairs.iter().map(|pair| &pair.row))
    }

    /// Creates the marker of an entry's rows.
    pub(super) fn from_rows<'a>(entry: &str, rows: impl Iterator<Item = &'a Row>) -> Self {
        let lines: BTreeSet<_> = rows.map(line).collect();
        let rows = match lines.len() {
            ..=MAX_ROWS => lines.iter().map(|line| hash(line)).collect(),
            _ => Vec::new(),
        };
        let rows = rows.into_iter();
        Self {
            entry: encode(entry),
            set: hash(&lines.iter().map(String::as_str).collect::<String>()),
            rows: rows
                .map(|hash: String| RowId(hash[..ROW_DIGITS].to_owned()))
                .collect(),
            is_done: false,
        }
    }

    /// Finds the marker in the body of a pull request. An edit in GitHub's web form adds carriage
    /// returns.
    pub(super) fn find(body: &str) -> Option<Self> {
        let line = body.lines().next()?.trim_end();
        let inner = line.strip_prefix(START)?.strip_suffix(END)?;
        let value = |key: &str| {
            let mut parts = inner.split(' ');
            parts.find_map(|part| part.strip_prefix(key)?.strip_prefix('='))
        };
        let is_hash = |text: &&str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let rows = value("rows").unwrap_or_default();
        if !is_hash(&rows) || rows.len() % ROW_DIGITS != 0 {
            return None;
        }
        let rows = rows.as_bytes().chunks_exact(ROW_DIGITS);
        Some(Self {
            entry: value("entry")?.to_owned(),
            set: value("set")
                .filter(|set| set.len() == 64 && is_hash(set))?
                .to_owned(),
            rows: rows
                .map(|row| RowId(String::from_utf8_lossy(row).into_owned()))
                .collect(),
            is_done: value("state") == Some("done"),
        })
    }

    /// Returns the line, without a line ending.
    pub(super) fn line(&self) -> String {
        let rows: String = self.rows.iter().map(|row| row.0.as_str()).collect();
        let rows = match rows.as_str() {
            "" => rows,
            _ => format!(" rows={rows}"),
        };
        let state = if self.is_done { " state=done" } else { "" };
        format!(
            "{START}entry={} set={}{rows}{state}{END}",
            self.entry, self.set
        )
    }
}

/// Percent-encodes all bytes except letters, digits, dots and underscores.
fn encode(entry: &str) -> String {
    entry.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' => encoded.push(byte.into()),
            // Writing to a string does not fail.
            _ => drop(write!(encoded, "%{byte:02x}")),
        }
        encoded
    })
}

/// Formats a row with full names.
fn line(row: &Row) -> String {
    let (source, destination) = (row.source.full(), row.destination.full());
    format!("{source} {destination} {}\n", row.tag)
}

/// Returns the SHA-256 of a text in hexadecimal.
pub(super) fn hash(text: &str) -> String {
    let digest = registry_client::sha256_digest(text.as_bytes()).to_string();
    digest.trim_start_matches("sha256:").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::retrieve_tags::pull_requests::propose::samples::{pair, proposal};

    #[test]
    fn hash_ignores_order_duplicates_and_spelling() {
        let marker = |rows: &[&str]| {
            let pairs = rows.iter().map(|row| pair(row)).collect();
            Marker::new(&proposal("x", pairs)).set
        };
        let base = marker(&["busybox m/busybox 1", "a/b m/b 2"]);
        let same = [
            "a/b m/b 2",
            "docker.io/library/busybox m/busybox 1",
            "a/b m/b 2",
        ];
        assert_eq!(marker(&same), base);
        for other in [
            &["busybox m/busybox 1"][..],
            &["busybox m/busybox 1", "a/b m/b 3"],
            &["busybox m/busybox 1", "a/b m/c 2"],
            &["busybox m/busybox 1", "quay.io/a/b m/b 2"],
        ] {
            assert_ne!(marker(other), base, "{other:?}");
        }
    }

    #[test]
    fn find_returns_the_marker_for_any_entry() {
        for entry in ["plain", "a b", "x --> y", "set=1", " set= ", "é\n<!--", ""] {
            let marker = Marker::new(&proposal(entry, vec![pair("a/b m/b 1")]));
            let line = marker.line();
            assert_eq!(line.matches("--").count(), 2, "{line}");
            assert_eq!(Marker::find(&format!("{line}\r\nrest")), Some(marker));
        }
    }

    #[test]
    fn marker_has_a_hash_of_each_row() {
        let rows = ["busybox m/busybox 1", "a/b m/b 2"].map(pair);
        let marker = Marker::new(&proposal("x", rows.to_vec()));
        let ids = [pair("docker.io/a/b m/b 2"), pair("busybox m/busybox 1")];
        let ids = ids.map(|pair| RowId::new(&pair.row));
        assert_eq!(marker.rows, ids);
        let done = Marker {
            is_done: true,
            ..marker
        };
        assert_eq!(Marker::find(&done.line()), Some(done));
        // Of a former version.
        let line = format!("<!-- mirror: entry=x set={} -->", "a".repeat(64));
        assert!(Marker::find(&line).unwrap().rows.is_empty());
        let many = (0..=MAX_ROWS).map(|number| pair(&format!("a/b m/b {number}")));
        let many = Marker::new(&proposal("x", many.collect()));
        assert!(many.rows.is_empty());
    }

    #[test]
    fn find_reads_only_the_first_line() {
        let line = Marker::new(&proposal("x", vec![pair("a/b m/b 1")])).line();
        let bodies = [
            format!("\n{line}"),
            format!("text {line}"),
            line.replace(" -->", "0 -->"),
            line.replace("set=", "set=<"),
            String::new(),
        ];
        for body in bodies {
            assert_eq!(Marker::find(&body), None, "{body}");
        }
    }
}
