//! Bearer tokens and their cache.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use http::HeaderValue;

use super::scope::Scopes;
use crate::error::Error;
use crate::lock::lock;

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
    /// `expires_in` is in seconds; the default is 60 (distribution, "Token Authentication
    /// Specification"). The last fifth of the lifetime, at most 30 s, is not used, so that no
    /// token expires during a request.
    pub(crate) fn new(token: &str, authenticated: bool, expires_in: Option<u64>) -> Option<Self> {
        let mut header = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
        header.set_sensitive(true);
        let life = Duration::from_secs(expires_in.unwrap_or(60).min(86_400));
        let margin = (life / 5).min(Duration::from_secs(30));
        let obtained = Instant::now();
        Some(Self {
            header,
            authenticated,
            obtained,
            fresh_until: obtained + (life - margin),
        })
    }

    /// Parses the response of a token server. Returns `None` if it holds no token.
    pub(crate) fn from_response(body: &[u8], authenticated: bool) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Response {
            token: Option<String>,
            access_token: Option<String>,
            expires_in: Option<u64>,
        }
        let response: Response = serde_json::from_slice(body).ok()?;
        let token = response
            .token
            .or(response.access_token)
            .filter(|token| !token.is_empty())?;
        Self::new(&token, authenticated, response.expires_in)
    }
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
                Ok(Token::new(&format!("t{number}"), false, None).unwrap())
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
        let expired = || async { Ok(Token::new("expired", false, Some(0)).unwrap()) };
        tokens.get(&scopes, expired).await.unwrap();
        let fresh = || async { Ok(Token::new("fresh", false, Some(60)).unwrap()) };
        assert_eq!(
            tokens.get(&scopes, fresh).await.unwrap().header,
            "Bearer fresh"
        );
    }
}
