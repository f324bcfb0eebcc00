//! Sizes and counts for people.

use std::fmt::Display;

/// Bytes as people read them, in units of 1024.
pub(crate) fn bytes(count: u64) -> String {
    indicatif::HumanBytes(count).to_string()
}

/// A number with its noun: `1 row`, `2 rows`.
pub(crate) fn counted<N: Display + From<u8> + PartialEq>(count: N, noun: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// A digest's first twelve digits, for lines that have to be short.
pub(crate) fn short(digest: &str) -> String {
    match digest.split_once(':') {
        Some((algorithm, hex)) => {
            format!("{algorithm}:{}…", hex.chars().take(12).collect::<String>())
        }
        None => digest.to_owned(),
    }
}
