//! The one loop through which every request to a registry goes.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::authentication::Refusal;
use super::host::Host;
use super::host_limit::Permit;
use super::response::{BufferedResponse, Response};
use super::retry_after::retry_after;
use super::retry_policy::{Retries, RetryPolicy};
use crate::auth::{Authorization, Scopes};
use crate::error::{Error, StatusError};
use crate::redact;
use crate::write_policy::WritePolicy;

/// A request that can be sent more than once.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
    /// Whether the content of a blob goes or comes with it, other than a config
    /// that is read whole.
    pub(crate) is_blob: bool,
    /// The repository that the request is made for. `None`: without credentials, whatever the
    /// host asks for.
    pub(crate) scopes: Option<Scopes>,
    /// Whether it goes to the session of an upload, at a URL that the registry chose.
    pub(crate) is_session: bool,
    /// The writes that may be sent.
    pub(crate) writes: Arc<dyn WritePolicy>,
    /// The statuses that are an answer; all others are errors.
    pub(crate) accepted: &'static [u16],
    /// The most bytes of an answer's body.
    pub(crate) limit: u64,
}

/// Error bodies are read up to here.
const ERROR_BODY: u64 = 64 * 1024;
/// A 401 is answered by learning the scheme, then by renewing the token.
const REAUTHENTICATIONS: usize = 2;

impl Host {
    /// Sends until there is a whole answer or a reason to give up.
    pub(crate) async fn send(
        self: &Arc<Self>,
        request: &Request,
    ) -> Result<BufferedResponse, Error> {
        Box::pin(self.run(request, None, self.retry_policy())).await
    }

    /// The same, with one try only for what fails: where there is another way
    /// to find out. Pauses that the host asks for are made.
    pub(crate) async fn send_with_one_attempt(
        self: &Arc<Self>,
        request: &Request,
    ) -> Result<BufferedResponse, Error> {
        let policy = RetryPolicy {
            max_attempts: 1,
            ..self.retry_policy().clone()
        };
        Box::pin(self.run(request, None, &policy)).await
    }

    /// The same within a place that the caller holds.
    pub(crate) async fn send_within(
        self: &Arc<Self>,
        request: &Request,
        permit: &Permit,
    ) -> Result<BufferedResponse, Error> {
        Box::pin(self.run(request, Some(permit), self.retry_policy())).await
    }

    /// One try, for steps that must not be repeated blindly.
    pub(crate) async fn send_once(
        self: &Arc<Self>,
        request: &Request,
        permit: Option<&Permit>,
    ) -> Result<BufferedResponse, Error> {
        let place = self.place(permit).await?;
        let once = async {
            let response = self.attempt(request, place).await?;
            response.read(request.limit).await
        };
        Box::pin(once).await
    }

    /// One try for an answer whose body is read piece by piece.
    pub(crate) async fn open(
        self: &Arc<Self>,
        request: &Request,
        permit: &Permit,
    ) -> Result<Response, Error> {
        let place = self.place(Some(permit)).await?;
        Box::pin(self.attempt(request, place)).await
    }

    async fn run(
        self: &Arc<Self>,
        request: &Request,
        held: Option<&Permit>,
        policy: &RetryPolicy,
    ) -> Result<BufferedResponse, Error> {
        let mut retries = Retries::new(policy);
        loop {
            let place = self.place(held).await?;
            let begun = Instant::now();
            // Large, and most requests of a long list wait for their place.
            let outcome = match Box::pin(self.attempt(request, place)).await {
                Ok(response) => response.read(request.limit).await,
                Err(error) => Err(error),
            };
            let error = match outcome {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            self.clients.failed(&error);
            let idle = begun.elapsed();
            self.peer.retry(&mut retries, error, idle).await?;
        }
    }

    /// A place for one try, `None` for the caller's own, once the host is not
    /// paused and not known to be down.
    async fn place(&self, held: Option<&Permit>) -> Result<Option<Permit>, Error> {
        let place = match held {
            Some(_) => {
                let max_wait = self.retry_policy().max_wait;
                self.peer
                    .limit
                    .wait_out_pause(self.name(), max_wait)
                    .await?;
                None
            }
            None => Some(self.permit().await?),
        };
        self.peer.breaker.admit().await?;
        Ok(place)
    }

    /// One try, with as many requests as authentication needs.
    ///
    /// The gate comes after the place: whoever leads has all that it needs.
    async fn attempt(
        self: &Arc<Self>,
        request: &Request,
        mut permit: Option<Permit>,
    ) -> Result<Response, Error> {
        self.check(request)?;
        let Some(scopes) = &request.scopes else {
            // Nothing is learnt of what the host asks for, so nobody waits for it.
            let stranger = Authorization::default();
            let sent = Instant::now();
            let mut response = self.send_with_redirects(request, &stranger).await?;
            response._permit = permit.take();
            let took = Some(sent.elapsed());
            return self
                .check_status(response, request.accepted, &stranger, took)
                .await;
        };
        let _guard = self.auth_probe.pass().await;
        let begun = Instant::now();
        let mut reauthentications = 0;
        loop {
            let authorization = self.authorize(scopes).await?;
            let sent = Instant::now();
            let mut response = self.send_with_redirects(request, &authorization).await?;
            let took = Some(sent.elapsed());
            response._permit = permit.take();
            if response.status() == StatusCode::UNAUTHORIZED
                && reauthentications < REAUTHENTICATIONS
            {
                reauthentications += 1;
                let refusal = Refusal {
                    authorization: &authorization,
                    since: begun,
                    url: response.url(),
                    headers: response.headers(),
                };
                if self.learn(scopes, refusal).await? {
                    permit = response._permit.take();
                    // Read to its end, the connection serves the next try.
                    response.read(ERROR_BODY).await.ok();
                    continue;
                }
            }
            return self
                .check_status(response, request.accepted, &authorization, took)
                .await;
        }
    }

    /// An accepted answer, or the error that it is; `took` as
    /// [`HostLimit::succeeded`](super::host_limit::HostLimit::succeeded) wants it.
    pub(super) async fn check_status(
        &self,
        response: Response,
        accepted: &[u16],
        authorization: &Authorization,
        took: Option<Duration>,
    ) -> Result<Response, Error> {
        let status = response.status();
        if matches!(status.as_u16(), 429 | 503) {
            self.peer.limit.throttled();
        } else {
            self.peer.limit.succeeded(took);
        }
        if accepted.contains(&status.as_u16()) {
            return Ok(response);
        }
        let mut error = StatusError {
            method: response.method.clone(),
            url: redact::url(response.url()),
            status,
            codes: Vec::new(),
            text: String::new(),
            authenticated: authorization.authenticated,
            retry_after: retry_after(response.headers(), SystemTime::now()),
        };
        if let Ok(response) = response.read(ERROR_BODY).await {
            error.read_body(&response.body);
        }
        Err(Error::Status(Arc::new(error)))
    }
}
