//! User and password that stand in a URL: what is shown and what other programs are called with goes
//! without them. Arguments of a process are seen by everybody on the machine.

use percent_encoding::percent_decode_str;
use url::Url;

/// What stands before the `@` of a URL's host, decoded.
pub(crate) struct UrlCredentials {
    pub(crate) username: String,
    pub(crate) password: String,
}

impl UrlCredentials {
    /// The URL without them, and them, where it has any.
    pub(crate) fn split(url: &Url) -> (Url, Option<Self>) {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let username = decoded(url.username());
        let password = decoded(url.password().unwrap_or_default());
        let mut bare = url.clone();
        // They fail where a URL can have none (`file:`).
        bare.set_username("").ok();
        bare.set_password(None).ok();
        let some = !username.is_empty() || !password.is_empty();
        (bare, some.then_some(Self { username, password }))
    }
}

/// A text without what its URLs say before an `@`.
pub(crate) fn without_credentials(text: &str) -> String {
    let mut parts = text.split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let ends = |c: char| c.is_whitespace() || "/?#\"'".contains(c);
        let end = part.find(ends).unwrap_or(part.len());
        let host = part[..end].rfind('@').map_or(0, |at| at + 1);
        shown.push_str(if host > 0 { "://***@" } else { "://" });
        shown.push_str(&part[host..]);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_goes_without_them() {
        let table = [
            (
                "https://me:p%40ss@h/a.git",
                "https://h/a.git",
                Some(("me", "p@ss")),
            ),
            ("https://token@h/a", "https://h/a", Some(("token", ""))),
            ("https://h/a", "https://h/a", None),
            ("file:///srv/a.git", "file:///srv/a.git", None),
        ];
        for (url, bare, found) in table {
            let (left, credentials) = UrlCredentials::split(&url.parse().unwrap());
            assert_eq!(left.as_str(), bare);
            let pair = credentials.map(|both| (both.username, both.password));
            let pair = pair.as_ref().map(|(name, word)| (&**name, &**word));
            assert_eq!(pair, found, "{url}");
        }
    }

    #[test]
    fn urls_are_told_without_their_credentials() {
        let cases = [
            (
                "get \"https://me:p@ss@host:1/a@b\": no",
                "get \"https://***@host:1/a@b\": no",
            ),
            ("http://a/ and oci://t@b", "http://a/ and oci://***@b"),
            ("mail me@host", "mail me@host"),
        ];
        for (text, expected) in cases {
            assert_eq!(without_credentials(text), expected);
        }
    }
}
