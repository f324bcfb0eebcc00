//! Redaction of URLs and sanitizing of text from registries.

use url::Url;

/// Returns a URL without user information and without the values of query parameters: upload
/// sessions (`_state`) and signed CDN links (`X-Amz-Signature`, `sig`) carry secrets there.
///
/// Parameters without secrets (`digest`, `from`, `mount`, `n`, `last`, `scope`, `service`) are kept.
pub(crate) fn url(url: &Url) -> String {
    const PLAIN: [&str; 8] = [
        "digest",
        "from",
        "mount",
        "n",
        "last",
        "scope",
        "service",
        "artifactType",
    ];
    let mut shown = url.clone();
    // A URL that cannot carry user information has none to remove.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_fragment(None);
    shown.set_query(None);
    let mut text = shown.to_string();
    for (index, (key, value)) in url.query_pairs().enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        text.push_str(&printable(&key, 64));
        text.push('=');
        if PLAIN.contains(&&*key) {
            text.push_str(&printable(&value, 256));
        } else {
            text.push('…');
        }
    }
    text
}

/// Returns text from a registry on one line, with at most `length` characters and without control
/// characters, so that it contains neither a terminal escape sequence nor a workflow command.
pub(crate) fn printable(text: &str, length: usize) -> String {
    let mut shown = String::new();
    let mut has_space = false;
    for character in text.trim().chars() {
        if character.is_whitespace() || character.is_control() {
            has_space = true;
            continue;
        }
        if shown.chars().count() >= length {
            shown.push('…');
            break;
        }
        if std::mem::take(&mut has_space) && !shown.is_empty() {
            shown.push(' ');
        }
        shown.push(character);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_has_no_secrets() {
        let cases = [
            (
                "https://u:p@h/v2/a/blobs/uploads/1?_state=SECRET&digest=sha256:aa",
                "https://h/v2/a/blobs/uploads/1?_state=…&digest=sha256:aa",
            ),
            (
                "https://cdn/x?X-Amz-Signature=SECRET#SECRET",
                "https://cdn/x?X-Amz-Signature=…",
            ),
            ("http://127.0.0.1:5000/v2/", "http://127.0.0.1:5000/v2/"),
        ];
        for (raw, shown) in cases {
            assert_eq!(url(&raw.parse().unwrap()), shown);
        }
    }

    #[test]
    fn printable_returns_one_short_line() {
        assert_eq!(printable("a\n::error::b\u{1b}[2J", 80), "a ::error::b [2J");
        assert_eq!(printable("abcdef", 3), "abc…");
    }
}
