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

/// An invalid size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a number of bytes of at least {MIN_SIZE}, with or without a unit: KB, MB, GB, TB (powers of \
     1000), KiB, MiB, GiB, TiB (powers of 1024)"
)]
pub(crate) struct SizeError;

/// A number of bytes that is not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteSize(u64);

impl ByteSize {
    /// Returns the number.
    pub(crate) fn bytes(self) -> u64 {
        self.0
    }
}

/// The smallest size of a file that the contents of an archive are cut into.
const MIN_SIZE: u64 = 4096;

/// The units of sizes. `k` alone is as in `split` and `dd`: a power of 1024.
const UNITS: [(&str, u64); 13] = [
    ("", 1),
    ("k", 1 << 10),
    ("m", 1 << 20),
    ("g", 1 << 30),
    ("t", 1 << 40),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
];

/// Parses the size of a file.
pub(crate) fn byte_size(text: &str) -> Result<ByteSize, SizeError> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let unit = unit.trim_start().to_ascii_lowercase();
    let mut units = UNITS.iter();
    let (_, factor) = units.find(|(name, _)| *name == unit).ok_or(SizeError)?;
    let number: u64 = number.parse().map_err(|_| SizeError)?;
    let size = number.checked_mul(*factor).ok_or(SizeError)?;
    Some(ByteSize(size))
        .filter(|_| size >= MIN_SIZE)
        .ok_or(SizeError)
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
    fn sizes_have_units() {
        for (text, want) in [
            ("4294967295", Some(4_294_967_295)),
            ("4GiB", Some(4 << 30)),
            ("4g", Some(4 << 30)),
            ("4 GB", Some(4_000_000_000)),
            ("700MB", Some(700_000_000)),
            ("4096", Some(4096)),
            ("4095", None),
            ("0", None),
            ("GiB", None),
            ("1.5GiB", None),
            ("-1GiB", None),
            ("4 Gigs", None),
            ("99999999999999999999", None),
            ("99999999999TiB", None),
        ] {
            assert_eq!(byte_size(text).ok().map(ByteSize::bytes), want, "{text}");
        }
    }

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
