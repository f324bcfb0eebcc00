//! Sends one request and follows redirects.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http::header::{AUTHORIZATION, CONTENT_LENGTH, LOCATION};
use http::{Method, StatusCode};
use url::{Position, Url};

use super::body_progress::BodyProgress;
use super::host::Host;
use super::in_process;
use super::rate_meter::RateMeter;
use super::response::Response;
use super::send::Request;
use super::timeouts::MinimumRate;
use crate::auth::Authorization;
use crate::connection_failure::{ConnectionFailure, TlsFailure};
use crate::error::Error;
use crate::proxies::tunnel_status;
use crate::redact;
use crate::security::has_user;
use crate::timeout_phase::TimeoutPhase;

/// The maximum number of redirects of one request.
const REDIRECTS: usize = 5;

impl Host {
    /// Sends a request and follows redirects. Another origin receives neither `Authorization` nor the
    /// client certificate. At the host itself, only the paths of the repository receive
    /// `Authorization`.
    pub(super) async fn send_with_redirects(
        &self,
        request: &Request,
        authorization: &Authorization,
    ) -> Result<Response, Error> {
        let mut url = self.with_detected_scheme(request.url.clone());
        let mut hops = 0;
        let mut fell_back = false;
        loop {
            let is_own = fell_back || self.is_own_url(&url);
            let client = match (is_own, request.is_blob) {
                (true, false) => self.clients.api(),
                (true, true) => self.clients.blobs(),
                (false, _) => self.client_for(&url)?,
            };
            let mut sent = client
                .request(request.method.clone(), url.clone())
                .headers(request.headers.clone());
            let trusted = is_own && self.may_carry_credentials(request, &url);
            if let Some(value) = authorization.header.as_ref().filter(|_| trusted) {
                sent = sent.header(AUTHORIZATION, value.clone());
            }
            let size = request.payload.len() as u64;
            let body_progress = BodyProgress::of_request(&request.method, size, self.timeouts());
            if size > 0 {
                sent = sent
                    .header(CONTENT_LENGTH, size)
                    .body(body_progress.body(request.payload.clone()));
            }
            let response = match self
                .dispatch(sent, &request.method, &url, &body_progress)
                .await
            {
                Ok(response) => response,
                Err(error) if !fell_back && self.fall_back_to_http(&mut url, &error) => {
                    fell_back = true;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if is_own {
                self.record_response(&url);
            }
            let Some(target) = redirect_target(&response) else {
                return Ok(response);
            };
            hops += 1;
            if hops > REDIRECTS {
                let what = format!("more than {REDIRECTS} redirects");
                return Err(Error::protocol(&request.method, &request.url, what));
            }
            let next = checked_target(&request.method, &url, &target)?;
            if !self.may_follow(request, &next) {
                return Err(Error::NotSent {
                    method: request.method.clone(),
                    url: redact::url(&next),
                    what: format!("a request to {} was redirected to it", redact::url(&url)),
                });
            }
            (url, fell_back) = (next, false);
        }
    }

    /// Sends one request and waits for the response headers: while the body moves, and for
    /// [`Timeouts::first_byte`](super::Timeouts) or [`Timeouts::commit`](super::Timeouts) after that.
    pub(super) async fn dispatch(
        &self,
        request: reqwest::RequestBuilder,
        method: &Method,
        url: &Url,
        body_progress: &Arc<BodyProgress>,
    ) -> Result<Response, Error> {
        let timeouts = self.timeouts();
        let started = Instant::now();
        let guard = self.shared.in_flight.insert(method, url, body_progress);
        let response = match &self.in_process {
            Some(registry) => in_process::send(registry, request, method, url).await?,
            None => self.transmit(request, method, url, body_progress).await?,
        };
        tracing::trace!(
            method = %method,
            url = %redact::url(url),
            status = response.status().as_u16(),
            milliseconds = started.elapsed().as_millis(),
            "response"
        );
        guard.record_received(0);
        if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED
            && let Some(proxy) = self.shared.proxies.for_url(url)
        {
            return Err(Error::proxy(method, url, proxy, response.status()));
        }
        let is_remote = self.in_process.is_none();
        let rate = match is_remote {
            true => timeouts.minimum_rate,
            false => MinimumRate {
                bytes: 0,
                within: Duration::MAX,
            },
        };
        Ok(Response {
            guard,
            method: method.clone(),
            url: url.clone(),
            response,
            stall: if is_remote {
                timeouts.stall
            } else {
                Duration::MAX
            },
            document: timeouts.document,
            rate: RateMeter::new(rate),
            permit: None,
        })
    }
}

impl Host {
    /// Sends one request over the network.
    async fn transmit(
        &self,
        request: reqwest::RequestBuilder,
        method: &Method,
        url: &Url,
        body_progress: &Arc<BodyProgress>,
    ) -> Result<reqwest::Response, Error> {
        self.shared.requests.fetch_add(1, Ordering::Relaxed);
        match body_progress.with_idle_timeout(request.send()).await {
            Some(Ok(response)) => Ok(response),
            Some(Err(error)) => Err(self.request_error(method, url, error).await),
            None => {
                let (phase, after) = match (body_progress.missed_rate(), body_progress.remaining())
                {
                    (Some(rate), _) => (TimeoutPhase::Slow(rate.bytes), rate.within),
                    (None, 0) => (TimeoutPhase::Response, body_progress.idle()),
                    (None, _) => (TimeoutPhase::Upload, body_progress.idle()),
                };
                Err(Error::timeout(method, url, phase, after))
            }
        }
    }

    /// Returns the error of a request without a response, with the status of a proxy that did not
    /// connect to the host.
    async fn request_error(&self, method: &Method, url: &Url, error: reqwest::Error) -> Error {
        let is_connect = error.is_connect();
        if !is_connect {
            self.note_connected(url);
        }
        let error = connection_error(method, url, &error.without_url());
        let proxy = self.shared.proxies.for_url(url).filter(|_| is_connect);
        let (
            Some(proxy),
            Error::Connection {
                failure, detail, ..
            },
        ) = (proxy, &error)
        else {
            return error;
        };
        let may_be_status = matches!(
            failure,
            ConnectionFailure::Other | ConnectionFailure::Closed
        );
        let status = match url.scheme() {
            "https" if may_be_status => tunnel_status(proxy, url).await,
            _ => None,
        };
        let (failure, detail) = match status {
            Some(status) if status.is_success() => (*failure, detail.clone()),
            Some(status) if status.is_client_error() => {
                return Error::proxy(method, url, proxy, status);
            }
            Some(status) => (ConnectionFailure::Proxy, status.to_string()),
            None => (ConnectionFailure::Proxy, detail.clone()),
        };
        Error::Connection {
            method: method.clone(),
            url: redact::url(url),
            failure,
            detail: format!("through the proxy {}: {detail}", redact::url(proxy)),
        }
    }
}

/// Returns the error of a request without a response. A refused certificate is refused again, so a
/// failed handshake is [`Error::Tls`], which is not retried.
pub(super) fn connection_error(
    method: &Method,
    url: &Url,
    error: &(dyn std::error::Error + 'static),
) -> Error {
    match Error::connection(method, url, error) {
        Error::Connection {
            failure: ConnectionFailure::Tls(failure),
            detail,
            ..
        } if failure != TlsFailure::NotTls => Error::Tls {
            host: url[Position::BeforeHost..Position::AfterPort].to_owned(),
            failure,
            detail,
        },
        error => error,
    }
}

pub(super) fn redirect_target(response: &Response) -> Option<String> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    Some(response.headers().get(LOCATION)?.to_str().ok()?.to_owned())
}

/// Checks that a redirect does not leave TLS, and chooses no credentials.
pub(super) fn checked_target(method: &Method, from: &Url, target: &str) -> Result<Url, Error> {
    let refuse = |what: String| Error::protocol(method, from, what);
    let url = from
        .join(target)
        .map_err(|error| refuse(format!("redirected to an invalid URL ({error})")))?;
    if has_user(&url) {
        let shown = redact::url(&url);
        return Err(refuse(format!(
            "redirected to {shown} with a user name, which is not followed"
        )));
    }
    let (before, after) = (from.scheme(), url.scheme());
    if after != "https" && (after != "http" || before == "https") {
        return Err(refuse(format!(
            "redirected from {before} to {}, which is not followed",
            redact::url(&url)
        )));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_does_not_leave_tls_and_names_no_user() {
        let cases = [
            ("https://r.io/v2/a", "https://cdn.io/b?sig=1", true),
            ("https://r.io/v2/a", "/b", true),
            ("https://r.io/v2/a", "http://r.io/b", false),
            ("https://r.io/v2/a", "http://127.0.0.1/b", false),
            ("http://r.io/v2/a", "http://cdn.io/b", true),
            ("http://r.io/v2/a", "https://cdn.io/b", true),
            ("http://r.io/v2/a", "file:///etc/passwd", false),
            ("https://r.io/v2/a", "https://[", false),
            ("https://r.io/v2/a", "https://user@cdn.io/b", false),
            ("https://r.io/v2/a", "https://:word@r.io/v2/b", false),
        ];
        for (from, target, expected) in cases {
            let checked = checked_target(&Method::GET, &from.parse().unwrap(), target);
            assert_eq!(checked.is_ok(), expected, "{from} {target}: {checked:?}");
            let printed = format!("{checked:?}");
            assert!(expected || !printed.contains("sig=1"), "{printed}");
        }
    }
}
