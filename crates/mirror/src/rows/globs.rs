//! Patterns that select rows: `--match`, `--exclude` and `--mutable`.

use std::sync::Arc;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use images_list::{Row, Targets};

use crate::cli::failure::Failure;
use crate::files::list_file::ListFile;

/// The patterns of an option.
#[derive(Debug)]
pub(crate) struct Globs {
    option: &'static str,
    patterns: Vec<String>,
    set: GlobSet,
    /// The targets that rows may name.
    targets: Arc<Targets>,
}

impl Globs {
    /// Parses the values of an option. A comma separates patterns, except in `{a,b}` and `[,]`.
    ///
    /// # Errors
    ///
    /// [`Failure`] for an empty or invalid pattern.
    pub(crate) fn parse(option: &'static str, values: &[String]) -> Result<Self, Failure> {
        let patterns: Vec<String> = values
            .iter()
            .flat_map(|value| split(value))
            .map(|pattern| pattern.trim().to_owned())
            .collect();
        let mut set = GlobSetBuilder::new();
        for pattern in &patterns {
            set.add(glob(option, pattern)?);
        }
        let set = set.build();
        let set = set.map_err(|error| Failure::unusable(format!("{option}: {error}")))?;
        Ok(Self {
            option,
            patterns,
            set,
            targets: Arc::default(),
        })
    }

    /// Sets the targets: patterns are also compared with the repositories behind them.
    pub(crate) fn with_targets(self, targets: Arc<Targets>) -> Self {
        Self { targets, ..self }
    }

    /// Reports whether the option has no pattern.
    pub(crate) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Reports whether a pattern matches the source or the destination, as written or in full,
    /// with or without the tag there. A destination at targets also has the names of its
    /// repositories. Without patterns, no row matches.
    pub(crate) fn matches(&self, row: &Row) -> bool {
        !self.is_empty() && self.names(row).iter().any(|name| self.set.is_match(name))
    }

    /// Reports whether a pattern matches a text.
    pub(crate) fn matches_name(&self, text: &str) -> bool {
        self.set.is_match(text)
    }

    /// Reports whether a row matches, or there are no patterns.
    pub(crate) fn select(&self, row: &Row) -> bool {
        self.is_empty() || self.matches(row)
    }

    /// Returns the names of a row that patterns are compared with.
    fn names(&self, row: &Row) -> Vec<String> {
        let source = std::slice::from_ref(row.tag.source());
        let written = self.targets.expand(&row.destination).unwrap_or_default();
        let mut destinations: Vec<String> = written
            .iter()
            .map(|written| written.repository.full())
            .collect();
        destinations.push(row.destination.as_written().to_owned());
        let sources = vec![row.source.full(), row.source.as_written().to_owned()];
        let mut names = Vec::new();
        for (repositories, tags) in [(sources, source), (destinations, row.tag.destinations())] {
            for name in repositories {
                names.extend(tags.iter().map(|tag| format!("{name}:{tag}")));
                names.push(name);
            }
        }
        names
    }

    /// Checks that the patterns match a row of the lists, or one of the followed rows: a pattern with a
    /// typing error would otherwise go unnoticed. A single pattern without a row is a warning.
    ///
    /// # Errors
    ///
    /// [`Failure`] if no pattern matches a row.
    pub(crate) fn require_a_row(
        &self,
        lists: &[ListFile],
        followed: &[Row],
    ) -> Result<(), Failure> {
        if self.is_empty() {
            return Ok(());
        }
        let mut used = vec![false; self.patterns.len()];
        let listed = lists.iter().flat_map(|file| file.list.rows());
        for row in listed.map(|at| at.row).chain(followed) {
            for name in self.names(row) {
                for index in self.set.matches(name) {
                    used[index] = true;
                }
            }
            if used.iter().all(|used| *used) {
                return Ok(());
            }
        }
        let unused = self.patterns.iter().zip(&used).filter(|(_, used)| !**used);
        let unused: Vec<String> = unused.map(|(pattern, _)| format!("`{pattern}`")).collect();
        if unused.len() < self.patterns.len() {
            tracing::warn!("{} {} matches no row", self.option, unused.join(" and "));
            return Ok(());
        }
        let lists: Vec<_> = lists.iter().map(|file| file.name.as_str()).collect();
        let (whose, nothing) = match followed.len() {
            0 => ("", "nothing was sent"),
            _ => (" and of followed entries", "nothing was copied"),
        };
        Err(Failure::unusable(format!(
            "{} {} matches no row of {}{whose}; {nothing}",
            self.option,
            unused.join(" or "),
            lists.join(", ")
        ))
        .hint(
            "correct the pattern: it is compared with whole names, such as `quay.io/*` or \
             `*/etcd:v3.5.17`; with --allow-empty this is no error"
                .to_owned(),
        ))
    }
}

fn glob(option: &str, pattern: &str) -> Result<Glob, Failure> {
    let hint = "`*` matches any text, `?` one character, `{a,b}` either part".to_owned();
    if pattern.is_empty() {
        return Err(Failure::unusable(format!("{option}: the pattern is empty")).hint(hint));
    }
    let glob = GlobBuilder::new(pattern).literal_separator(false).build();
    glob.map_err(|error| {
        let kind = error.kind();
        Failure::unusable(format!("{option}: invalid pattern {pattern:?}: {kind}")).hint(hint)
    })
}

/// Splits a value at the commas outside of braces and brackets.
fn split(value: &str) -> Vec<&str> {
    let mut patterns = Vec::new();
    let (mut start, mut braces, mut in_brackets, mut is_escaped) = (0, 0_usize, false, false);
    for (at, c) in value.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            ']' => in_brackets = false,
            _ if in_brackets => {}
            '[' => in_brackets = true,
            '{' => braces += 1,
            '}' => braces = braces.saturating_sub(1),
            ',' if braces == 0 => {
                patterns.push(&value[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    patterns.push(&value[start..]);
    patterns
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use images_list::List;

    use super::*;

    fn globs(values: &[&str]) -> Result<Globs, Failure> {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        Globs::parse("--match", &values)
    }

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
            ("*mirrored-{alpine,busybox}", true),
            ("none,*mirrored-{x,{y,busybox}}", true),
            ("{alpine,none},other", false),
            ("*:v1.36", true),
            ("box", false),
            ("*:v2", false),
            ("q.io", false),
        ];
        for (pattern, want) in table {
            let globs = globs(&[pattern]).unwrap();
            assert_eq!(globs.select(&row), want, "{pattern}");
        }
        for invalid in ["a[", "{a,b", "", "a,", "a,,b"] {
            assert!(globs(&[invalid]).is_err(), "{invalid}");
        }
        let list = List::parse("busybox q.io/busybox v1=1,latest\n");
        let tagged = list.rows().next().unwrap().row;
        for (pattern, want) in [
            ("busybox:v1", true),
            ("busybox:latest", false),
            ("q.io/busybox:latest", true),
            ("q.io/busybox:v1", false),
        ] {
            let globs = globs(&[pattern]).unwrap();
            assert_eq!(globs.select(tagged), want, "{pattern}");
        }
        let none = globs(&[]).unwrap();
        assert!(none.select(&row) && !none.matches(&row));
    }

    #[test]
    fn values_are_split_at_commas_outside_of_braces_and_brackets() {
        let table: [(&str, &[&str]); 6] = [
            ("a,b", &["a", "b"]),
            ("{a,b},c", &["{a,b}", "c"]),
            ("{a,{b,c}}/d,e", &["{a,{b,c}}/d", "e"]),
            ("[,{]x,y", &["[,{]x", "y"]),
            ("a\\{b,c", &["a\\{b", "c"]),
            ("a},b", &["a}", "b"]),
        ];
        for (value, want) in table {
            assert_eq!(split(value), want, "{value}");
        }
    }

    #[test]
    fn patterns_without_a_row_are_an_error() {
        let lists = [ListFile {
            name: "list".to_owned(),
            path: PathBuf::from("list"),
            list: List::parse("a r.io/a 1\nb r.io/b 1\n"),
            targets: Arc::default(),
        }];
        let check = |values: &[&str]| globs(values).unwrap().require_a_row(&lists, &[]);
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&["a", "b"]), Ok(()));
        assert_eq!(check(&["a,typo"]), Ok(()), "a warning");
        let failure = check(&["typo,wrong"]).unwrap_err();
        assert!(
            failure
                .message
                .contains("--match `typo` or `wrong` matches no row of list"),
            "{failure}"
        );
    }
}
