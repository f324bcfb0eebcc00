//! A running token server.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use embedded_registry::{HttpListener, HttpServer};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::options::{Anonymous, TokenServer};
use super::request::{Grant, ParsedRequest};
use super::signer::{ISSUER, SERVICE, Signer};
use crate::CANARY;
use crate::processes::TokenAuth;

/// Maximum size of a form in bytes.
const MAX_FORM: usize = 64 * 1024;

/// A token request with the status of its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// GET or POST.
    pub method: Method,
    /// The grant.
    pub grant: Grant,
    /// The requested service.
    pub service: String,
    /// The requested scopes in order.
    pub scopes: Vec<String>,
    /// The status of the response.
    pub status: StatusCode,
}

/// A token server that runs until it is dropped.
#[derive(Debug)]
pub struct RunningTokenServer {
    state: Arc<State>,
    server: HttpServer,
}

struct State {
    options: TokenServer,
    signer: Signer,
    mutable: Mutex<MutableState>,
}

#[derive(Debug, Default)]
struct MutableState {
    requests: Vec<TokenRequest>,
    /// The number of requests still to refuse, and the status.
    failures: (usize, u16),
    /// The users of the issued refresh tokens, by number.
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
    /// Starts the server on a free port.
    pub async fn start(self) -> RunningTokenServer {
        let listener = HttpListener::bind().await.expect("a free port");
        let state = Arc::new(State {
            options: self,
            signer: Signer::new(),
            mutable: Mutex::default(),
        });
        let server = listener.serve({
            let state = Arc::clone(&state);
            move |request| {
                let state = Arc::clone(&state);
                async move { Ok::<_, Infallible>(state.respond(request).await) }
            }
        });
        RunningTokenServer { state, server }
    }
}

impl RunningTokenServer {
    /// Returns the argument for [`Distribution::token`](crate::processes::Distribution::token).
    pub fn auth(&self) -> TokenAuth {
        TokenAuth {
            realm: self.realm(),
            service: SERVICE.to_owned(),
            issuer: ISSUER.to_owned(),
            root_certificates: self.state.signer.root().to_owned(),
        }
    }

    /// Returns the address of the server.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns the URL of the token endpoint. The host is `localhost`, because crane refuses realms at a
    /// loopback address other than the registry's.
    pub fn realm(&self) -> String {
        format!("http://localhost:{}/token", self.address().port())
    }

    /// Refuses the next `count` requests with `status`.
    pub fn fail_next(&self, count: usize, status: u16) {
        self.state.lock().failures = (count, status);
    }

    /// Returns all requests in the order of their responses.
    pub fn requests(&self) -> Vec<TokenRequest> {
        self.state.lock().requests.clone()
    }

    /// Counts the requests with exactly this scope among their scopes.
    pub fn count(&self, scope: &str) -> usize {
        let has =
            |request: &&TokenRequest| request.scopes.iter().any(|requested| requested == scope);
        self.state.lock().requests.iter().filter(has).count()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.state.lock().requests.clear();
    }

    /// Returns a refresh token of a user (`identitytoken` in a Docker configuration).
    pub fn refresh_token(&self, user: &str) -> String {
        self.state.refresh_token(user)
    }
}

fn refresh_token(number: &str) -> String {
    format!("refresh-{CANARY}-{number}")
}

impl State {
    fn lock(&self) -> MutexGuard<'_, MutableState> {
        self.mutable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refresh_token(&self, user: &str) -> String {
        let mut mutable = self.lock();
        mutable.refresh_tokens.push(user.to_owned());
        refresh_token(&mutable.refresh_tokens.len().to_string())
    }

    /// Returns the user of a refresh token.
    fn user_of(&self, token: &str) -> Option<String> {
        let number: usize = token.strip_prefix(&*refresh_token(""))?.parse().ok()?;
        self.lock()
            .refresh_tokens
            .get(number.checked_sub(1)?)
            .cloned()
    }

    /// Returns the status of the next requested failure.
    fn next_failure(&self) -> Option<u16> {
        let (left, status) = &mut self.lock().failures;
        *left = left.checked_sub(1)?;
        Some(*status)
    }

    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let form = Limited::new(body, MAX_FORM).collect().await;
        let form = form
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        sleep(self.options.latency).await;
        let request = ParsedRequest::parse(&parts, &form);
        let (status, document) = self.issue(&request);
        self.lock().requests.push(TokenRequest {
            method: parts.method,
            grant: request.grant,
            service: request.service,
            scopes: request.scopes,
            status,
        });
        Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .body(Full::from(document.to_string()))
            .expect("a valid response")
    }

    fn issue(&self, request: &ParsedRequest) -> (StatusCode, Value) {
        let refused = |status| {
            (
                status,
                json!({"errors": [{"code": "DENIED", "message": "no"}]}),
            )
        };
        if let Some(status) = self.next_failure() {
            return refused(StatusCode::from_u16(status).expect("a valid status code"));
        }
        let user = match &request.grant {
            Grant::Anonymous => None,
            Grant::Password(user) if self.options.users.get(user) == Some(&request.secret) => {
                Some(user.clone())
            }
            Grant::Refresh => match self.user_of(&request.secret) {
                Some(user) => Some(user),
                None => return refused(StatusCode::UNAUTHORIZED),
            },
            Grant::Password(_) | Grant::Other => return refused(StatusCode::UNAUTHORIZED),
        };
        let access = match (&user, self.options.anonymous) {
            (None, Anonymous::Refused) => return refused(StatusCode::UNAUTHORIZED),
            (None, Anonymous::Pull) => request.access(|action| action == "pull"),
            (Some(_), _) | (None, Anonymous::Everything) => request.access(|_| true),
        };
        let subject = user.as_deref().unwrap_or_default();
        let token = self.signer.sign(subject, &access, self.options.lifetime);
        let mut document = json!({"token": token, "access_token": token});
        if let Some(announced) = self.options.announced {
            document["expires_in"] = json!(announced.as_secs());
        }
        if let (Some(user), true) = (&user, request.offline) {
            document["refresh_token"] = json!(self.refresh_token(user));
        }
        (StatusCode::OK, document)
    }
}
