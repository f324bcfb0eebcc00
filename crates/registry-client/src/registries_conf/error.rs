//! Errors in the text of registries.conf.

use super::namespace::NamespaceError;

/// An error in the text of a containers-registries.conf(5). Lines and columns count from 1, columns in
/// characters. The caller adds the path of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistriesConfError {
    /// The text is not TOML, or a value has the wrong type.
    #[error("{line}:{column}: {message}")]
    Toml {
        /// Line.
        line: usize,
        /// Column.
        column: usize,
        /// The message of the TOML parser.
        message: String,
    },
    /// A `[registries.…]` table: the format of 2018.
    #[error(
        "{line}:{column}: `[registries]` is version 1 of the format, which is not supported; write \
         `[[registry]]` tables (version 2, containers-registries.conf(5))"
    )]
    Version1 {
        /// Line.
        line: usize,
        /// Column.
        column: usize,
    },
    /// An invalid `prefix` or `location`.
    #[error("{line}:{column}: `{key} = {value:?}`: {source}")]
    Namespace {
        /// Line.
        line: usize,
        /// Column.
        column: usize,
        /// `prefix` or `location`.
        key: &'static str,
        /// The value as written.
        value: String,
        /// The cause.
        source: NamespaceError,
    },
    /// A `[[registry]]` without `prefix` and `location`, or a mirror without `location`.
    #[error("{line}:{column}: the table has no `{key}`{}", unknown_keys(unknown))]
    Missing {
        /// Line of the table.
        line: usize,
        /// Column.
        column: usize,
        /// The missing key.
        key: &'static str,
        /// Unknown keys of the table: one may be the missing key with a typing error.
        unknown: Vec<String>,
    },
    /// `pull-from-mirror` beside `mirror-by-digest-only = true`.
    #[error(
        "{line}:{column}: `pull-from-mirror` and its registry's `mirror-by-digest-only = true` exclude each other; \
         remove one of them"
    )]
    ConflictingPull {
        /// Line of the mirror.
        line: usize,
        /// Column.
        column: usize,
    },
}

fn unknown_keys(keys: &[String]) -> String {
    let quoted: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
    match quoted.len() {
        0 => String::new(),
        1 => format!(", and the unknown key {}", quoted[0]),
        _ => format!(", and the unknown keys {}", quoted.join(", ")),
    }
}
