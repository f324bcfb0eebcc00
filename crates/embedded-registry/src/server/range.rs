//! `Range` of downloads and `Content-Range` of upload chunks.

use std::ops::Range;

/// What a `Range` header asks of content of a known size.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// No range, or a form that RFC 9110 §14.2 allows to ignore (several ranges, other units).
    Everything,
    /// These bytes.
    Slice(Range<usize>),
    /// Nothing that there is.
    Unsatisfiable,
}

/// Reads a `Range` header (RFC 9110 §14.1.2).
pub(crate) fn asked(header: Option<&str>, size: usize) -> Asked {
    let Some((first, last)) = header
        .and_then(|header| header.strip_prefix("bytes="))
        .and_then(|range| range.trim().split_once('-'))
    else {
        return Asked::Everything;
    };
    let slice = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Ok(first), Err(_)) if last.is_empty() => first..size,
        (Err(_), Ok(count)) if first.is_empty() => size.saturating_sub(count)..size,
        _ => return Asked::Everything,
    };
    if slice.start >= slice.end {
        return Asked::Unsatisfiable;
    }
    Asked::Slice(slice)
}

/// Where a chunk begins and how long it claims to be, from `Content-Range: <first>-<last>` as the
/// distribution specification has it, or with the `bytes ` and `/size` of HTTP.
pub(crate) fn chunk(header: &str) -> Option<(u64, u64)> {
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
    fn ranges_are_cut_to_the_content() {
        let table = [
            (None, Asked::Everything),
            (Some("bytes=0-0"), Asked::Slice(0..1)),
            (Some("bytes=3-"), Asked::Slice(3..10)),
            (Some("bytes=3-99"), Asked::Slice(3..10)),
            (Some("bytes=-4"), Asked::Slice(6..10)),
            (Some("bytes=-99"), Asked::Slice(0..10)),
            (Some("bytes=10-"), Asked::Unsatisfiable),
            (Some("bytes=10-20"), Asked::Unsatisfiable),
            (Some("bytes=-0"), Asked::Unsatisfiable),
            (Some("bytes=5-2"), Asked::Everything),
            (Some("bytes=0-1,4-5"), Asked::Everything),
            (Some("lines=0-1"), Asked::Everything),
        ];
        for (header, expected) in table {
            assert_eq!(asked(header, 10), expected, "{header:?}");
        }
        assert_eq!(asked(Some("bytes=0-"), 0), Asked::Unsatisfiable);
    }

    #[test]
    fn chunks_have_a_start_and_a_length() {
        assert_eq!(chunk("0-99"), Some((0, 100)));
        assert_eq!(chunk("bytes 100-149/*"), Some((100, 50)));
        for wrong in ["", "9-3", "-3", "3-", "a-b", "0-18446744073709551615"] {
            assert_eq!(chunk(wrong), None, "{wrong}");
        }
    }
}
