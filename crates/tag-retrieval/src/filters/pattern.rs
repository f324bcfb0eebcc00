//! Regular expressions of the configuration.

use regex::Regex;

/// Why a text is no regular expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Not the syntax.
    #[error("`{pattern}` is no regular expression{place}: {what}")]
    Syntax {
        /// As it was given.
        pattern: String,
        /// ` (character 3)`, or nothing where there is no one place.
        place: String,
        /// What the parser says.
        what: String,
    },
    /// `(?=…)`, `(?!…)`, `(?<=…)` or `(?<!…)`, which Python has.
    #[error(
        "`{pattern}` has a look-ahead or look-behind{place}, which is not supported: let `exclude` drop what must not match"
    )]
    LookAround {
        /// As it was given.
        pattern: String,
        /// As above.
        place: String,
    },
    /// Other than one group in `versionExtract`.
    #[error(
        "`{pattern}` has {found} capture groups; versionExtract takes exactly one, the tag: `^v(.*)$`"
    )]
    Groups {
        /// As it was given.
        pattern: String,
        /// How many it has.
        found: usize,
    },
}

/// Compiles a regular expression, which is searched for anywhere in a tag.
///
/// # Errors
///
/// [`PatternError`] with the place and what is wrong there.
pub fn compile(pattern: &str) -> Result<Regex, PatternError> {
    Regex::new(pattern).map_err(|error| {
        let message = error.to_string();
        let what = message.lines().last().unwrap_or_default();
        let what = what.trim_start_matches("error: ").to_owned();
        let (pattern, place) = (pattern.to_owned(), place(&message));
        if what.starts_with("look-around") {
            PatternError::LookAround { pattern, place }
        } else {
            PatternError::Syntax {
                pattern,
                place,
                what,
            }
        }
    })
}

/// Where it is: the message has the pattern, indented by four blanks, and carets on the line under it.
fn place(message: &str) -> String {
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
    fn patterns_of_python_scripts_work() {
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
                compile(pattern).unwrap().is_match(tag),
                found,
                "{pattern} in {tag}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (pattern, message) in [
            (
                "v(1",
                "`v(1` is no regular expression (character 2): unclosed group",
            ),
            ("*", "(character 1): repetition operator missing expression"),
            (
                "^v(?!1)",
                "`^v(?!1)` has a look-ahead or look-behind (character 3), which is not supported",
            ),
            ("(?<=v)1", "has a look-ahead or look-behind (character 1)"),
        ] {
            let error = compile(pattern).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
