//! What identifies a proposal, and where that is kept.

use std::collections::BTreeSet;
use std::fmt::Write;

use image_name::RepositoryName;
use images_list::Row;

use super::Proposal;

const START: &str = "<!-- mirror: entry=";
const MIDDLE: &str = " set=";
const END: &str = " -->";

/// The first line of a pull request's body: whose proposal it is, and of what.
/// Whatever else the body holds, a marker on another line is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marker {
    /// The entry's key, encoded so that nothing in it can end a comment.
    pub(super) entry: String,
    /// The hash of the set, in hexadecimal.
    pub(super) set: String,
}

impl Marker {
    /// The marker of a proposal.
    pub(crate) fn new(proposal: &Proposal) -> Self {
        Self {
            entry: encode(&proposal.entry),
            set: hash(proposal.pairs.iter().map(|pair| &pair.row)),
        }
    }

    /// The marker in a pull request's body. People may have edited the rest of
    /// it, in GitHub's form with carriage returns.
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

    /// The line, without its end.
    pub(super) fn line(&self) -> String {
        format!("{START}{}{MIDDLE}{}{END}", self.entry, self.set)
    }
}

/// Letters, digits, dots and underlines as they are, all else as `%` and two
/// hexadecimal digits.
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

/// SHA-256 over the rows in order, each once, with full names: a set is the
/// same however its names are written.
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
    fn a_set_is_the_same_however_it_is_written() {
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
    fn a_marker_is_found_again_whatever_the_entry_is_called() {
        for entry in ["plain", "a b", "x --> y", "set=1", " set= ", "é\n<!--", ""] {
            let marker = Marker::new(&proposal(entry, vec![pair("a/b m/b 1")]));
            let line = marker.line();
            assert_eq!(line.matches("--").count(), 2, "{line}");
            assert_eq!(Marker::find(&format!("{line}\r\nrest")), Some(marker));
        }
    }

    #[test]
    fn only_the_first_line_counts() {
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
