//! Sends requests to a host, with authentication and retries.

use std::fmt;
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
use crate::document_memory::BodyMemory;
use crate::error::{Error, StatusError};
use crate::redact;
use crate::timeout_phase::TimeoutPhase;
use crate::vendor_operation::VendorRequest;
use crate::write_policy::WritePolicy;

/// A request that can be sent more than once.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
    /// True if the request or its response carries the content of a blob. A config that is read
    /// whole does not count.
    pub(crate) is_blob: bool,
    /// The repository of the request. `None` for an anonymous request to a host that need not be a
    /// registry.
    pub(crate) scopes: Option<Scopes>,
    /// The operation at a vendor's API that the request belongs to.
    pub(crate) vendor: Option<Box<VendorRequest>>,
    /// True if the URL is the session of an upload, chosen by the registry.
    pub(crate) is_session: bool,
    /// The policy for writes.
    pub(crate) writes: Arc<dyn WritePolicy>,
    /// The expected statuses; all others are errors.
    pub(crate) accepted: &'static [u16],
    /// The maximum size of the response body in bytes.
    pub(crate) limit: u64,
    /// The memory that the response body takes.
    pub(crate) body: BodyMemory,
}

/// Hides headers and payload, which may have credentials.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &redact::url(&self.url))
            .finish_non_exhaustive()
    }
}

/// The time and the pauses of one list, so that those of its pages do not add up.
#[derive(Debug)]
pub(crate) struct ListBudget {
    started: Instant,
    retries: Retries,
}

/// The maximum size of an error body in bytes.
pub(super) const ERROR_BODY: u64 = 64 * 1024;
/// The first 401 names the scheme, the second one means an expired token.
const REAUTHENTICATIONS: usize = 2;

impl Host {
    /// Sends a request until there is a whole response or a final error.
    pub(crate) async fn send(
        self: &Arc<Self>,
        request: &Request,
    ) -> Result<BufferedResponse, Error> {
        let mut retries = Retries::new(self.retry_policy());
        Box::pin(self.send_with_retries(request, None, &mut retries)).await
    }

    /// Sends a request without retries after a failure, for a caller with an alternative. Pauses of a
    /// throttling host (429) are kept, and the request is sent again.
    pub(crate) async fn send_with_one_attempt(
        self: &Arc<Self>,
        request: &Request,
    ) -> Result<BufferedResponse, Error> {
        let policy = RetryPolicy {
            max_attempts: 1,
            ..self.retry_policy().clone()
        };
        let mut retries = Retries::new(&policy);
        Box::pin(self.send_with_retries(request, None, &mut retries)).await
    }

    /// Sends a request whose answer only saves work. It is never sent again; a throttling host still
    /// gets its pause.
    pub(crate) async fn send_probe(
        self: &Arc<Self>,
        request: &Request,
    ) -> Result<BufferedResponse, Error> {
        let permit = self.acquire(None).await?;
        let started = Instant::now();
        let attempt = async {
            let response = self.attempt(request, permit).await?;
            self.read_document(request, response).await
        };
        let sent = Box::pin(attempt).await;
        if let Err(error) = &sent {
            self.clients.record_failure(error);
            let policy = self.retry_policy();
            self.peer.record_failure(policy, error, started.elapsed());
        }
        sent
    }

    /// Sends the request for one page of a list.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`] also if the time for the whole list has passed.
    pub(crate) async fn send_page(
        self: &Arc<Self>,
        request: &Request,
        budget: &mut ListBudget,
    ) -> Result<BufferedResponse, Error> {
        let whole = self.timeouts().list;
        let rest = whole.saturating_sub(budget.started.elapsed());
        budget.retries.begin_next_request();
        let sent = Box::pin(self.send_with_retries(request, None, &mut budget.retries));
        let late = |_| {
            let (method, url) = (&request.method, &request.url);
            Err(Error::timeout(method, url, TimeoutPhase::List, whole))
        };
        tokio::time::timeout(rest, sent).await.unwrap_or_else(late)
    }

    /// Returns the budget of one list with all its pages.
    pub(crate) fn list_budget(&self) -> ListBudget {
        ListBudget {
            started: Instant::now(),
            retries: Retries::new(self.retry_policy()),
        }
    }

    /// Sends a request as [`Host::send`] does, with a permit that the caller holds.
    pub(crate) async fn send_within(
        self: &Arc<Self>,
        request: &Request,
        permit: &Permit,
    ) -> Result<BufferedResponse, Error> {
        let mut retries = Retries::new(self.retry_policy());
        Box::pin(self.send_with_retries(request, Some(permit), &mut retries)).await
    }

    /// Sends a request that is not repeatable, with one attempt.
    pub(crate) async fn send_once(
        self: &Arc<Self>,
        request: &Request,
        permit: Option<&Permit>,
    ) -> Result<BufferedResponse, Error> {
        let permit = self.acquire(permit).await?;
        let attempt = async {
            let response = self.attempt(request, permit).await?;
            self.read_document(request, response).await
        };
        Box::pin(attempt).await
    }

    /// Sends a request with one attempt and returns the response before its body.
    pub(crate) async fn open(
        self: &Arc<Self>,
        request: &Request,
        permit: &Permit,
    ) -> Result<Response, Error> {
        let permit = self.acquire(Some(permit)).await?;
        Box::pin(self.attempt(request, permit)).await
    }

    /// Waits before a request is sent again whose caller makes the attempts, with [`Host::send_once`].
    ///
    /// # Errors
    ///
    /// The given error if no attempt follows.
    pub(crate) async fn wait_for_retry(
        &self,
        retries: &mut Retries,
        error: Error,
        idle: Duration,
    ) -> Result<(), Error> {
        self.clients.record_failure(&error);
        self.peer.retry(retries, error, idle).await
    }

    async fn send_with_retries(
        self: &Arc<Self>,
        request: &Request,
        held: Option<&Permit>,
        retries: &mut Retries,
    ) -> Result<BufferedResponse, Error> {
        loop {
            let permit = self.acquire(held).await?;
            let started = Instant::now();
            // Boxed, because the future is large and most requests of a long list wait for a permit.
            let outcome = match Box::pin(self.attempt(request, permit)).await {
                Ok(response) => self.read_document(request, response).await,
                Err(error) => Err(error),
            };
            let error = match outcome {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            self.clients.record_failure(&error);
            let idle = started.elapsed();
            self.peer.retry(retries, error, idle).await?;
        }
    }

    /// Reads the body of a response. It may wait for memory.
    async fn read_document(
        &self,
        request: &Request,
        response: Response,
    ) -> Result<BufferedResponse, Error> {
        let documents = &self.shared.documents;
        let read = response.read_document(documents, request.limit, request.body);
        read.await
    }

    /// Waits until an attempt may be sent. Returns a permit, or `None` if the caller holds one.
    async fn acquire(&self, held: Option<&Permit>) -> Result<Option<Permit>, Error> {
        let permit = match held {
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
        Ok(permit)
    }

    /// Sends one attempt, with the additional requests that authentication needs.
    ///
    /// The request that passes the gate first holds its permit already, so it cannot block.
    async fn attempt(
        self: &Arc<Self>,
        request: &Request,
        mut permit: Option<Permit>,
    ) -> Result<Response, Error> {
        self.check(request)?;
        if let Some(vendor) = &request.vendor {
            return Box::pin(self.attempt_at_vendor(request, vendor, permit)).await;
        }
        let Some(scopes) = &request.scopes else {
            let anonymous = Authorization::default();
            let sent = Instant::now();
            let mut response = self.send_with_redirects(request, &anonymous).await?;
            response.permit = permit.take();
            let took = Some(sent.elapsed());
            return self
                .check_status(response, request.accepted, &anonymous, took)
                .await;
        };
        let _guard = self.auth_probe.pass().await;
        let started = Instant::now();
        let mut reauthentications = 0;
        loop {
            let authorization = self.authorize(scopes).await?;
            let sent = Instant::now();
            let mut response = self.send_with_redirects(request, &authorization).await?;
            let took = Some(sent.elapsed());
            response.permit = permit.take();
            if response.status() == StatusCode::UNAUTHORIZED
                && reauthentications < REAUTHENTICATIONS
            {
                reauthentications += 1;
                let refusal = Refusal {
                    authorization: &authorization,
                    since: started,
                    url: response.url(),
                    headers: response.headers(),
                };
                if self.learn(scopes, refusal).await? {
                    permit = response.permit.take();
                    // A connection is reusable once the body has been read.
                    response.read(ERROR_BODY).await.ok();
                    continue;
                }
            }
            let may_be_hidden = matches!(response.status().as_u16(), 401 | 403 | 404);
            if may_be_hidden
                && authorization.header.is_none()
                && self.offer_credentials(request, scopes).await?
            {
                permit = response.permit.take();
                response.read(ERROR_BODY).await.ok();
                continue;
            }
            let response = self
                .check_status(response, request.accepted, &authorization, took)
                .await?;
            if response.status().is_success() {
                self.record_read(request, &authorization);
            }
            return Ok(response);
        }
    }

    /// Records whether the successful read of a repository took credentials.
    fn record_read(&self, request: &Request, used: &Authorization) {
        if let Some(scopes) = &request.scopes
            && [Method::GET, Method::HEAD].contains(&request.method)
        {
            self.record_access(scopes.repository(), used);
        }
    }

    /// Returns a response with an expected status, else its error. `took` is the argument of
    /// [`HostLimit::record_success`](super::host_limit::HostLimit::record_success).
    pub(super) async fn check_status(
        &self,
        response: Response,
        accepted: &[u16],
        authorization: &Authorization,
        took: Option<Duration>,
    ) -> Result<Response, Error> {
        let status = response.status();
        if self.is_own_url(response.url()) {
            self.quota.record(response.headers());
        }
        let is_accepted = accepted.contains(&status.as_u16());
        if let Some(error) = self.quota_error(&response).filter(|_| !is_accepted) {
            return Err(error);
        }
        if matches!(status.as_u16(), 429 | 503) {
            self.peer.limit.record_throttling();
        } else {
            self.peer.limit.record_success(took);
        }
        if is_accepted {
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
            redirected: !self.is_own_url(response.url()),
        };
        if let Ok(response) = response.read(ERROR_BODY).await {
            error.read_body(&response.body);
        }
        Err(Error::Status(Arc::new(error)))
    }

    /// Returns the error of a response that refuses a request because the quota is used up. Docker Hub
    /// sends a 429 without `Retry-After`, and waits of minutes do not help.
    fn quota_error(&self, response: &Response) -> Option<Error> {
        if response.status() != StatusCode::TOO_MANY_REQUESTS || !self.is_own_url(response.url()) {
            return None;
        }
        let has_wait = retry_after(response.headers(), SystemTime::now())
            .is_some_and(|wait| wait <= self.retry_policy().max_wait);
        if has_wait {
            return None;
        }
        let is_manifest = response.url().path().contains("/manifests/");
        if is_manifest && response.method == Method::GET {
            return self.quota.exhausted(self.name(), 1);
        }
        // Other requests do not count, so only their own response shows that the quota is the reason.
        let is_reported = response.headers().contains_key("ratelimit-remaining");
        let is_read = [Method::GET, Method::HEAD].contains(&response.method);
        (is_reported && is_read)
            .then(|| self.quota.exhausted(self.name(), 0))
            .flatten()
    }
}
