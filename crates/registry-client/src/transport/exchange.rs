//! Requests to a token server.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use url::Url;

use super::host::Host;
use super::motion::Motion;
use super::redact;
use super::retry_after::retry_after;
use super::retry_policy::{Next, Retries};
use bytes::Bytes;

use crate::error::{Error, StatusError};

/// One request to a token server, with credentials of its own.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) authorization: Option<HeaderValue>,
    /// A form body (`application/x-www-form-urlencoded`).
    pub(crate) form: Option<String>,
}

/// Tokens of large enterprises with many groups run to tens of KiB.
const ANSWER: u64 = 1024 * 1024;

impl Host {
    /// Asks the token server, with retries; redirects are not followed, since
    /// the credentials are for the realm the registry named.
    ///
    /// The host's limit does not count: the requests that wait for this token
    /// hold its places.
    pub(crate) async fn exchange(
        &self,
        exchange: &Exchange,
        authenticated: bool,
    ) -> Result<Bytes, Error> {
        let (pauses, health) = &self.realm;
        let realm = exchange.url.host_str().unwrap_or_default();
        let mut retries = Retries::new(self.retry_policy());
        loop {
            let max_wait = self.retry_policy().max_wait;
            pauses.wait_out_pause(realm, max_wait).await?;
            health.wait_for_turn().await?;
            let begun = Instant::now();
            let error = match self.exchange_once(exchange, authenticated).await {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            self.home.failed(&error);
            let next = match health.after(&error) {
                Some(next) => next,
                None => retries.after(&error, begun.elapsed(), fastrand::f32()),
            };
            match next {
                Next::Wait(wait) => tokio::time::sleep(wait).await,
                Next::PauseHost(wait) => pauses.pause(wait),
                Next::GiveUp => {
                    health.gave_up(&error);
                    return Err(error);
                }
            }
        }
    }

    async fn exchange_once(
        &self,
        exchange: &Exchange,
        authenticated: bool,
    ) -> Result<Bytes, Error> {
        let mut request = self
            .home
            .small()
            .request(exchange.method.clone(), exchange.url.clone());
        if let Some(value) = &exchange.authorization {
            request = request.header(AUTHORIZATION, value.clone());
        }
        if let Some(form) = &exchange.form {
            request = request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.clone());
        }
        let motion = Motion::of(0);
        let sent = self.fire(request, &exchange.method, &exchange.url, &motion);
        let answer = sent.await.map_err(|broken| broken.error)?;
        self.realm.1.answered();
        let retry_after = retry_after(answer.headers(), SystemTime::now());
        let reply = answer.read(ANSWER).await?;
        if reply.status.is_success() {
            return Ok(reply.body);
        }
        let mut error = StatusError {
            method: exchange.method.clone(),
            url: redact::url(&exchange.url),
            status: reply.status,
            codes: Vec::new(),
            text: String::new(),
            authenticated,
            retry_after,
        };
        error.read_body(&reply.body);
        Err(Error::Status(Arc::new(error)))
    }
}
