//! The `WWW-Authenticate` header.

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

/// An authentication challenge of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// User and password with every request (RFC 7617).
    Basic,
    /// A token from `realm` (RFC 6750 with distribution's parameters).
    Bearer {
        /// The URL of the token server, as sent.
        realm: String,
        /// The name of the service that the token is for.
        service: Option<String>,
    },
}

impl Challenge {
    /// Returns the best challenge of a response: Bearer before Basic, over all `WWW-Authenticate`
    /// headers (a registry may send one for each scheme).
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let challenges: Vec<Self> = headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .filter_map(|value| http_auth::parse_challenges(value).ok())
            .flatten()
            .filter_map(|challenge| Self::read(&challenge))
            .collect();
        let bearer = challenges
            .iter()
            .position(|challenge| matches!(challenge, Self::Bearer { .. }));
        challenges.into_iter().nth(bearer.unwrap_or(0))
    }

    fn read(challenge: &http_auth::ChallengeRef<'_>) -> Option<Self> {
        if challenge.scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !challenge.scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let param = |name: &str| {
            let found = challenge
                .params
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_unescaped())
        };
        Some(Self::Bearer {
            realm: param("realm")?,
            service: param("service"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearer_wins_over_basic_in_all_headers() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer {
                realm: realm.into(),
                service: service.map(Into::into),
            })
        };
        let cases: [(&[&str], Option<Challenge>); 6] = [
            (
                &[r#"Bearer realm="https://a/token",service="s",scope="repository:x:pull""#],
                bearer("https://a/token", Some("s")),
            ),
            (
                &[r#"bearer realm="https://a/token""#],
                bearer("https://a/token", None),
            ),
            (&["Basic realm=\"x\""], Some(Challenge::Basic)),
            (
                &[
                    "Negotiate",
                    r#"Basic realm="x", Bearer realm="https://b/t",service="q""#,
                ],
                bearer("https://b/t", Some("q")),
            ),
            (&["Bearer service=\"no realm\""], None),
            (&["\u{ff}nonsense,,,\""], None),
        ];
        for (values, expected) in cases {
            let mut headers = HeaderMap::new();
            for value in values {
                let value = http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
                headers.append(WWW_AUTHENTICATE, value);
            }
            assert_eq!(Challenge::from_headers(&headers), expected, "{values:?}");
        }
    }
}
