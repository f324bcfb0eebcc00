//! `versionExtract`: the image tag in a release's name.

use std::fmt;

use regex::Regex;

use super::pattern::{self, PatternError};

/// `versionExtract`: a regular expression whose one capture group is the tag, such as `^v(.*)$`.
#[derive(Debug, Clone)]
pub struct Extract(Regex);

impl Extract {
    /// Compiles it.
    ///
    /// # Errors
    ///
    /// [`PatternError`] where it is no regular expression or has other than one group.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let regex = pattern::compile(text)?;
        // The whole match counts as a group.
        match regex.captures_len() - 1 {
            1 => Ok(Self(regex)),
            found => Err(PatternError::Groups {
                pattern: text.to_owned(),
                found,
            }),
        }
    }

    /// The tag; none where the name does not match, or the group is empty or took no part.
    #[must_use]
    pub fn tag<'name>(&self, name: &'name str) -> Option<&'name str> {
        let group = self.0.captures(name)?.get(1)?;
        Some(group.as_str()).filter(|tag| !tag.is_empty())
    }
}

impl fmt::Display for Extract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_is_the_tag() {
        for (pattern, name, tag) in [
            ("^v(.*)$", "v1.2.3", Some("1.2.3")),
            ("^v(.*)$", "1.2.3", None),
            ("^v(.*)$", "v", None),
            ("-(\\d+)", "release-12 of 13", Some("12")),
            ("^(?:chart-)?(v\\d.*)$", "chart-v1", Some("v1")),
            ("^v1(-rc)?", "v1", None),
        ] {
            assert_eq!(
                Extract::parse(pattern).unwrap().tag(name),
                tag,
                "{pattern} in {name}"
            );
        }
    }

    #[test]
    fn one_group_it_has_to_be() {
        for (pattern, message) in [
            ("^v.*$", "has 0 capture groups"),
            ("^(v)(.*)$", "has 2 capture groups"),
            ("^v(", "unclosed group"),
        ] {
            let error = Extract::parse(pattern).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
