//! A mark that every secret of the tests bears, and that is looked for where no secret may be.

use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// A secret that bears [`CANARY`](crate::CANARY): what is given stands before it.
///
/// ```
/// assert!(testkit::canary!("an0ther:").ends_with(testkit::CANARY));
/// ```
#[macro_export]
macro_rules! canary {
    ($before:literal) => {
        concat!($before, "c4n4ry7d1fb02e")
    };
}

/// The mark: part of every password, token and key of the tests, and of nothing else. Letters and
/// digits only, so that it is the same in addresses, JSON and shells.
pub const CANARY: &str = canary!("");

/// How the mark shows.
static FORMS: LazyLock<Vec<String>> = LazyLock::new(|| forms(CANARY));

/// The form of the mark that `text` has: as it is, within Base64 wherever it begins there, in
/// hexadecimal digits, or as the bytes that `Debug` prints.
#[must_use]
pub fn canary_in(text: &str) -> Option<&'static str> {
    let found = FORMS.iter().find(|form| text.contains(&***form))?;
    Some(found)
}

fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let list: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let mut forms = vec![
        secret.to_owned(),
        bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        list.join(", "),
    ];
    forms.extend((0..3).map(|shift| {
        let text = BASE64_STANDARD.encode([&b"..."[..shift], bytes].concat());
        // The characters that have bits of the secret and of nothing else.
        let (first, end) = ((shift * 8).div_ceil(6), (shift + bytes.len()) * 8 / 6);
        text[first..end].to_owned()
    }));
    forms
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    use super::*;

    #[test]
    fn the_mark_is_found_in_each_form() {
        for before in ["", "m", "me", "me:", "user:"] {
            let secret = format!("{before}{CANARY}-more");
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
