//! Regular expressions in the configuration.

use regex::Regex;

/// The reason why a pattern is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// The syntax is invalid.
    #[error("`{pattern}` is not a regular expression{position}: {cause}")]
    Syntax {
        /// The pattern.
        pattern: String,
        /// The position, such as ` (character 3)`; empty if unknown.
        position: String,
        /// The cause.
        cause: String,
    },
    /// The pattern has a look-around: `(?=…)`, `(?!…)`, `(?<=…)` or `(?<!…)`.
    #[error(
        "`{pattern}` has a look-ahead or look-behind{position}, which is not supported: use `exclude` for tags that must not match"
    )]
    LookAround {
        /// The pattern.
        pattern: String,
        /// The position, such as ` (character 3)`; empty if unknown.
        position: String,
    },
    /// No capture group is the version, or several could be.
    #[error("`{pattern}` has {}", groups_advice(*.found))]
    Groups {
        /// The pattern.
        pattern: String,
        /// The number of groups.
        found: usize,
    },
}

fn groups_advice(found: usize) -> String {
    match found {
        0 => "no capture group; versionExtract captures the version: `^v(.*)$`".to_owned(),
        _ => format!(
            "{found} capture groups: name one `version`, as in `(?<version>.*)`, or set tagTemplate"
        ),
    }
}

/// Compiles a regular expression, which may match anywhere in a tag.
///
/// # Errors
///
/// [`PatternError`] with position and cause.
pub fn compile_pattern(pattern: &str) -> Result<Regex, PatternError> {
    Regex::new(pattern).map_err(|error| {
        let message = error.to_string();
        let cause = message.lines().last().unwrap_or_default();
        let cause = cause.trim_start_matches("error: ").to_owned();
        let (pattern, position) = (pattern.to_owned(), position(&message));
        if cause.starts_with("look-around") {
            PatternError::LookAround { pattern, position }
        } else {
            PatternError::Syntax {
                pattern,
                position,
                cause,
            }
        }
    })
}

/// Returns the position of the error. The message has the pattern, indented by four spaces, and a line
/// with carets below it.
fn position(message: &str) -> String {
    let carets = |line: &&str| line.contains('^') && line.chars().all(|c| matches!(c, ' ' | '^'));
    let line = message.lines().find(carets);
    let column = line.and_then(|line| line.find('^'));
    match column {
        Some(column) if column >= 4 => format!(" (character {})", column - 3),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_anywhere_in_a_tag() {
        for (pattern, tag, found) in [
            ("^15.4.", "15.4.27.14.5", true),
            ("^15.4.", "v15.4.27", false),
            ("^v1.\\d{2}.\\d+$", "v1.14.0", true),
            ("^v1.\\d{2}.\\d+$", "v1.9.0", false),
            ("^v1\\.([3-9][0-9])\\.[0-9]+$", "v1.30.2", true),
            ("(?P<minor>4)\\b", "3.4", true),
            ("alpine", "3.20-alpine3", true),
        ] {
            assert_eq!(
                compile_pattern(pattern).unwrap().is_match(tag),
                found,
                "{pattern} in {tag}"
            );
        }
    }

    #[test]
    fn error_has_a_position() {
        for (pattern, message) in [
            (
                "v(1",
                "`v(1` is not a regular expression (character 2): unclosed group",
            ),
            ("*", "(character 1): repetition operator missing expression"),
            (
                "^v(?!1)",
                "`^v(?!1)` has a look-ahead or look-behind (character 3), which is not supported",
            ),
            ("(?<=v)1", "has a look-ahead or look-behind (character 1)"),
        ] {
            let error = compile_pattern(pattern).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
