//! Foreign text in Markdown, for step summaries and pull requests, without markup, mentions and
//! references.

use std::fmt::Write;
use url::Url;

use super::sanitize::is_active;

/// Maximum length of a foreign text, in characters.
const MAX_LENGTH: usize = 300;

/// Returns a text as code, in which GitHub ignores mentions and references.
///
/// Characters of markup become character references, line breaks become spaces.
pub(crate) fn code(text: &str) -> String {
    let mut code = "<code>".to_owned();
    for c in truncate(text, MAX_LENGTH).chars() {
        match c {
            c if c.is_alphanumeric() => code.push(c),
            ' ' | '-' | '.' | '/' | ',' | '=' | ';' => code.push(c),
            c if is_active(c) || c.is_whitespace() => code.push(' '),
            // Writing to a `String` never fails.
            c => drop(write!(code, "&#{};", u32::from(c))),
        }
    }
    code.push_str("</code>");
    code
}

/// Returns a link; the text alone if the URL is neither http nor https.
pub(crate) fn link(text: &str, url: &str) -> String {
    let text = code(text);
    let parsed = Url::parse(url).ok();
    let Some(url) = parsed.filter(|url| ["http", "https"].contains(&url.scheme())) else {
        return text;
    };
    let url = url.as_str().chars().map(|c| match c {
        c if c.is_ascii_alphanumeric() => c.to_string(),
        '-' | '.' | '_' | '~' | '/' | ':' | '?' | '#' | '=' | '&' | '%' | '+' | ',' | '@' => {
            c.to_string()
        }
        // A valid URL is ASCII.
        c => format!("%{:02X}", u32::from(c)),
    });
    format!("[{text}](<{}>)", url.collect::<String>())
}

/// Returns a text as a cell of a Markdown table. Links and images are escaped.
pub(crate) fn cell(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace('<', "&lt;")
        .replace("](", "]\\(")
        .replace(['\r', '\n'], " ")
}

/// Truncates a text to at most `max` characters.
pub(crate) fn truncate(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(max - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_has_no_markup() {
        let table = [
            ("a/b-c.d", "a/b-c.d"),
            ("x --> @user #1", "x --&#62; &#64;user &#35;1"),
            ("a|b`c`\r\n| d", "a&#124;b&#96;c&#96;  &#124; d"),
            ("</code><b>", "&#60;/code&#62;&#60;b&#62;"),
            ("&#64;", "&#38;&#35;64;"),
            ("a\u{1b}b\u{202e}c", "a b c"),
            ("[x](y)\\_*", "&#91;x&#93;&#40;y&#41;&#92;&#95;&#42;"),
        ];
        for (text, want) in table {
            assert_eq!(code(text), format!("<code>{want}</code>"));
        }
        assert!(code(&"x".repeat(5_000)).len() < 400);
    }

    #[test]
    fn only_http_urls_become_links() {
        let table = [
            (
                "https://x.io/a?b=1#c",
                "[<code>t</code>](<https://x.io/a?b=1#c>)",
            ),
            (
                "https://x.io/a)>|`b",
                "[<code>t</code>](<https://x.io/a%29%3E%7C%60b>)",
            ),
            ("javascript:alert(1)", "<code>t</code>"),
            ("not a URL", "<code>t</code>"),
        ];
        for (url, want) in table {
            assert_eq!(link("t", url), want);
        }
    }

    #[test]
    fn cell_escapes_table_markup_and_links() {
        assert_eq!(cell("a|b\n<c>\\"), "a\\|b &lt;c>\\\\");
        assert_eq!(cell("![x](https://y)"), "![x]\\(https://y)");
    }
}
