//! The realm of a Bearer challenge: the URL of the token server.

use std::net::IpAddr;

use url::Url;

use crate::error::Error;
use crate::redact;
use crate::security::{has_user, is_local, is_loopback};

/// Returns the realm as a URL to which credentials may be sent.
///
/// `challenged_by` is the URL of the response with the challenge. A registry reached over https
/// may not name a realm on http, unless both are loopback hosts. A registry elsewhere may not name a
/// realm on http at a loopback host: it would send credentials to another program of this machine.
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
    if has_user(&url) {
        return Err(refuse(format!("the token realm {shown} has a user name")));
    }
    let is_loopback = |url: &Url| url.host_str().is_some_and(is_loopback);
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) && !is_loopback(challenged_by) => Err(refuse(format!(
            "the token realm {shown} is on this machine, the registry is not; \
             no credentials were sent"
        ))),
        "http" if is_loopback(&url) || challenged_by.scheme() == "http" => Ok(url),
        "http" => Err(refuse(format!(
            "the registry uses https but its token realm {shown} does not; no credentials were sent"
        ))),
        _ => Err(refuse(format!(
            "the token realm {shown} is neither https nor http"
        ))),
    }
}

/// Checks the addresses of a realm on http, for a registry at other addresses: only a registry of this
/// machine or link may name a realm there.
///
/// # Errors
///
/// [`Error::Unsafe`].
pub(crate) fn check_realm_addresses(
    host: &str,
    realm: &Url,
    realm_addresses: &[IpAddr],
    registry_addresses: &[IpAddr],
) -> Result<(), Error> {
    let is_local = |addresses: &[IpAddr]| addresses.iter().any(is_local);
    if realm.scheme() == "https" || !is_local(realm_addresses) || is_local(registry_addresses) {
        return Ok(());
    }
    Err(Error::Unsafe {
        host: host.to_owned(),
        what: format!(
            "the token realm {} has an address of this machine or link, the registry has not; \
             no credentials were sent",
            redact::url(realm)
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn realm_without_tls_is_refused_when_the_registry_has_tls() {
        let cases = [
            ("https://r.io/v2/a/", "https://auth.io/token", true),
            ("https://r.io/v2/a/", "/token", true),
            (
                "https://r.io/v2/a/",
                "https://user:word@auth.io/token",
                false,
            ),
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
            ("https://r.io/v2/a/", "http://127.0.0.1:6000/t", false),
            ("https://r.io/v2/a/", "http://localhost/t", false),
            ("https://r.io/v2/a/", "http://[::1]/t", false),
            ("https://r.io/v2/a/", "http://auth.localhost/t", false),
            ("https://r.io/v2/a/", "https://127.0.0.1/t", true),
            ("http://r.io/v2/a/", "http://127.0.0.1/t", false),
            ("http://a.localhost/v2/a/", "http://127.0.0.1/t", false),
            ("http://127.0.0.1:5000/v2/", "http://localhost/t", true),
            ("http://r.io/v2/a/", "ftp://auth.io/token", false),
            ("https://r.io/v2/a/", "http://[", false),
        ];
        for (registry, realm, expected) in cases {
            let checked = checked_realm("r.io", &registry.parse().unwrap(), realm);
            assert_eq!(checked.is_ok(), expected, "{registry} {realm}: {checked:?}");
        }
    }

    #[test]
    fn realm_without_tls_at_a_local_address_is_for_local_registries() {
        let cases = [
            ("http://a.io/t", "127.0.0.1", "192.0.2.1", false),
            ("http://a.io/t", "169.254.169.254", "192.0.2.1", false),
            ("http://a.io/t", "fe80::1", "192.0.2.1", false),
            ("http://a.io/t", "::ffff:127.0.0.1", "192.0.2.1", false),
            ("http://a.io/t", "0.0.0.0", "192.0.2.1", false),
            ("http://a.io/t", "127.0.0.1", "127.0.0.1", true),
            ("http://a.io/t", "192.0.2.2", "192.0.2.1", true),
            ("https://a.io/t", "127.0.0.1", "192.0.2.1", true),
        ];
        for (realm, address, registry, expected) in cases {
            let [address, registry] = [address, registry].map(|text| text.parse().unwrap());
            let realm = realm.parse().unwrap();
            let checked = check_realm_addresses("r.io", &realm, &[address], &[registry]);
            assert_eq!(checked.is_ok(), expected, "{realm} {address}: {checked:?}");
        }
    }
}
