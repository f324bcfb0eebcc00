//! Sizes, counts and digests in messages.

use std::fmt::Display;

/// Returns a size in units of 1024 bytes, such as `1.50 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    indicatif::HumanBytes(count).to_string()
}

/// Returns a number with its noun: `1 row`, `2 rows`.
pub(crate) fn counted<N: Display + From<u8> + PartialEq>(count: N, noun: &str) -> String {
    match noun.strip_suffix("ry") {
        _ if count == N::from(1) => format!("{count} {noun}"),
        Some(stem) => format!("{count} {stem}ries"),
        None => format!("{count} {noun}s"),
    }
}

/// Returns a digest with its first twelve digits.
pub(crate) fn short(digest: &str) -> String {
    match digest.split_once(':') {
        Some((algorithm, hex)) => {
            format!("{algorithm}:{}…", hex.chars().take(12).collect::<String>())
        }
        None => digest.to_owned(),
    }
}
