//! Byte ranges: `Range` of downloads and `Content-Range` of upload chunks.

use std::ops::Range;

/// The part of some content that a `Range` header asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RequestedRange {
    /// All of it: there is no range, or one of a form that a server may ignore (RFC 9110 §14.2:
    /// several ranges, other units).
    Whole,
    /// These bytes.
    Slice(Range<usize>),
    /// A range outside of the content.
    Unsatisfiable,
}

impl RequestedRange {
    /// Parses a `Range` header for content of `size` bytes (RFC 9110 §14.1.2).
    pub(crate) fn parse(header: Option<&str>, size: usize) -> Self {
        let Some((first, last)) = header
            .and_then(|header| header.strip_prefix("bytes="))
            .and_then(|range| range.trim().split_once('-'))
        else {
            return Self::Whole;
        };
        let slice = match (first.parse::<usize>(), last.parse::<usize>()) {
            (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(size),
            (Ok(first), Err(_)) if last.is_empty() => first..size,
            (Err(_), Ok(count)) if first.is_empty() => size.saturating_sub(count)..size,
            _ => return Self::Whole,
        };
        if slice.start >= slice.end {
            return Self::Unsatisfiable;
        }
        Self::Slice(slice)
    }
}

/// Parses the `Content-Range` of a chunk into its first byte and its length: `<first>-<last>` as in
/// the distribution specification, or `bytes <first>-<last>/<size>` as in HTTP.
pub(crate) fn parse_content_range(header: &str) -> Option<(u64, u64)> {
    let range = header.trim();
    let range = range.strip_prefix("bytes ").unwrap_or(range);
    let range = range.split_once('/').map_or(range, |(range, _)| range);
    let (first, last) = range.split_once('-')?;
    let (first, last) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?);
    Some((first, last.checked_sub(first)?.checked_add(1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_ends_with_the_content() {
        let table = [
            (None, RequestedRange::Whole),
            (Some("bytes=0-0"), RequestedRange::Slice(0..1)),
            (Some("bytes=3-"), RequestedRange::Slice(3..10)),
            (Some("bytes=3-99"), RequestedRange::Slice(3..10)),
            (Some("bytes=-4"), RequestedRange::Slice(6..10)),
            (Some("bytes=-99"), RequestedRange::Slice(0..10)),
            (Some("bytes=10-"), RequestedRange::Unsatisfiable),
            (Some("bytes=10-20"), RequestedRange::Unsatisfiable),
            (Some("bytes=-0"), RequestedRange::Unsatisfiable),
            (Some("bytes=5-2"), RequestedRange::Whole),
            (Some("bytes=0-1,4-5"), RequestedRange::Whole),
            (Some("lines=0-1"), RequestedRange::Whole),
        ];
        for (header, expected) in table {
            assert_eq!(RequestedRange::parse(header, 10), expected, "{header:?}");
        }
        assert_eq!(
            RequestedRange::parse(Some("bytes=0-"), 0),
            RequestedRange::Unsatisfiable
        );
    }

    #[test]
    fn content_range_has_a_first_byte_and_a_length() {
        assert_eq!(parse_content_range("0-99"), Some((0, 100)));
        assert_eq!(parse_content_range("bytes 100-149/*"), Some((100, 50)));
        for invalid in ["", "9-3", "-3", "3-", "a-b", "0-18446744073709551615"] {
            assert_eq!(parse_content_range(invalid), None, "{invalid}");
        }
    }
}
