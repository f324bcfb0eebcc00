//! Durations on the command line: `90`, `90s`, `5m`, `1h`.

use std::time::Duration;

/// An invalid duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DurationError {
    /// The text is not a duration of at most a year.
    #[error(
        "expected a number of seconds, or a whole number with unit s, m or h, such as 90s, 5m or 1h, and at \
         most 8760h"
    )]
    Form,
    /// The duration is zero.
    #[error("expected more than 0, such as 90s, 5m or 1h")]
    Zero,
}

/// Maximum number of seconds: a year. Much longer durations overflow when added to the time.
const MAX_SECONDS: u64 = 8760 * 3600;

/// Parses a duration. A number without a unit is in seconds.
pub(crate) fn parse(text: &str) -> Result<Duration, DurationError> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let seconds: u64 = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(DurationError::Form),
    };
    let number: u64 = number.parse().map_err(|_| DurationError::Form)?;
    let total = number.checked_mul(seconds).ok_or(DurationError::Form)?;
    if total > MAX_SECONDS {
        return Err(DurationError::Form);
    }
    Ok(Duration::from_secs(total))
}

/// Parses a duration that is not zero.
pub(crate) fn parse_positive(text: &str) -> Result<Duration, DurationError> {
    match parse(text)? {
        Duration::ZERO => Err(DurationError::Zero),
        duration => Ok(duration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_accepts_whole_numbers_with_a_unit_up_to_a_year() {
        let seconds = |text| parse(text).map(|duration| duration.as_secs()).ok();
        let table = [
            ("90", Some(90)),
            ("90s", Some(90)),
            ("5m", Some(300)),
            ("1h", Some(3600)),
            ("0", Some(0)),
            ("", None),
            ("m", None),
            ("-1s", None),
            ("1.5m", None),
            ("5 m", None),
            ("5d", None),
            ("8760h", Some(31_536_000)),
            ("8761h", None),
            ("18446744073709551615", None),
            ("99999999999999999999", None),
            ("9999999999999999999h", None),
        ];
        for (text, want) in table {
            assert_eq!(seconds(text), want, "{text:?}");
            let positive = parse_positive(text).map(|duration| duration.as_secs()).ok();
            assert_eq!(positive, want.filter(|want| *want > 0), "{text:?}");
        }
    }
}
