//! The user and password in a URL. Arguments of other programs must not contain them: every user of a
//! machine can read the arguments of a process.

use percent_encoding::percent_decode_str;
use registry_client::record_sent_secret;
use url::Url;

/// The user and password of a URL, decoded.
pub(crate) struct UrlCredentials {
    pub(crate) username: String,
    pub(crate) password: String,
}

impl UrlCredentials {
    /// Splits a URL into the URL without credentials and its credentials, if it has any.
    pub(crate) fn split(url: &Url) -> (Url, Option<Self>) {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let username = decoded(url.username());
        let password = decoded(url.password().unwrap_or_default());
        let mut bare = url.clone();
        // Both fail for URLs that cannot have credentials (`file:`).
        bare.set_username("").ok();
        bare.set_password(None).ok();
        for secret in [&username, &password] {
            record_sent_secret(secret);
        }
        let found = !username.is_empty() || !password.is_empty();
        (bare, found.then_some(Self { username, password }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_is_split_from_its_credentials() {
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
}
