//! The realm of a Bearer challenge: the URL of the token server.

use url::Url;

use crate::error::Error;
use crate::redact;
use crate::security::is_loopback;

/// Returns the realm as a URL to which credentials may be sent.
///
/// `challenged_by` is the URL of the response with the challenge. A registry reached over https
/// may not name a realm on http, unless the realm is a loopback host.
///
/// # Errors
///
/// [`Error::Unsafe`].
pub(crate) fn checked_realm(host: &str, challenged_by: &Url, realm: &str) -> Result<Url, Error> {
    let refuse = |what: String| Error::Unsafe {
        host: host.to_owned(),
        what,
    };
    let url = challenged_by
        .join(realm)
        .map_err(|error| refuse(format!("the token realm is not a URL: {error}")))?;
    let shown = redact::url(&url);
    let secure = match url.scheme() {
        "https" => true,
        "http" => challenged_by.scheme() == "http",
        _ => {
            return Err(refuse(format!(
                "the token realm {shown} is neither https nor http"
            )));
        }
    };
    if secure || url.host_str().is_some_and(is_loopback) {
        return Ok(url);
    }
    Err(refuse(format!(
        "the registry uses https but its token realm {shown} does not; no credentials were sent"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn realm_without_tls_is_refused_when_the_registry_has_tls() {
        let cases = [
            ("https://r.io/v2/a/", "https://auth.io/token", true),
            ("https://r.io/v2/a/", "/token", true),
            ("https://r.io/v2/a/", "http://auth.io/token", false),
            (
                "https://127.0.0.1:5000/v2/a/",
                "http://auth.io/token",
                false,
            ),
            (
                "https://127.0.0.1:5000/v2/a/",
                "http://127.0.0.1:6000/t",
                true,
            ),
            ("http://r.io/v2/a/", "http://auth.io/token", true),
            ("http://r.io/v2/a/", "ftp://auth.io/token", false),
            ("https://r.io/v2/a/", "http://[", false),
        ];
        for (registry, realm, expected) in cases {
            let checked = checked_realm("r.io", &registry.parse().unwrap(), realm);
            assert_eq!(checked.is_ok(), expected, "{registry} {realm}: {checked:?}");
        }
    }
}
