//! Bearer tokens: one request for each scope set, renewed before they expire.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use http::HeaderValue;

use super::scope::Scopes;
use crate::error::Error;

/// A token and how long it is good for.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) header: HeaderValue,
    /// Whether it was got with credentials.
    pub(crate) authenticated: bool,
    /// When it was answered.
    pub(crate) obtained: Instant,
    fresh_until: Instant,
}

impl Token {
    /// A token answered just now.
    ///
    /// `expires_in` is in seconds, 60 where the server does not say
    /// (distribution, "Token Authentication Specification"). The last fifth,
    /// at most 30 s, is left unused, so that a request under way does not
    /// outlive its token.
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
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("fresh_until", &self.fresh_until)
            .finish_non_exhaustive()
    }
}

type Flight = Shared<BoxFuture<'static, Result<Token, (Error, Instant)>>>;

/// The tokens of one host by scope set.
#[derive(Default)]
pub(crate) struct Tokens {
    flights: Mutex<HashMap<Arc<str>, Flight>>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    /// The token for these scopes: the one there is while it is fresh, else
    /// one request, however many need it at once. A refusal stands for ten
    /// seconds, so that a thousand rows do not knock a thousand times.
    pub(crate) async fn get<F>(
        &self,
        scopes: &Scopes,
        fetch: impl FnOnce() -> F,
    ) -> Result<Token, Error>
    where
        F: Future<Output = Result<Token, Error>> + Send + 'static,
    {
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            match flights
                .get(scopes.joined())
                .filter(|flight| is_usable(flight))
            {
                Some(flight) => flight.clone(),
                None => {
                    let fetched = fetch();
                    let flight = async { fetched.await.map_err(|error| (error, Instant::now())) };
                    let flight = flight.boxed().shared();
                    flights.insert(scopes.joined().into(), flight.clone());
                    flight
                }
            }
        };
        flight.await.map_err(|(error, _)| error)
    }

    /// Forgets a token that the host refused, unless it has been replaced.
    pub(crate) fn refused(&self, scopes: &Scopes, header: &HeaderValue) {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        let current = flights.get(scopes.joined()).and_then(Flight::peek);
        if matches!(current, Some(Ok(token)) if token.header == header) {
            flights.remove(scopes.joined());
        }
    }
}

fn is_usable(flight: &Flight) -> bool {
    const REFUSAL: Duration = Duration::from_secs(10);
    match flight.peek() {
        None => true,
        Some(Ok(token)) => Instant::now() < token.fresh_until,
        Some(Err((_, when))) => when.elapsed() < REFUSAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Access;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn one_request_serves_all_and_a_refused_token_is_replaced_once() {
        let tokens = Tokens::default();
        let scopes = Scopes::of(&"a".parse().unwrap(), Access::Pull);
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
        tokens.refused(&scopes, &old);
        let new = tokens.get(&scopes, fetch).await.unwrap();
        assert_eq!(new.header, "Bearer t1");
        tokens.refused(&scopes, &old);
        tokens.get(&scopes, fetch).await.unwrap();
        assert_eq!(
            fetched.load(Ordering::SeqCst),
            2,
            "a late refusal of the old one changes nothing"
        );
    }

    #[tokio::test]
    async fn a_token_is_renewed_before_it_expires() {
        let tokens = Tokens::default();
        let scopes = Scopes::of(&"a".parse().unwrap(), Access::Pull);
        let spent = || async { Ok(Token::new("spent", false, Some(0)).unwrap()) };
        tokens.get(&scopes, spent).await.unwrap();
        let fresh = || async { Ok(Token::new("fresh", false, Some(60)).unwrap()) };
        assert_eq!(
            tokens.get(&scopes, fresh).await.unwrap().header,
            "Bearer fresh"
        );
    }
}
