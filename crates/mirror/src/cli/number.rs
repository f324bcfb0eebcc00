//! Whole numbers on the command line.

use std::num::NonZeroUsize;

/// An invalid number: the smallest and the largest allowed one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NumberError {
    /// The number has a maximum.
    #[error("expected a whole number from {0} to {1}")]
    Range(u16, u16),
    /// The number has none.
    #[error("expected a whole number of at least 1")]
    Positive,
}

/// The largest number of `--jobs`.
const MAX_JOBS: u16 = 1024;

/// Parses the value of `--jobs`.
pub(crate) fn jobs(text: &str) -> Result<u16, NumberError> {
    let number = text.parse().ok();
    let in_range = number.filter(|number| (1..=MAX_JOBS).contains(number));
    in_range.ok_or(NumberError::Range(1, MAX_JOBS))
}

/// Parses a number that is not zero.
pub(crate) fn positive(text: &str) -> Result<NonZeroUsize, NumberError> {
    text.parse().map_err(|_| NumberError::Positive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_outside_the_range_are_refused_with_it() {
        for (text, jobs_wanted, positive_wanted) in [
            ("1", Some(1), Some(1)),
            ("1024", Some(1024), Some(1024)),
            ("1025", None, Some(1025)),
            ("0", None, None),
            ("-1", None, None),
            ("many", None, None),
            ("", None, None),
            ("1.5", None, None),
        ] {
            assert_eq!(jobs(text).ok(), jobs_wanted, "{text}");
            assert_eq!(
                positive(text).ok().map(NonZeroUsize::get),
                positive_wanted,
                "{text}"
            );
        }
        let message = jobs("many").unwrap_err().to_string();
        assert_eq!(message, "expected a whole number from 1 to 1024");
    }
}
