//! The parser: TOML text to tables, errors with line and column.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::DeTable;

use super::error::RegistriesConfError;
use super::namespace::{Namespace, NamespaceError, Prefix};
use super::resolve::{MirrorTable, PullFromMirror, RegistriesConf, RegistryTable};
use super::span_locator::SpanLocator;
use super::unused_key::{UnusedKey, unused_keys};

#[derive(Deserialize)]
struct RawConf {
    #[serde(default)]
    registry: Vec<Spanned<RawRegistry>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawRegistry {
    prefix: Option<Spanned<String>>,
    location: Option<Spanned<String>>,
    insecure: Option<bool>,
    #[serde(default)]
    blocked: bool,
    #[serde(default)]
    mirror_by_digest_only: bool,
    #[serde(default)]
    mirror: Vec<Spanned<RawMirror>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawMirror {
    location: Option<Spanned<String>>,
    insecure: Option<bool>,
    pull_from_mirror: Option<RawPull>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawPull {
    #[serde(alias = "")]
    All,
    DigestOnly,
    TagOnly,
}

impl RegistriesConf {
    /// Parses the text of a containers-registries.conf(5), version 2.
    ///
    /// Unknown keys are ignored, as in containers/image, and listed in
    /// [`RegistriesConf::unused_keys`].
    ///
    /// # Errors
    ///
    /// [`RegistriesConfError`] for the first problem, with line and column.
    pub fn parse(text: &str) -> Result<Self, RegistriesConfError> {
        let at = SpanLocator { text };
        let document = DeTable::parse(text).map_err(|error| at.toml_error(&error))?;
        let document = document.get_ref();
        if let Some((key, _)) = document
            .iter()
            .find(|(key, _)| key.as_ref() == "registries")
        {
            let (line, column) = at.line_and_column(key.span());
            return Err(RegistriesConfError::Version1 { line, column });
        }
        let raw: RawConf = toml::from_str(text).map_err(|error| at.toml_error(&error))?;
        let unused_keys = unused_keys(document, &at);
        let registries = raw.registry.into_iter().map(|table| at.registry(table));
        let registries = registries.collect::<Result<_, _>>();
        Ok(Self {
            registries: registries.map_err(|error| with_unknown(error, text, &unused_keys))?,
            unused_keys,
        })
    }
}

/// Adds the unknown keys of a table to the error that it lacks a key. The table ends where the next begins.
fn with_unknown(
    mut error: RegistriesConfError,
    text: &str,
    unused: &[UnusedKey],
) -> RegistriesConfError {
    if let RegistriesConfError::Missing { line, unknown, .. } = &mut error {
        let mut below = text.lines().enumerate().skip(*line);
        let next = below.find(|(_, text)| text.trim_start().starts_with('['));
        let end = next.map_or(usize::MAX, |(at, _)| at);
        let own = unused
            .iter()
            .filter(|key| *line <= key.line && key.line <= end);
        let names = own.filter_map(|key| key.key.rsplit('.').next());
        *unknown = names.map(str::to_owned).collect();
    }
    error
}

impl SpanLocator<'_> {
    fn toml_error(&self, error: &toml::de::Error) -> RegistriesConfError {
        let (line, column) = self.line_and_column(error.span().unwrap_or(0..0));
        RegistriesConfError::Toml {
            line,
            column,
            message: error.message().replace('\n', ", "),
        }
    }

    fn missing_key(&self, span: Range<usize>, key: &'static str) -> RegistriesConfError {
        let (line, column) = self.line_and_column(span);
        let unknown = Vec::new();
        RegistriesConfError::Missing {
            line,
            column,
            key,
            unknown,
        }
    }

    fn invalid_value(
        &self,
        key: &'static str,
        value: &Spanned<String>,
        source: NamespaceError,
    ) -> RegistriesConfError {
        let (line, column) = self.line_and_column(value.span());
        RegistriesConfError::Namespace {
            line,
            column,
            key,
            value: value.get_ref().clone(),
            source,
        }
    }

    fn registry(&self, table: Spanned<RawRegistry>) -> Result<RegistryTable, RegistriesConfError> {
        let span = table.span();
        let raw = table.into_inner();
        // An empty value counts as absent, as in containers/image.
        let location = raw.location.filter(|text| !text.get_ref().is_empty());
        let prefix = raw.prefix.filter(|text| !text.get_ref().is_empty());
        let (key, written) = match (&prefix, &location) {
            (Some(prefix), _) => ("prefix", prefix),
            (None, Some(location)) => ("location", location),
            (None, None) => return Err(self.missing_key(span, "location")),
        };
        let parsed = Prefix::parse(written.get_ref());
        let location = location.as_ref().map(|text| {
            Namespace::parse(text.get_ref())
                .map_err(|error| self.invalid_value("location", text, error))
        });
        let by_digest = raw.mirror_by_digest_only;
        let mirrors = raw.mirror.into_iter();
        Ok(RegistryTable {
            prefix: parsed.map_err(|error| self.invalid_value(key, written, error))?,
            written: written.get_ref().clone(),
            location: location.transpose()?,
            insecure: raw.insecure,
            blocked: raw.blocked,
            mirrors: mirrors
                .map(|mirror| self.mirror(mirror, by_digest))
                .collect::<Result<_, _>>()?,
        })
    }

    fn mirror(
        &self,
        table: Spanned<RawMirror>,
        by_digest: bool,
    ) -> Result<MirrorTable, RegistriesConfError> {
        let span = table.span();
        let raw = table.into_inner();
        let location = raw
            .location
            .ok_or_else(|| self.missing_key(span.clone(), "location"))?;
        let pull = match (raw.pull_from_mirror, by_digest) {
            (Some(RawPull::DigestOnly | RawPull::TagOnly), true) => {
                let (line, column) = self.line_and_column(span);
                return Err(RegistriesConfError::ConflictingPull { line, column });
            }
            (Some(RawPull::DigestOnly), false) | (None | Some(RawPull::All), true) => {
                PullFromMirror::DigestOnly
            }
            (Some(RawPull::TagOnly), false) => PullFromMirror::TagOnly,
            (None | Some(RawPull::All), false) => PullFromMirror::All,
        };
        Ok(MirrorTable {
            location: Namespace::parse(location.get_ref())
                .map_err(|error| self.invalid_value("location", &location, error))?,
            insecure: raw.insecure,
            pull,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    #[test]
    fn table_without_a_key_names_its_unknown_keys() {
        let table = [
            (
                "[[registry]]\nprefixx = 'a.io'\n",
                "1:1: the table has no `location`, and the unknown key `prefixx`",
            ),
            (
                "[[registry]]\nlocaton = 'a.io'\nblocke = true\n[[registry]]\nx = 1\n",
                "1:1: the table has no `location`, and the unknown keys `locaton`, `blocke`",
            ),
            (
                "[[registry]]\nblocked = true\n[[registry]]\nx = 1\n",
                "1:1: the table has no `location`",
            ),
            (
                "[[registry]]\nlocation = 'a.io'\n[[registry.mirror]]\nlocatin = 'b.io'\n",
                "3:1: the table has no `location`, and the unknown key `locatin`",
            ),
        ];
        for (text, message) in table {
            let error = RegistriesConf::parse(text).unwrap_err();
            assert_eq!(error.to_string(), message, "{text}");
        }
    }

    use super::*;

    #[test]
    fn errors_have_line_and_column() {
        let rows = [
            ("a = [1\nb", "2:1: "),
            ("[[registry]]\ninsecure = 'yes'\nlocation = 'a.b'", "2:12: "),
            (
                "\n[registries.search]\nregistries = []",
                "2:2: `[registries]` is version 1",
            ),
            (
                "[[registry]]\nprefix = 'a.b/c:1'",
                "2:10: `prefix = \"a.b/c:1\"`: the value names a tag",
            ),
            (
                "[[registry]]\nlocation = 'https://a.b'",
                "2:12: `location = \"https://a.b\"`: the value has",
            ),
            (
                "[[registry]]\nprefix = 'a.b'\nlocation = '*.b'",
                "3:12: `location = ",
            ),
            (
                "[[registry]]\ninsecure = true",
                "1:1: the table has no `location`",
            ),
            (
                "[[registry]]\nlocation='a.b'\n[[registry.mirror]]\ninsecure=true",
                "3:1: the table",
            ),
            (
                "[[registry]]\nlocation='a.b'\n[[registry.mirror]]\nlocation='m'\npull-from-mirror='some'",
                "5:18: unknown variant `some`",
            ),
            (
                "[[registry]]\nlocation='a.b'\nmirror-by-digest-only=true\n[[registry.mirror]]\nlocation='m'\npull-from-mirror='tag-only'",
                "4:1: `pull-from-mirror` and",
            ),
        ];
        for (text, message) in rows {
            let error = RegistriesConf::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(message), "{text:?}: {error}");
        }
    }

    #[test]
    fn empty_prefix_counts_as_absent() {
        let conf =
            RegistriesConf::parse("[[registry]]\nprefix = ''\nlocation = 'a.b'\ninsecure = true");
        let found = conf.unwrap().resolve("a.b", "x").unwrap();
        assert_eq!(found.location.insecure, Some(true));
    }

    proptest! {
        #[test]
        fn parse_never_panics(text in "(\\[\\[registry\\]\\]\n|location = |'a.b/c'|é|\n|insecure|=|\\[aliases\\]|true){0,12}") {
            let _ = RegistriesConf::parse(&text);
        }
    }
}
