//! Patterns that select rows: `--match` and `--mutable`.

use clap::Args;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::cli::failure::Failure;

/// The option for mutable tags.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Lock")]
pub(crate) struct MutableArgs {
    /// Rows whose tags may change, such as `*:latest`
    ///
    /// They are copied at their current digest, which the lock records. Patterns as for --match.
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    mutable: Vec<String>,
}

impl MutableArgs {
    /// Returns the rows with mutable tags; none without the option.
    ///
    /// # Errors
    ///
    /// [`Failure`] for an invalid pattern.
    pub(crate) fn mutable(&self) -> Result<Globs, Failure> {
        Globs::parse_some("--mutable", &self.mutable)
    }
}

/// The patterns of an option.
#[derive(Debug)]
pub(crate) struct Globs(Option<GlobSet>);

impl Globs {
    /// Parses the patterns of an option; without patterns nothing is selected.
    ///
    /// # Errors
    ///
    /// As [`Globs::parse`].
    pub(crate) fn parse_some(option: &str, patterns: &[String]) -> Result<Self, Failure> {
        if patterns.is_empty() {
            return Ok(Self(Some(GlobSet::empty())));
        }
        Self::parse(option, patterns)
    }

    /// Parses the patterns of an option; without patterns every row is selected.
    ///
    /// # Errors
    ///
    /// [`Failure`] for an invalid pattern.
    pub(crate) fn parse(option: &str, patterns: &[String]) -> Result<Self, Failure> {
        if patterns.is_empty() {
            return Ok(Self(None));
        }
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            let glob = GlobBuilder::new(pattern).literal_separator(false).build();
            set.add(glob.map_err(|error| {
                Failure::unusable(format!(
                    "{option}: invalid pattern {pattern:?}: {}",
                    error.kind()
                ))
                .hint("`*` matches any text, `?` one character, `{a,b}` one of both".to_owned())
            })?);
        }
        let set = set.build();
        let set = set.map_err(|error| Failure::unusable(format!("{option}: {error}")))?;
        Ok(Self(Some(set)))
    }

    /// Reports whether a pattern matches the source or the destination, as written or in full,
    /// with or without the tag.
    pub(crate) fn select(&self, row: &images_list::Row) -> bool {
        let Some(set) = &self.0 else {
            return true;
        };
        [&row.source, &row.destination]
            .into_iter()
            .any(|repository| {
                let full = format!("{}/{}", repository.host(), repository.path());
                [repository.as_written(), &full]
                    .into_iter()
                    .any(|name| set.is_match(name) || set.is_match(format!("{name}:{}", row.tag)))
            })
    }
}

#[cfg(test)]
mod tests {
    use images_list::List;

    use super::*;

    #[test]
    fn globs_match_names_with_and_without_tag() {
        let list = List::parse("busybox q.io/rancher/mirrored-busybox v1.36\n");
        let row = list.rows().next().unwrap().row.clone();
        let table = [
            ("busybox", true),
            ("docker.io/*", true),
            ("docker.io/library/busybox:v1.*", true),
            ("q.io/*", true),
            ("*mirrored-{busybox,alpine}", true),
            ("*:v1.36", true),
            ("box", false),
            ("*:v2", false),
            ("q.io", false),
        ];
        for (pattern, want) in table {
            let globs = Globs::parse("--match", &[pattern.to_owned()]).unwrap();
            assert_eq!(globs.select(&row), want, "{pattern}");
        }
        assert!(Globs::parse("--match", &["a[".to_owned()]).is_err());
        assert!(Globs::parse("--match", &[]).unwrap().select(&row));
    }
}
