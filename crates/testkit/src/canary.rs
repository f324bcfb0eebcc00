//! A canary value: every secret of the tests contains it, and tests search output for it.

use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Creates a secret from a prefix and [`CANARY`](crate::CANARY).
///
/// ```
/// assert!(testkit::canary!("an0ther:").ends_with(testkit::CANARY));
/// ```
#[macro_export]
macro_rules! canary {
    ($prefix:literal) => {
        concat!($prefix, "c4n4ry7d1fb02e")
    };
}

/// A part of every password, token and key of the tests. It consists of letters and digits, so that URLs,
/// JSON and shells do not escape it.
pub const CANARY: &str = canary!("");

/// The encodings of [`CANARY`] to search for.
static ENCODINGS: LazyLock<Vec<String>> = LazyLock::new(|| encodings(CANARY));

/// Returns the encoding of [`CANARY`] that a text contains: plain, Base64 at any offset, hexadecimal, or
/// the list of bytes that `Debug` prints.
#[must_use]
pub fn canary_in(text: &str) -> Option<&'static str> {
    let found = ENCODINGS
        .iter()
        .find(|encoding| text.contains(&***encoding))?;
    Some(found)
}

fn encodings(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let list: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let mut encodings = vec![
        secret.to_owned(),
        bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        list.join(", "),
    ];
    encodings.extend((0..3).map(|shift| {
        let text = BASE64_STANDARD.encode([&b"..."[..shift], bytes].concat());
        // Only characters whose bits all belong to the secret.
        let (first, end) = ((shift * 8).div_ceil(6), (shift + bytes.len()) * 8 / 6);
        text[first..end].to_owned()
    }));
    encodings
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    use super::*;

    #[test]
    fn canary_is_found_in_each_encoding() {
        for prefix in ["", "m", "me", "me:", "user:"] {
            let secret = format!("{prefix}{CANARY}-more");
            let url_safe = BASE64_URL_SAFE_NO_PAD.encode(format!("{{\"jti\":\"{secret}\"}}"));
            for text in [
                format!("password={secret}&"),
                format!("Authorization: Basic {}", BASE64_STANDARD.encode(&secret)),
                format!("Bearer h.{url_safe}.s"),
                format!("Secret({:?})", secret.as_bytes()),
            ] {
                assert!(canary_in(&text).is_some(), "{text}");
            }
        }
        let [first, rest] = ["c4n4ry", "7d1fb02e"];
        assert_eq!(
            canary_in(&format!("{first} {rest} YzRuNHJ5N2QxZmIwMmU")),
            Some("YzRuNHJ5N2QxZmIwMm")
        );
        assert_eq!(canary_in(&format!("{first} {rest} 99, 52, 110")), None);
    }
}
