//! The token server itself.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use super::ask::{Ask, Grant};
use super::jwt::{ISSUER, SERVICE, Signer};
use super::options::{Anonymous, TokenServer};
use crate::CANARY;
use crate::processes::TokenAuth;

/// The biggest form that is read.
const MAX_FORM: usize = 64 * 1024;

/// A request for a token, and the status it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// GET or POST.
    pub method: Method,
    /// On what grounds.
    pub grant: Grant,
    /// The service it is for.
    pub service: String,
    /// The scopes, in the order in which they were sent.
    pub scopes: Vec<String>,
    /// The answer's status.
    pub status: StatusCode,
}

/// A token server that runs until this is dropped.
#[derive(Debug)]
pub struct RunningTokenServer {
    address: SocketAddr,
    state: Arc<State>,
    server: JoinHandle<()>,
}

struct State {
    options: TokenServer,
    signer: Signer,
    changing: Mutex<Changing>,
}

#[derive(Debug, Default)]
struct Changing {
    requests: Vec<TokenRequest>,
    /// Answers still to be refused, and with what.
    failures: (usize, u16),
    /// The users that refresh tokens stand for, by number.
    refresh_tokens: Vec<String>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("State")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl TokenServer {
    /// Starts it on a free port.
    pub async fn start(self) -> RunningTokenServer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("the port's number");
        let state = Arc::new(State {
            options: self,
            signer: Signer::new(),
            changing: Mutex::default(),
        });
        let server = tokio::spawn(accept(listener, Arc::clone(&state)));
        RunningTokenServer {
            address,
            state,
            server,
        }
    }
}

impl RunningTokenServer {
    /// What [`Distribution::token`](crate::processes::Distribution::token) takes.
    pub fn auth(&self) -> TokenAuth {
        TokenAuth {
            realm: self.realm(),
            service: SERVICE.to_owned(),
            issuer: ISSUER.to_owned(),
            root_certificates: self.state.signer.root().to_owned(),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL that tokens come from. The host is `localhost`: crane refuses realms at a loopback
    /// address that is not the registry's own, against registries that point their clients inwards.
    pub fn realm(&self) -> String {
        format!("http://localhost:{}/token", self.address.port())
    }

    /// Refuses the next `count` requests with `status`.
    pub fn fail_next(&self, count: usize, status: u16) {
        self.state.lock().failures = (count, status);
    }

    /// All requests, in the order in which they were answered.
    pub fn requests(&self) -> Vec<TokenRequest> {
        self.state.lock().requests.clone()
    }

    /// How many requests had `scope` among their scopes, spelled exactly so.
    pub fn count(&self, scope: &str) -> usize {
        let has = |request: &&TokenRequest| request.scopes.iter().any(|asked| asked == scope);
        self.state.lock().requests.iter().filter(has).count()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.state.lock().requests.clear();
    }

    /// A refresh token (`identitytoken` in a Docker configuration) of a user.
    pub fn refresh_token(&self, user: &str) -> String {
        self.state.refresh_token(user)
    }
}

fn refresh_token(number: &str) -> String {
    format!("refresh-{CANARY}-{number}")
}

impl Drop for RunningTokenServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Changing> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refresh_token(&self, user: &str) -> String {
        let mut changing = self.lock();
        changing.refresh_tokens.push(user.to_owned());
        refresh_token(&changing.refresh_tokens.len().to_string())
    }

    /// Whose refresh token that is.
    fn refreshed(&self, token: &str) -> Option<String> {
        let number: usize = token.strip_prefix(&*refresh_token(""))?.parse().ok()?;
        self.lock()
            .refresh_tokens
            .get(number.checked_sub(1)?)
            .cloned()
    }

    /// The status of a failure that is due.
    fn failure(&self) -> Option<u16> {
        let (left, status) = &mut self.lock().failures;
        *left = left.checked_sub(1)?;
        Some(*status)
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let form = Limited::new(body, MAX_FORM).collect().await;
        let form = form
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        sleep(self.options.latency).await;
        let ask = Ask::parse(&parts, &form);
        let (status, document) = self.decide(&ask);
        self.lock().requests.push(TokenRequest {
            method: parts.method,
            grant: ask.grant,
            service: ask.service,
            scopes: ask.scopes,
            status,
        });
        Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .body(Full::from(document.to_string()))
            .expect("an answer")
    }

    fn decide(&self, ask: &Ask) -> (StatusCode, Value) {
        let refused = |status| {
            (
                status,
                json!({"errors": [{"code": "DENIED", "message": "no"}]}),
            )
        };
        if let Some(status) = self.failure() {
            return refused(StatusCode::from_u16(status).expect("a status of HTTP"));
        }
        let user = match &ask.grant {
            Grant::Anonymous => None,
            Grant::Password(user) if self.options.users.get(user) == Some(&ask.secret) => {
                Some(user.clone())
            }
            Grant::Refresh => match self.refreshed(&ask.secret) {
                Some(user) => Some(user),
                None => return refused(StatusCode::UNAUTHORIZED),
            },
            Grant::Password(_) | Grant::Other => return refused(StatusCode::UNAUTHORIZED),
        };
        let access = match (&user, self.options.anonymous) {
            (None, Anonymous::Refused) => return refused(StatusCode::UNAUTHORIZED),
            (None, Anonymous::Pull) => ask.access(|action| action == "pull"),
            (Some(_), _) | (None, Anonymous::Everything) => ask.access(|_| true),
        };
        let subject = user.as_deref().unwrap_or_default();
        let token = self.signer.sign(subject, &access, self.options.lifetime);
        let mut document = json!({"token": token, "access_token": token});
        if let Some(announced) = self.options.announced {
            document["expires_in"] = json!(announced.as_secs());
        }
        if let (Some(user), true) = (&user, ask.offline) {
            document["refresh_token"] = json!(self.refresh_token(user));
        }
        (StatusCode::OK, document)
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let state = Arc::clone(&state);
        connections.spawn(async move {
            stream
                .set_nodelay(true)
                .expect("a connection without delays");
            let service = service_fn(|request| {
                let answer = state.answer(request);
                async { Ok::<_, Infallible>(answer.await) }
            });
            // A client that goes away is its own business.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
