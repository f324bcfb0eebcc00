//! Keys without effect, reported so that typing errors become visible.

use std::fmt;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::span_locator::SpanLocator;

/// A key in registries.conf that has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusedKey {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The key, qualified with its table: `registry.mirror.insekure`.
    pub key: String,
}

impl fmt::Display for UnusedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, key } = self;
        write!(f, "{line}:{column}: `{key}` is not used")
    }
}

/// Accepted keys. Some of them only affect short names and other programs.
const TOP_KEYS: &[&str] = &[
    "registry",
    "unqualified-search-registries",
    "aliases",
    "short-name-mode",
    "additional-layer-store-auth-helper",
];
const REGISTRY_KEYS: &[&str] = &[
    "prefix",
    "location",
    "insecure",
    "blocked",
    "mirror-by-digest-only",
    "mirror",
];
const MIRROR_KEYS: &[&str] = &["location", "insecure", "pull-from-mirror"];

/// Returns the unused keys in the order of the text.
pub(super) fn unused_keys(document: &DeTable<'_>, at: &SpanLocator<'_>) -> Vec<UnusedKey> {
    let mut found = Vec::new();
    unknown_keys(at, document, TOP_KEYS, "", &mut found);
    for registry in tables_of(document, "registry") {
        unknown_keys(at, registry, REGISTRY_KEYS, "registry.", &mut found);
        for mirror in tables_of(registry, "mirror") {
            unknown_keys(at, mirror, MIRROR_KEYS, "registry.mirror.", &mut found);
        }
    }
    found.sort_by_key(|warning| (warning.line, warning.column));
    found
}

fn unknown_keys(
    at: &SpanLocator<'_>,
    table: &DeTable<'_>,
    known: &[&str],
    below: &str,
    found: &mut Vec<UnusedKey>,
) {
    for (key, _) in table {
        let name: &str = key.as_ref();
        if !known.contains(&name) {
            let (line, column) = at.line_and_column(key.span());
            let key = format!("{below}{name}");
            found.push(UnusedKey { line, column, key });
        }
    }
}

fn tables_of<'a, 'i>(
    table: &'a DeTable<'i>,
    key: &str,
) -> impl Iterator<Item = &'a DeTable<'i>> + use<'a, 'i> {
    let array = match table.get(key).map(Spanned::get_ref) {
        Some(DeValue::Array(array)) => Some(array),
        _ => None,
    };
    array
        .into_iter()
        .flat_map(|array| array.iter())
        .filter_map(|item| match item.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use crate::registries_conf::RegistriesConf;

    #[test]
    fn unused_keys_lists_unknown_keys_only() {
        let text = "unqualified-search-registries = ['a.b']\nshort-name-mode = 'permissive'\n\
                    credential-helpers = ['x']\n[[registry]]\nlocation = 'a.b'\ntypo = 1\n\
                    [[registry.mirror]]\nlocation = 'm.b'\n  insekure = true\n\
                    [aliases]\n'x' = 'a.b/x'\n";
        let conf = RegistriesConf::parse(text).unwrap();
        let shown: Vec<String> = conf.unused_keys().iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "3:1: `credential-helpers` is not used",
                "6:1: `registry.typo` is not used",
                "9:3: `registry.mirror.insekure` is not used",
            ]
        );
    }
}
