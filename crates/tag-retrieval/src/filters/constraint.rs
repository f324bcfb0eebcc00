//! `versionConstraint`: comparisons that a version must satisfy.

use std::fmt;
use std::str::FromStr;

use super::version::{Version, VersionError};

/// `versionConstraint`: one or more comparisons that a version must all satisfy, such as
/// `>=1.4.0, <2`.
///
/// Versions have any number of numbers and compare by the precedence of SemVer, prereleases included:
/// `3.6.0-rc.0` satisfies `>3.5.10`. Missing numbers are zero: 1.4.1 satisfies `>1.4`. The upper bound of `^` and `~` excludes
/// the prereleases of the next version: `2.0.0-rc.1` does not satisfy `^1.4`.
///
/// ```
/// use tag_retrieval::filters::Constraint;
///
/// let constraint: Constraint = ">=1.4.0 <2".parse()?;
/// assert!(constraint.allows("v1.10"));
/// assert!(!constraint.allows("latest"));
/// # Ok::<(), tag_retrieval::filters::ConstraintError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    written: String,
    comparisons: Vec<Comparison>,
}

/// The reason why a text is not a constraint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConstraintError {
    /// The text has only whitespace and commas.
    #[error("the constraint is empty: write a comparison such as `>=1.4.0`")]
    Empty,
    /// The operator is unknown.
    #[error(
        "`{0}` is not a comparison: use < > <= >= == = != ^ ~, separated by commas or whitespace"
    )]
    Operator(String),
    /// No version follows the operator.
    #[error("`{0}` has no version")]
    NoVersion(String),
    /// The version has a wildcard, such as `1.4.*`.
    #[error("`{0}` has a wildcard: write `~1.4` for all of 1.4, `^1` for all of 1")]
    Wildcard(String),
    /// The version is invalid.
    #[error(transparent)]
    Version(#[from] VersionError),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Comparison {
    operator: Operator,
    version: Version,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
    /// The same first nonzero number.
    Caret,
    /// The same minor version, or the same major version if no minor version is written.
    Tilde,
}

impl Constraint {
    /// Parses a constraint, like `FromStr`.
    ///
    /// # Errors
    ///
    /// [`ConstraintError`] for the first invalid comparison.
    pub fn parse(text: &str) -> Result<Self, ConstraintError> {
        text.parse()
    }

    /// Returns true if a tag is a version and satisfies every comparison.
    #[must_use]
    pub fn allows(&self, tag: &str) -> bool {
        tag.parse()
            .is_ok_and(|version| self.allows_version(&version))
    }

    /// Returns true if a version satisfies every comparison.
    #[must_use]
    pub fn allows_version(&self, version: &Version) -> bool {
        let mut comparisons = self.comparisons.iter();
        comparisons.all(|comparison| comparison.allows(version))
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl FromStr for Constraint {
    type Err = ConstraintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let separator = |c: char| c == ',' || c.is_whitespace();
        let mut comparisons = Vec::new();
        let mut rest = text.trim_start_matches(separator);
        while !rest.is_empty() {
            let end = rest.find(|c| !is_operator(c)).unwrap_or(rest.len());
            let (operator, after) = rest.split_at(end);
            // Whitespace may separate the two.
            let after = after.trim_start();
            let end = after.find(|c| separator(c) || is_operator(c));
            let (version, after) = after.split_at(end.unwrap_or(after.len()));
            comparisons.push(Comparison::parse(operator, version)?);
            rest = after.trim_start_matches(separator);
        }
        if comparisons.is_empty() {
            return Err(ConstraintError::Empty);
        }
        let written = text.to_owned();
        Ok(Self {
            written,
            comparisons,
        })
    }
}

/// Returns true if a character is part of an operator. `|` is not supported, but the message should name it.
fn is_operator(c: char) -> bool {
    matches!(c, '<' | '>' | '=' | '!' | '^' | '~' | '|')
}

impl Comparison {
    fn parse(operator: &str, version: &str) -> Result<Self, ConstraintError> {
        let parsed = match operator {
            "<" => Operator::Less,
            "<=" => Operator::LessOrEqual,
            "" | "=" | "==" => Operator::Equal,
            "!=" => Operator::NotEqual,
            ">=" => Operator::GreaterOrEqual,
            ">" => Operator::Greater,
            "^" => Operator::Caret,
            "~" => Operator::Tilde,
            other => return Err(ConstraintError::Operator(other.to_owned())),
        };
        if version.is_empty() {
            return Err(ConstraintError::NoVersion(operator.to_owned()));
        }
        if version
            .split('.')
            .any(|part| matches!(part, "*" | "x" | "X"))
        {
            return Err(ConstraintError::Wildcard(version.to_owned()));
        }
        let version = version.parse()?;
        Ok(Self {
            operator: parsed,
            version,
        })
    }

    fn allows(&self, version: &Version) -> bool {
        let bound = &self.version;
        match self.operator {
            Operator::Less => version < bound,
            Operator::LessOrEqual => version <= bound,
            Operator::Equal => version == bound,
            Operator::NotEqual => version != bound,
            Operator::GreaterOrEqual => version >= bound,
            Operator::Greater => version > bound,
            Operator::Caret => {
                version >= bound && version.has_same_prefix(bound, caret_prefix(bound))
            }
            Operator::Tilde => {
                version >= bound && version.has_same_prefix(bound, tilde_prefix(bound))
            }
        }
    }
}

/// Returns the count of numbers that `^` fixes: up to the first nonzero one, as far as they are written.
fn caret_prefix(bound: &Version) -> usize {
    bound
        .first_nonzero()
        .map_or(bound.length(), |position| position + 1)
}

/// Returns the count of numbers that `~` fixes.
fn tilde_prefix(bound: &Version) -> usize {
    bound.length().min(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn versions_satisfy_or_violate_constraints() {
        for (constraint, satisfying, violating) in [
            (
                ">1.21.0",
                "v1.21.1 1.22 v2 1.22.0-rc.1",
                "1.21.0 v1.21 1.21.0-rc.1 latest",
            ),
            (
                ">3.5.10",
                "3.6.0-rc.0 v3.5.11 3.10 3.5.10.1 3.5.11.1",
                "3.5.10 3.5.9 3.5.10-rc.1 3.5.9.9",
            ),
            (
                ">=1.4.0",
                "1.4 v1.4.0 1.10.2 v1.4.0.1 1.04.0",
                "1.4.0-rc1 1.3.9 1.3.9.9 1.x",
            ),
            (">=1.4, <2", "1.4.0 1.99.1 2.0.0-rc.1", "2.0.0 2 1.3"),
            (">= 1.4 <2 != 1.5", "1.4.0 1.5.1", "1.5.0 2.0.0"),
            (">=1.4<2", "1.4.0", "2.0.0"),
            ("1.4.0", "1.4 v1.4.0 1.4.0+k3s1", "1.4.1"),
            ("==v1.4", "1.4.0", "1.4.1"),
            ("=1", "1.0.0", "1.0.1"),
            ("<=1.4", "1.4.0 1.4.0-rc.1", "1.4.1"),
            ("!=1.4", "1.4.1 1.4.0-rc.1", "1.4.0 1.4"),
            (
                "^1.4",
                "1.4.0 1.99.0 1.5.0-rc.1",
                "2.0.0 2.0.0-rc.1 1.3.9 1.4.0-rc.1",
            ),
            ("^0.4.2", "0.4.2 0.4.9", "0.5.0 0.4.1 1.0.0"),
            ("^0.0.4", "0.0.4", "0.0.5 0.1.0"),
            ("^0.0", "0.0.9", "0.1.0"),
            ("^0", "0.9.0", "1.0.0"),
            ("~1.4.2", "1.4.2 1.4.9", "1.5.0 1.4.1"),
            ("~1.4", "1.4.0 1.4.9", "1.5.0-rc.1 1.3.0"),
            ("~1", "1.0.0 1.9.0", "2.0.0"),
            ("~ 1.4 , !=1.4.3", "1.4.2", "1.4.3"),
            (">=24.04", "24.04 24.4 24.10 25.04", "23.10 22.04"),
            (
                ">=2024.01.02 <2025",
                "2024.01.02 2024.12.31",
                "2024.01.01 2025.01.01",
            ),
            (
                ">1.28.0.5999",
                "1.28.0.6000 1.28.1 v1.29",
                "1.28.0.5999 1.28 1.28.0",
            ),
            ("~1.28.0.5", "1.28.0.5 1.28.7", "1.28.0.4 1.29"),
            ("^0.0.0.5", "0.0.0.5", "0.0.0.6 0.0.1"),
            (">1.4.0-rc.1", "1.4.0-rc.2 1.4.0", "1.4.0-rc.1"),
        ] {
            let parsed = Constraint::parse(constraint).unwrap();
            for tag in satisfying.split(' ') {
                assert!(parsed.allows(tag), "{tag} satisfies {constraint}");
            }
            for tag in violating.split(' ') {
                assert!(!parsed.allows(tag), "{tag} violates {constraint}");
            }
        }
    }

    #[test]
    fn invalid_constraint_is_rejected() {
        for (text, message) in [
            ("", "is empty"),
            (" , ", "is empty"),
            ("=>1.4", "`=>` is not a comparison"),
            ("~>1.4", "`~>` is not a comparison"),
            (">=1.4 || <1", "`||` is not a comparison"),
            (">=", "`>=` has no version"),
            (">=, 1.4", "`>=` has no version"),
            ("1.4.*", "write `~1.4`"),
            ("1.4.x", "write `~1.4`"),
            (">=one", "`one` is not a version"),
            (">=1.2.3-", "`1.2.3-` is not a version"),
        ] {
            let error = Constraint::parse(text).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn parser_never_panics(text in ".*", tag in ".*") {
            let _ = Constraint::parse(&text).map(|constraint| constraint.allows(&tag));
        }

        #[test]
        fn exactly_one_of_less_equal_and_greater_holds(bound in "[0-3](\\.[0-3]){0,4}(-rc\\.[0-9])?", tag in "v?[0-3](\\.[0-3]){0,4}(-rc\\.[0-9])?") {
            let allows = |operator: &str| Constraint::parse(&format!("{operator}{bound}")).unwrap().allows(&tag);
            let held = ["<", "=", ">"].into_iter().filter(|operator| allows(operator)).count();
            prop_assert_eq!(held, 1);
            prop_assert_eq!(allows("<="), !allows(">"));
            prop_assert_eq!(allows("!="), !allows("="));
            prop_assert!(!allows("~") || allows(">="));
        }
    }
}
