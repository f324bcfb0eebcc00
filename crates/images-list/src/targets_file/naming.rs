//! Rules that name the destinations of new sources.

use globset::{Glob, GlobBuilder, GlobMatcher};
use image_name::{RepositoryName, RepositoryPath, RepositoryPathError};

use super::source_template::{SourceTemplate, TemplateError};

/// The sample source with which a new rule is checked.
const SAMPLE: &str = "registry.example.com/organization/name";

/// A rule that names the destination of a new source.
#[derive(Debug, Clone)]
pub struct NamingRule {
    sources: GlobMatcher,
    name: SourceTemplate,
}

/// The reason why a rule is invalid, or gives no valid name for a source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamingError {
    /// The pattern is not a glob.
    #[error("`{pattern}` is not a pattern: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// The reason.
        reason: String,
    },
    /// The name is not a template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The name is not a repository.
    #[error("the name `{name}` is not a repository: {reason}")]
    Name {
        /// The name for a source.
        name: String,
        /// The reason.
        reason: RepositoryPathError,
    },
}

impl NamingRule {
    /// Creates a rule. In `pattern`, `*` matches any text, `/` included, `?` one character, and
    /// `{a,b}` either part. `name` has the placeholders `{host}`, `{org}`, `{name}`, `{path}` and
    /// `{source}`.
    ///
    /// # Errors
    ///
    /// [`NamingError`] for an invalid pattern, an invalid template, or a name that is not a repository path.
    pub fn new(pattern: &str, name: &str) -> Result<Self, NamingError> {
        let rule = Self {
            sources: Self::pattern(pattern)?.compile_matcher(),
            name: name.parse::<SourceTemplate>()?,
        };
        if let Ok(sample) = SAMPLE.parse() {
            rule.name_for(&sample)?;
        }
        Ok(rule)
    }

    fn pattern(text: &str) -> Result<Glob, NamingError> {
        let glob = GlobBuilder::new(text).literal_separator(false).build();
        glob.map_err(|error| NamingError::Pattern {
            pattern: text.to_owned(),
            reason: error.kind().to_string(),
        })
    }

    /// Returns true if the pattern matches the full name of a source, or its name as written.
    #[must_use]
    pub fn matches(&self, source: &RepositoryName) -> bool {
        self.sources.is_match(source.full()) || self.sources.is_match(source.as_written())
    }

    /// Returns the name of the destination. The `:` before a port becomes `-`.
    ///
    /// # Errors
    ///
    /// [`NamingError::Name`] if the name is not the path of a repository.
    pub fn name_for(&self, source: &RepositoryName) -> Result<RepositoryPath, NamingError> {
        let name = self.name.render(source).replace(':', "-");
        name.parse()
            .map_err(|reason| NamingError::Name { name, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_match_full_and_written_names() {
        for (pattern, source, matches) in [
            ("*", "busybox", true),
            ("docker.io/library/*", "busybox", true),
            ("bus*", "busybox", true),
            ("quay.io/*", "quay.io/a/b", true),
            ("quay.io/{a,c}/*", "quay.io/c/d/e", true),
            ("quay.io/*", "docker.io/quay.io/a", false),
            ("quay", "quay.io/a", false),
        ] {
            let rule = NamingRule::new(pattern, "{name}").unwrap();
            assert_eq!(
                rule.matches(&source.parse().unwrap()),
                matches,
                "{pattern} {source}"
            );
        }
    }

    #[test]
    fn names_are_repositories() {
        let name = |template: &str, source: &str| {
            let rule = NamingRule::new("*", template)?;
            rule.name_for(&source.parse().unwrap())
                .map(|name| name.to_string())
        };
        let table = [
            (
                "appco-{name}",
                "dp.apps.example.io/charts/etcd",
                "appco-etcd",
            ),
            (
                "mirrored-{org}-{name}",
                "quay.io/coreos/etcd",
                "mirrored-coreos-etcd",
            ),
            ("{source}", "r.io:5000/a/b", "r.io-5000/a/b"),
            ("x/{host}/{path}", "quay.io/a/b", "x/quay.io/a/b"),
        ];
        for (template, source, want) in table {
            assert_eq!(name(template, source).unwrap(), want);
        }
        for (template, reason) in [
            ("", "the repository is empty"),
            ("Upper-{name}", "letters must be lower case"),
            ("{name}:{org}", "the name `name-organization`"),
            ("{nam}", "unknown placeholder"),
            ("-{name}", "`-name` is not a component"),
        ] {
            let found = name(template, "a/b");
            match found {
                Err(error) => assert!(error.to_string().contains(reason), "{template}: {error}"),
                Ok(name) => assert_eq!(template, "{name}:{org}", "{name}"),
            }
        }
        let error = NamingRule::new("quay.io/{a", "{name}")
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("`quay.io/{a` is not a pattern: "),
            "{error}"
        );
        assert!(name("{host}", "[::1]:5000/a").is_err());
    }
}
