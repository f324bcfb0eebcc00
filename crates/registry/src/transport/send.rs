//! The one loop through which every request to a registry goes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use http::header::{AUTHORIZATION, LOCATION};
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::answer::{Answer, Reply};
use super::host::Host;
use super::limit::Permit;
use super::redact;
use super::retries::{Next, Retries};
use super::retry_after::retry_after;
use crate::auth::{Presented, Scopes};
use crate::error::{Awaited, Error, StatusError};

/// A request that can be sent more than once.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
    pub(crate) scopes: Scopes,
    /// The statuses that are an answer; all others are errors.
    pub(crate) accepted: &'static [u16],
    /// The most bytes of an answer's body.
    pub(crate) limit: u64,
}

/// Error bodies are read up to here.
const ERROR_BODY: u64 = 64 * 1024;
/// Hops from a registry to where it keeps its blobs.
const REDIRECTS: usize = 5;
/// A 401 is answered by learning the scheme, then by renewing the token.
const REAUTHENTICATIONS: usize = 2;

impl Host {
    /// Sends until there is a whole answer or a reason to give up.
    pub(crate) async fn send(self: &Arc<Self>, request: &Request) -> Result<Reply, Error> {
        let limit = request.limit;
        Box::pin(self.run(request, None, async |answer: Answer| {
            answer.read(limit).await
        }))
        .await
    }

    /// The same within a place that the caller holds.
    pub(crate) async fn send_within(
        self: &Arc<Self>,
        request: &Request,
        permit: &Permit,
    ) -> Result<Reply, Error> {
        let limit = request.limit;
        Box::pin(self.run(request, Some(permit), async |answer: Answer| {
            answer.read(limit).await
        }))
        .await
    }

    /// Sends until there is an answer whose body can be read.
    pub(crate) async fn open(
        self: &Arc<Self>,
        request: &Request,
        permit: &Permit,
    ) -> Result<Answer, Error> {
        Box::pin(self.run(request, Some(permit), async |answer: Answer| Ok(answer))).await
    }

    async fn run<T>(
        self: &Arc<Self>,
        request: &Request,
        held: Option<&Permit>,
        read: impl AsyncFn(Answer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut retries = Retries::new(self.patience());
        loop {
            let outcome = match self.attempt(request, held).await {
                Ok(answer) => read(answer).await,
                Err(error) => Err(error),
            };
            let error = match outcome {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let next = retries.after(&error, fastrand::f32());
            tracing::debug!(%error, ?next, "a request failed");
            match next {
                Next::GiveUp => return Err(error),
                Next::Wait(wait) => tokio::time::sleep(wait).await,
                Next::PauseHost(wait) => self.limit.pause(wait),
            }
        }
    }

    /// One try, with as many requests as authentication needs.
    async fn attempt(
        self: &Arc<Self>,
        request: &Request,
        held: Option<&Permit>,
    ) -> Result<Answer, Error> {
        let _leader = self.first_contact.pass().await;
        let mut permit = match held {
            Some(_) => None,
            None => Some(self.permit().await?),
        };
        let mut reauthentications = 0;
        loop {
            let presented = self.auth.present(self, &request.scopes).await?;
            let mut answer = self.follow(request, &presented).await?;
            answer._permit = permit.take();
            if answer.status() == StatusCode::UNAUTHORIZED && reauthentications < REAUTHENTICATIONS
            {
                reauthentications += 1;
                let (url, headers) = (answer.url(), answer.headers());
                if self
                    .auth
                    .learn(self, &request.scopes, &presented, url, headers)?
                {
                    permit = answer._permit.take();
                    // Read to its end, the connection serves the next try.
                    answer.read(ERROR_BODY).await.ok();
                    continue;
                }
            }
            return self.judge(answer, request.accepted, &presented).await;
        }
    }

    /// An accepted answer, or the error that it is.
    pub(super) async fn judge(
        &self,
        answer: Answer,
        accepted: &[u16],
        presented: &Presented,
    ) -> Result<Answer, Error> {
        let status = answer.status();
        if matches!(status.as_u16(), 429 | 503) {
            self.limit.throttled();
        } else {
            self.limit.succeeded();
        }
        if accepted.contains(&status.as_u16()) {
            return Ok(answer);
        }
        let mut error = StatusError {
            method: answer.method.clone(),
            url: redact::url(answer.url()),
            status,
            codes: Vec::new(),
            text: String::new(),
            authenticated: presented.authenticated,
            retry_after: retry_after(answer.headers(), SystemTime::now()),
        };
        if let Ok(reply) = answer.read(ERROR_BODY).await {
            error.read_body(&reply.body);
        }
        Err(Error::Status(Arc::new(error)))
    }

    /// Sends and follows redirects. What identifies us stays with the host:
    /// another origin gets neither `Authorization` nor our client certificate.
    async fn follow(&self, request: &Request, presented: &Presented) -> Result<Answer, Error> {
        let mut url = request.url.clone();
        for _ in 0..=REDIRECTS {
            let at_home = self.is_home(&url);
            let client = if at_home {
                &self.http
            } else {
                &self.shared.elsewhere
            };
            let authorization = presented.header.as_ref().filter(|_| at_home);
            let mut sent = client
                .request(request.method.clone(), url.clone())
                .headers(request.headers.clone());
            if let Some(value) = authorization {
                sent = sent.header(AUTHORIZATION, value.clone());
            }
            if !request.payload.is_empty() {
                sent = sent.body(request.payload.clone());
            }
            let answer = match self.fire(sent, &request.method, &url).await {
                Err(Error::Connection { .. }) if at_home && self.falls_back_to_plain(&mut url) => {
                    continue;
                }
                other => other?,
            };
            match redirect_target(&answer) {
                Some(target) => url = checked_target(&answer, target)?,
                None => return Ok(answer),
            }
        }
        Err(Error::protocol(
            &request.method,
            &request.url,
            format!("more than {REDIRECTS} redirects"),
        ))
    }

    /// Puts one request on the wire and waits for its headers.
    pub(super) async fn fire(
        &self,
        request: reqwest::RequestBuilder,
        method: &Method,
        url: &Url,
    ) -> Result<Answer, Error> {
        let patience = self.patience();
        let begun = Instant::now();
        self.shared.requests.fetch_add(1, Ordering::Relaxed);
        let sent = tokio::time::timeout(patience.first_byte, request.send()).await;
        let response = match sent {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(Error::connection(method, url, &error.without_url())),
            Err(_) => {
                return Err(Error::Timeout {
                    method: method.clone(),
                    url: redact::url(url),
                    awaited: Awaited::Answer,
                    after: patience.first_byte,
                });
            }
        };
        tracing::trace!(
            method = %method,
            url = %redact::url(url),
            status = response.status().as_u16(),
            milliseconds = begun.elapsed().as_millis(),
            "answered"
        );
        Ok(Answer {
            method: method.clone(),
            url: url.clone(),
            response,
            stall: patience.stall,
            _permit: None,
        })
    }
}

pub(super) fn redirect_target(answer: &Answer) -> Option<String> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    Some(answer.headers().get(LOCATION)?.to_str().ok()?.to_owned())
}

/// A redirect may leave the host, but not TLS.
pub(super) fn checked_target(answer: &Answer, target: String) -> Result<Url, Error> {
    let refuse = |what: String| Error::protocol(&answer.method, &answer.url, what);
    let url = answer
        .url
        .join(&target)
        .map_err(|error| refuse(format!("redirected to what is no URL ({error})")))?;
    let from = answer.url.scheme();
    if url.scheme() != "https" && (url.scheme() != "http" || from == "https") {
        return Err(refuse(format!(
            "redirected from {from} to {}, which is refused",
            redact::url(&url)
        )));
    }
    Ok(url)
}
