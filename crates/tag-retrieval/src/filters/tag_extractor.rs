//! `versionExtract`: the image tag in the name of a release.

use std::fmt;

use regex::Regex;

use super::pattern::{self, PatternError};

/// `versionExtract`: a regular expression with one capture group, the tag, such as `^v(.*)$`.
#[derive(Debug, Clone)]
pub struct TagExtractor(Regex);

impl TagExtractor {
    /// Compiles a pattern.
    ///
    /// # Errors
    ///
    /// [`PatternError`] if the text is not a regular expression, or does not have exactly one group.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let regex = pattern::compile_pattern(text)?;
        // `captures_len` counts the whole match.
        match regex.captures_len() - 1 {
            1 => Ok(Self(regex)),
            found => Err(PatternError::Groups {
                pattern: text.to_owned(),
                found,
            }),
        }
    }

    /// Extracts the tag from a name. Returns `None` if the name does not match or the group is empty.
    #[must_use]
    pub fn tag<'name>(&self, name: &'name str) -> Option<&'name str> {
        let group = self.0.captures(name)?.get(1)?;
        Some(group.as_str()).filter(|tag| !tag.is_empty())
    }
}

impl fmt::Display for TagExtractor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_is_the_tag() {
        for (pattern, name, tag) in [
            ("^v(.*)$", "v1.2.3", Some("1.2.3")),
            ("^v(.*)$", "1.2.3", None),
            ("^v(.*)$", "v", None),
            ("-(\\d+)", "release-12 of 13", Some("12")),
            ("^(?:chart-)?(v\\d.*)$", "chart-v1", Some("v1")),
            ("^v1(-rc)?", "v1", None),
        ] {
            assert_eq!(
                TagExtractor::parse(pattern).unwrap().tag(name),
                tag,
                "{pattern} in {name}"
            );
        }
    }

    #[test]
    fn pattern_needs_exactly_one_group() {
        for (pattern, message) in [
            ("^v.*$", "has 0 capture groups"),
            ("^(v)(.*)$", "has 2 capture groups"),
            ("^v(", "unclosed group"),
        ] {
            let error = TagExtractor::parse(pattern).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
