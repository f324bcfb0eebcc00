//! The server itself.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::answer::Answer;
use super::fault;
use super::query::Query;
use super::route::Ask;
use super::running::RunningGithub;
use super::state::State;

/// A server that is yet to start. Without more it is empty and takes any token.
#[derive(Clone, Debug, Default)]
pub struct FakeGithub {
    token: Option<String>,
    latency: Duration,
}

/// A request, and the status it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GithubRequest {
    /// Such as `GET`.
    pub method: String,
    /// With its query, as it was sent.
    pub target: String,
    /// Whether it came with a token.
    pub authenticated: bool,
    /// The answer's status.
    pub status: u16,
}

#[derive(Debug)]
pub(super) struct Server {
    options: FakeGithub,
    address: SocketAddr,
    state: Mutex<State>,
}

impl FakeGithub {
    /// An empty server.
    pub fn new() -> Self {
        Self::default()
    }

    /// The only token that is not refused as bad.
    #[must_use]
    pub fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Waits this long before every answer, so that needs of the same thing overlap.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Starts it on a free port.
    pub async fn start(self) -> RunningGithub {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("the port's number");
        let server = Arc::new(Server {
            options: self,
            address,
            state: Mutex::default(),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&server)));
        RunningGithub::new(server, task)
    }
}

impl Server {
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await;
        let body = body.map(http_body_util::Collected::to_bytes);
        let target = parts.uri.path_and_query().map(ToString::to_string);
        self.begin();
        sleep(self.options.latency).await;
        let answer = self.decide(&parts, &body.unwrap_or_default());
        let mut state = self.state();
        state.under_way.0 -= 1;
        state.requests.push(GithubRequest {
            method: parts.method.to_string(),
            target: target.unwrap_or_default(),
            authenticated: token(&parts.headers).is_some(),
            status: answer.status.as_u16(),
        });
        answer.into_response()
    }

    fn begin(&self) {
        let (now, most) = &mut self.state().under_way;
        *now += 1;
        *most = (*most).max(*now);
    }

    fn decide(&self, parts: &http::request::Parts, body: &[u8]) -> Answer {
        let mut state = self.state();
        let (method, path) = (parts.method.as_str(), parts.uri.path());
        let due = fault::take(&mut state.faults, method, path);
        if let Some(fault) = due.as_ref().filter(|fault| !fault.is_after_the_deed()) {
            return fault.answer();
        }
        let token = token(&parts.headers);
        if token.is_some_and(|token| {
            self.options
                .token
                .as_deref()
                .is_some_and(|own| own != token)
        }) {
            return Answer::refused(StatusCode::UNAUTHORIZED, "Bad credentials");
        }
        if let Some(refused) = state.limit.as_mut().and_then(super::limit::Limit::count) {
            return refused;
        }
        let accept = parts.headers.get("accept").map(http::HeaderValue::as_bytes);
        let accept = String::from_utf8_lossy(accept.unwrap_or_default());
        let answer = state.answer(&Ask {
            method: parts.method.clone(),
            path: path.split('/').skip(1).map(decode).collect(),
            query: Query::parse(parts.uri.query().unwrap_or_default()),
            url: &format!("http://{}{path}", self.address),
            raw: accept.contains("raw"),
            known: token.is_some(),
            document: serde_json::from_slice(body).unwrap_or_default(),
        });
        let answer = due.map_or(answer, |fault| fault.answer());
        match &state.limit {
            Some(limit) => limit.say(answer),
            None => answer,
        }
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get("authorization")?.to_str().ok()?;
    value.strip_prefix("Bearer ")
}

/// A part of a path. There `+` is itself, which it is not in a query.
fn decode(part: &str) -> String {
    let form = format!("={}", part.replace('+', "%2B"));
    let mut pairs = form_urlencoded::parse(form.as_bytes());
    pairs
        .next()
        .map(|(_, part)| part.into_owned())
        .unwrap_or_default()
}

async fn accept(listener: TcpListener, server: Arc<Server>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let server = Arc::clone(&server);
        connections.spawn(async move {
            let service = service_fn(|request| {
                let answer = server.answer(request);
                async { Ok::<_, Infallible>(answer.await) }
            });
            // A client that goes away is its own business.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
