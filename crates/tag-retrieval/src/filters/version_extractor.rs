//! `versionExtract`: the version in the name of a release or tag.

use std::fmt;

use regex::{Captures, Regex};

use super::pattern::{self, PatternError};

/// The name of the group that captures the version, in a pattern with several groups.
const VERSION_GROUP: &str = "version";

/// `versionExtract`: a regular expression with a capture group, the version, such as `^v(.*)$`.
#[derive(Debug, Clone)]
pub struct VersionExtractor {
    regex: Regex,
    /// The index of the group that captures the version.
    group: usize,
}

/// The parts of a name that `versionExtract` captures.
#[derive(Debug)]
pub struct Extracted<'name> {
    /// The version, not empty.
    pub version: &'name str,
    pub(super) captures: Captures<'name>,
}

impl VersionExtractor {
    /// Compiles a pattern. The group `version` captures the version, or else the first group.
    ///
    /// # Errors
    ///
    /// [`PatternError`] if the text is not a regular expression, has no group, or has several groups
    /// without a use: no group is called `version`, and there is no `tagTemplate`.
    pub fn parse(text: &str, has_template: bool) -> Result<Self, PatternError> {
        let regex = pattern::compile_pattern(text)?;
        let mut names = regex.capture_names();
        let named = names.position(|name| name == Some(VERSION_GROUP));
        // `captures_len` counts the whole match.
        let groups = regex.captures_len() - 1;
        let group = match (named, groups) {
            (Some(group), _) => group,
            (None, 1) => 1,
            (None, 2..) if has_template => 1,
            (None, found) => {
                let pattern = text.to_owned();
                return Err(PatternError::Groups { pattern, found });
            }
        };
        Ok(Self { regex, group })
    }

    /// Extracts the parts of a name. Returns `None` if the name does not match or the version is empty.
    #[must_use]
    pub fn extract<'name>(&self, name: &'name str) -> Option<Extracted<'name>> {
        let captures = self.regex.captures(name)?;
        let version = captures.get(self.group)?.as_str();
        (!version.is_empty()).then_some(Extracted { version, captures })
    }

    /// Returns the names of all groups, a number for those without.
    pub(super) fn groups(&self) -> Vec<String> {
        let names = self.regex.capture_names().enumerate();
        names
            .map(|(index, name)| name.map_or_else(|| index.to_string(), str::to_owned))
            .collect()
    }
}

impl fmt::Display for VersionExtractor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.regex.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_is_the_version() {
        for (pattern, name, version) in [
            ("^v(.*)$", "v1.2.3", Some("1.2.3")),
            ("^v(.*)$", "1.2.3", None),
            ("^v(.*)$", "v", None),
            ("-(\\d+)", "release-12 of 13", Some("12")),
            ("^(?:chart-)?(v\\d.*)$", "chart-v1", Some("v1")),
            ("^v1(-rc)?", "v1", None),
            (
                "^(\\w+)-(?P<version>\\d+)$",
                "main-1700000000",
                Some("1700000000"),
            ),
        ] {
            let extractor = VersionExtractor::parse(pattern, false).unwrap();
            let found = extractor.extract(name).map(|found| found.version);
            assert_eq!(found, version, "{pattern} in {name}");
        }
        let several = VersionExtractor::parse("^(.*)-(.*)$", true).unwrap();
        assert_eq!(several.extract("1.2-k3s1").unwrap().version, "1.2");
    }

    #[test]
    fn pattern_needs_one_group_for_the_version() {
        for (pattern, has_template, message) in [
            ("^v.*$", false, "has no capture group"),
            ("^v.*$", true, "has no capture group"),
            ("^(v)(.*)$", false, "has 2 capture groups"),
            ("^v(", false, "unclosed group"),
        ] {
            let parsed = VersionExtractor::parse(pattern, has_template);
            let error = parsed.unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
