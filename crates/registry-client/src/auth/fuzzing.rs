//! Properties of every `WWW-Authenticate` header.

use http::header::WWW_AUTHENTICATE;
use url::Url;

use super::challenge::Challenge;
use super::realm::checked_realm;
use crate::fuzzing::headers;
use crate::security::is_loopback;

/// Checks that no challenge of a registry on https sends credentials over http.
pub fn www_authenticate(data: &[u8]) {
    let challenge = Challenge::from_headers(&headers(&WWW_AUTHENTICATE, data));
    let Some(Challenge::Bearer { realm, .. }) = challenge else {
        return;
    };
    let Ok(challenged_by) = Url::parse("https://r.example/v2/") else {
        return;
    };
    match checked_realm("r.example", &challenged_by, &realm) {
        Ok(url) => assert!(
            url.scheme() == "https" || url.host_str().is_some_and(is_loopback),
            "{url}"
        ),
        Err(error) => {
            let error = error.to_string();
            assert!(!error.contains(char::is_control), "{error:?}");
        }
    }
}
