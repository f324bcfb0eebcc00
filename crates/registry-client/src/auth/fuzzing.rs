//! What `WWW-Authenticate` may not do.

use http::header::WWW_AUTHENTICATE;
use url::Url;

use super::challenge::{Challenge, best};
use super::realm::checked_realm;
use crate::fuzzing::headers;
use crate::transport::is_loopback;

/// No challenge of a registry behind TLS leads credentials over the open network.
pub fn www_authenticate(data: &[u8]) {
    let Some(Challenge::Bearer { realm, .. }) = best(&headers(&WWW_AUTHENTICATE, data)) else {
        return;
    };
    let Ok(answered_by) = Url::parse("https://r.example/v2/") else {
        return;
    };
    match checked_realm("r.example", &answered_by, &realm) {
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
