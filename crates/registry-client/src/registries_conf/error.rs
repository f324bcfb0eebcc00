//! What can be wrong with the text.

use super::namespace::NamespaceError;

/// Why the text is no usable containers-registries.conf(5); lines and columns
/// count from 1, columns in characters. The caller knows the file's path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistriesConfError {
    /// No TOML, or a value of another type than the manual page says.
    #[error("{line}:{column}: {message}")]
    Toml {
        /// Line.
        line: usize,
        /// Column.
        column: usize,
        /// What the TOML parser says.
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
    /// A `prefix` or `location` that names nothing.
    #[error("{line}:{column}: `{key} = {value:?}`: {source}")]
    Namespace {
        /// Line.
        line: usize,
        /// Column.
        column: usize,
        /// `prefix` or `location`.
        key: &'static str,
        /// As written.
        value: String,
        /// What is wrong with it.
        source: NamespaceError,
    },
    /// A `[[registry]]` without `prefix` and `location`, or a mirror without `location`.
    #[error("{line}:{column}: this table needs a `{key}`")]
    Missing {
        /// Line of the table.
        line: usize,
        /// Column.
        column: usize,
        /// The key that is needed.
        key: &'static str,
    },
    /// `pull-from-mirror` beside `mirror-by-digest-only = true`.
    #[error(
        "{line}:{column}: `pull-from-mirror` cannot be set while its registry has \
         `mirror-by-digest-only = true`; keep one of them"
    )]
    PullTwice {
        /// Line of the mirror.
        line: usize,
        /// Column.
        column: usize,
    },
}
