//! The options of the server, and one request.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::time::sleep;

use super::fault;
use super::query::Query;
use super::rate_limit::RateLimit;
use super::response::ApiResponse;
use super::routes::ApiRequest;
use super::state::{GithubRequest, State};

/// The options of a server that is not started. The default is empty and accepts any token.
#[derive(Clone, Debug, Default)]
pub struct FakeGithub {
    token: Option<String>,
    latency: Duration,
}

#[derive(Debug)]
pub(super) struct Server {
    options: FakeGithub,
    address: SocketAddr,
    state: Mutex<State>,
}

impl FakeGithub {
    /// Creates the options of an empty server.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the only valid token.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Delays every response, so that concurrent requests overlap.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }
}

impl Server {
    pub(super) fn new(options: FakeGithub, address: SocketAddr) -> Self {
        Self {
            options,
            address,
            state: Mutex::default(),
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Responds to a request and records it.
    pub(super) async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await;
        let body = body.map(http_body_util::Collected::to_bytes);
        let target = parts.uri.path_and_query().map(ToString::to_string);
        self.count_in_flight();
        sleep(self.options.latency).await;
        let response = self.process(&parts, &body.unwrap_or_default());
        let mut state = self.state();
        state.in_flight -= 1;
        state.requests.push(GithubRequest {
            method: parts.method.to_string(),
            target: target.unwrap_or_default(),
            authenticated: token(&parts.headers).is_some(),
            status: response.status.as_u16(),
        });
        response.into_response()
    }

    fn count_in_flight(&self) {
        let mut state = self.state();
        state.in_flight += 1;
        state.max_in_flight = state.max_in_flight.max(state.in_flight);
    }

    fn process(&self, parts: &http::request::Parts, body: &[u8]) -> ApiResponse {
        let mut state = self.state();
        let (method, path) = (parts.method.as_str(), parts.uri.path());
        let fault = fault::take(&mut state.faults, method, path);
        if let Some(fault) = fault.as_ref().filter(|fault| !fault.is_after_processing()) {
            return fault.response();
        }
        let token = token(&parts.headers);
        if token.is_some_and(|token| {
            self.options
                .token
                .as_deref()
                .is_some_and(|own| own != token)
        }) {
            return ApiResponse::error(StatusCode::UNAUTHORIZED, "Bad credentials");
        }
        if let Some(exceeded) = state.rate_limit.as_mut().and_then(RateLimit::count) {
            return exceeded;
        }
        let accept = parts.headers.get("accept").map(http::HeaderValue::as_bytes);
        let accept = String::from_utf8_lossy(accept.unwrap_or_default());
        let response = state.respond(&ApiRequest {
            method: parts.method.clone(),
            path: path.split('/').skip(1).map(decode).collect(),
            query: Query::parse(parts.uri.query().unwrap_or_default()),
            url: &format!("http://{}{path}", self.address),
            raw: accept.contains("raw"),
            authenticated: token.is_some(),
            document: serde_json::from_slice(body).unwrap_or_default(),
        });
        let response = fault.map_or(response, |fault| fault.response());
        match &state.rate_limit {
            Some(limit) => limit.add_headers(response),
            None => response,
        }
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get("authorization")?.to_str().ok()?;
    value.strip_prefix("Bearer ")
}

/// Decodes a segment of a path, where `+` is no space, unlike in a query.
pub(super) fn decode(part: &str) -> String {
    let form = format!("={}", part.replace('+', "%2B"));
    let mut pairs = form_urlencoded::parse(form.as_bytes());
    pairs
        .next()
        .map(|(_, part)| part.into_owned())
        .unwrap_or_default()
}
