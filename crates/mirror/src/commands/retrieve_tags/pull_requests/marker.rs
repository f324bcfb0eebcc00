//! The marker that identifies a proposal in the body of its pull request.

use std::collections::BTreeSet;
use std::fmt::Write;

use image_name::RepositoryName;
use images_list::Row;

use super::Proposal;

const START: &str = "<!-- mirror: entry=";
const MIDDLE: &str = " set=";
const END: &str = " -->";

/// The first line of the body of a pull request, with the entry and a hash of the proposed set. A
/// marker on another line does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marker {
    /// The entry's key, encoded so that it cannot end the HTML comment.
    pub(super) entry: String,
    /// The hash of the set, in hexadecimal.
    pub(super) set: String,
}

impl Marker {
    /// Creates the marker of a proposal.
    pub(crate) fn new(proposal: &Proposal) -> Self {
        Self {
            entry: encode(&proposal.entry),
            set: hash(proposal.pairs.iter().map(|pair| &pair.row)),
        }
    }

    /// Finds the marker in the body of a pull request. An edit in GitHub's web form adds carriage
    /// returns.
    pub(super) fn find(body: &str) -> Option<Self> {
        let line = body.lines().next()?.trim_end();
        let inner = line.strip_prefix(START)?.strip_suffix(END)?;
        let (entry, set) = inner.split_once(MIDDLE)?;
        let is_hash = set.len() == 64 && set.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then(|| Self {
            entry: entry.to_owned(),
            set: set.to_owned(),
        })
    }

    /// Returns the line, without a line ending.
    pub(super) fn line(&self) -> String {
        format!("{START}{}{MIDDLE}{}{END}", self.entry, self.set)
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

/// Returns the SHA-256 of the sorted rows without duplicates. The rows have full names, so that the
/// spelling of a name does not change the hash.
fn hash<'a>(rows: impl Iterator<Item = &'a Row>) -> String {
    let full = |name: &RepositoryName| format!("{}/{}", name.host(), name.path());
    let line = |row: &Row| {
        format!(
            "{} {} {}\n",
            full(&row.source),
            full(&row.destination),
            row.tag.as_str()
        )
    };
    let lines: BTreeSet<_> = rows.map(line).collect();
    let text: String = lines.into_iter().collect();
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
