//! Bearer tokens and their cache.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use http::HeaderValue;
use serde_json::value::RawValue;

use super::scope::Scopes;
use crate::error::Error;
use crate::exact_keys::ExactKeys;
use crate::lock::lock;
use crate::sent_secrets::record_sent_secret;

/// A bearer token and its lifetime.
#[derive(Clone)]
pub(crate) struct Token {
    /// The value of `Authorization`.
    pub(crate) header: HeaderValue,
    /// True for a token obtained with stored credentials.
    pub(crate) authenticated: bool,
    pub(crate) obtained: Instant,
    fresh_until: Instant,
}

impl Token {
    /// Creates a token obtained now. Returns `None` if it cannot be sent in a header.
    ///
    /// The last fifth of the lifetime, at most 30 s, is not used, so that no token expires during a
    /// request.
    pub(crate) fn new(token: &str, authenticated: bool, lifetime: Duration) -> Option<Self> {
        let mut header = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
        header.set_sensitive(true);
        record_sent_secret(token);
        let margin = (lifetime / 5).min(Duration::from_secs(30));
        let obtained = Instant::now();
        Some(Self {
            header,
            authenticated,
            obtained,
            fresh_until: obtained + (lifetime - margin),
        })
    }

    /// Parses the response of a token server.
    ///
    /// # Errors
    ///
    /// A message, which quotes no value of the response.
    pub(crate) fn from_response(body: &[u8], authenticated: bool) -> Result<Self, String> {
        #[derive(serde::Deserialize)]
        struct Response<'a> {
            token: Option<String>,
            access_token: Option<String>,
            #[serde(borrow)]
            expires_in: Option<&'a RawValue>,
        }
        let none = "the response of the token server holds no token";
        let response = serde_json::from_slice::<ExactKeys<Response<'_>>>(body);
        let ExactKeys(response) = response.map_err(|error| {
            match error.is_data() && body.trim_ascii_start().starts_with(b"{") {
                true => {
                    "the response of the token server has ambiguous keys or values of another type"
                }
                false => none,
            }
        })?;
        let mut tokens = [response.token, response.access_token]
            .into_iter()
            .flatten();
        let token = tokens.find(|token| !token.is_empty()).ok_or(none)?;
        let token = Self::new(&token, authenticated, lifetime(response.expires_in));
        token.ok_or_else(|| "the token cannot be sent in a header".to_owned())
    }
}

/// Returns the lifetime of a token from `expires_in`, in seconds.
///
/// A missing value means 60 s, and so does a smaller one, because a token lives at least that long
/// (distribution, "Token Authentication Specification"). Some servers send text, fractions or
/// negative numbers. A token that expires earlier is renewed after a 401.
fn lifetime(expires_in: Option<&RawValue>) -> Duration {
    const SHORTEST: f64 = 60.0;
    const LONGEST: f64 = 86_400.0;
    let text = expires_in.map_or("", RawValue::get).trim_matches('"');
    let seconds = text.trim().parse().unwrap_or(SHORTEST);
    let seconds = if f64::is_nan(seconds) {
        SHORTEST
    } else {
        seconds
    };
    Duration::from_secs_f64(seconds.clamp(SHORTEST, LONGEST))
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("fresh_until", &self.fresh_until)
            .finish_non_exhaustive()
    }
}

/// A token request that is in flight or has ended; a failure has its time.
type Fetch = Shared<BoxFuture<'static, Result<Token, (Error, Instant)>>>;

/// The tokens of one host by scope set.
#[derive(Default)]
pub(crate) struct TokenCache {
    fetches: Mutex<HashMap<Arc<str>, Fetch>>,
}

impl std::fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenCache")
    }
}

impl TokenCache {
    /// Returns the token for these scopes, from the cache while it is fresh. Concurrent callers
    /// share one fetch. A failure is kept for ten seconds, so that a thousand rows do not repeat it
    /// a thousand times.
    pub(crate) async fn get<F>(
        &self,
        scopes: &Scopes,
        fetch: impl FnOnce() -> F,
    ) -> Result<Token, Error>
    where
        F: Future<Output = Result<Token, Error>> + Send + 'static,
    {
        let fetch = {
            let mut fetches = lock(&self.fetches);
            let known = fetches.get(scopes.joined());
            match known.filter(|known| is_usable(known)) {
                Some(known) => known.clone(),
                None => {
                    let token = fetch();
                    let fetch = async { token.await.map_err(|error| (error, Instant::now())) };
                    let fetch = fetch.boxed().shared();
                    fetches.insert(scopes.joined().into(), fetch.clone());
                    fetch
                }
            }
        };
        fetch.await.map_err(|(error, _)| error)
    }

    /// Removes a token that the host refused, unless it has been replaced.
    pub(crate) fn remove(&self, scopes: &Scopes, refused: &HeaderValue) {
        let mut fetches = lock(&self.fetches);
        let current = fetches.get(scopes.joined()).and_then(Fetch::peek);
        if matches!(current, Some(Ok(token)) if token.header == refused) {
            fetches.remove(scopes.joined());
        }
    }
}

fn is_usable(fetch: &Fetch) -> bool {
    const FAILURE_LIFETIME: Duration = Duration::from_secs(10);
    match fetch.peek() {
        None => true,
        Some(Ok(token)) => Instant::now() < token.fresh_until,
        Some(Err((_, when))) => when.elapsed() < FAILURE_LIFETIME,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Access;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn token_response_is_read_in_the_forms_of_real_servers() {
        let cases = [
            (r#"{"token":"t"}"#, Ok(60)),
            (r#"{"token":"t","expires_in":300}"#, Ok(300)),
            (r#"{"token":"t","expires_in":"300"}"#, Ok(300)),
            (r#"{"token":"t","expires_in":299.9}"#, Ok(299)),
            (r#"{"token":"t","expires_in":3e2}"#, Ok(300)),
            (r#"{"token":"t","expires_in":-1}"#, Ok(60)),
            (r#"{"token":"t","expires_in":5}"#, Ok(60)),
            (r#"{"token":"t","expires_in":0}"#, Ok(60)),
            (r#"{"token":"t","expires_in":1e300}"#, Ok(86_400)),
            (r#"{"token":"t","expires_in":"NaN"}"#, Ok(60)),
            (r#"{"token":"t","expires_in":"soon"}"#, Ok(60)),
            (r#"{"token":"t","expires_in":null}"#, Ok(60)),
            (r#"{"token":"t","expires_in":{"s":1}}"#, Ok(60)),
            (r#"{"token":"","access_token":"t"}"#, Ok(60)),
            (r#"{"token":null,"access_token":"t"}"#, Ok(60)),
            (r#"{"access_token":"t","issued_at":7}"#, Ok(60)),
            (r#"{"token":"","access_token":""}"#, Err("holds no token")),
            (r#"{"token":"t","Token":"u"}"#, Err("ambiguous")),
            (r#"{"token":"t","token":"u"}"#, Err("ambiguous")),
            (r#"{"Access_Token":"u"}"#, Err("ambiguous")),
            (r#"{"token":7}"#, Err("another type")),
            ("<html>", Err("holds no token")),
            (r#"{"token":"a\nb"}"#, Err("cannot be sent")),
        ];
        for (body, expected) in cases {
            let token = Token::from_response(body.as_bytes(), false);
            match (token, expected) {
                (Ok(token), Ok(seconds)) => {
                    assert_eq!(token.header, "Bearer t", "{body}");
                    let lifetime = Duration::from_secs(seconds);
                    let margin = (lifetime / 5).min(Duration::from_secs(30));
                    let used = token.fresh_until - token.obtained;
                    assert_eq!(used.as_secs(), (lifetime - margin).as_secs(), "{body}");
                }
                (Err(message), Err(part)) => assert!(message.contains(part), "{body}: {message}"),
                (token, _) => unreachable!("{body}: {token:?}"),
            }
        }
    }

    #[tokio::test]
    async fn concurrent_callers_share_one_fetch_and_a_refused_token_is_replaced_once() {
        let tokens = TokenCache::default();
        let scopes = Scopes::new(&"a".parse().unwrap(), Access::Pull);
        let fetched = Arc::new(AtomicUsize::new(0));
        let fetch = || {
            let fetched = Arc::clone(&fetched);
            async move {
                let number = fetched.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(5)).await;
                Ok(Token::new(&format!("t{number}"), false, MINUTE).unwrap())
            }
        };
        let all = futures::future::join_all((0..16).map(|_| tokens.get(&scopes, fetch))).await;
        assert_eq!(fetched.load(Ordering::SeqCst), 1);

        let old = all[0].as_ref().unwrap().header.clone();
        tokens.remove(&scopes, &old);
        let new = tokens.get(&scopes, fetch).await.unwrap();
        assert_eq!(new.header, "Bearer t1");
        tokens.remove(&scopes, &old);
        tokens.get(&scopes, fetch).await.unwrap();
        assert_eq!(
            fetched.load(Ordering::SeqCst),
            2,
            "a late refusal of the old token removes nothing"
        );
    }

    #[tokio::test]
    async fn token_is_renewed_before_it_expires() {
        let tokens = TokenCache::default();
        let scopes = Scopes::new(&"a".parse().unwrap(), Access::Pull);
        let expired = || async { Ok(Token::new("expired", false, Duration::ZERO).unwrap()) };
        tokens.get(&scopes, expired).await.unwrap();
        let fresh = || async { Ok(Token::new("fresh", false, MINUTE).unwrap()) };
        assert_eq!(
            tokens.get(&scopes, fresh).await.unwrap().header,
            "Bearer fresh"
        );
    }
}
