//! A server that reads requests from a socket and answers as its script says.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use sha2::{Digest, Sha256};
use testkit::proxy::RequestKind;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::behavior::{Behavior, Delivery, Fault, Text, challenge};
use super::contents::{Contents, Response, split};
use super::hosts::Role;
use super::record::{KEPT_BODY, Recorder, Request};
use super::sending::send;

/// The longest wait for the client: beyond every budget of a run.
const PATIENCE: Duration = Duration::from_secs(300);
/// Bytes of a manifest that are kept.
const MANIFEST: usize = 1024 * 1024;

/// The authentication that a registry requires.
#[derive(Clone, Debug)]
pub enum Auth {
    None,
    Basic,
    /// A token of a realm.
    Bearer(String),
}

/// The behavior of a server.
#[derive(Clone, Debug)]
pub struct ServerScript {
    pub role: Role,
    pub auth: Auth,
    pub contents: Contents,
    pub faults: Vec<Fault>,
}

struct Server {
    role: Role,
    auth: Auth,
    contents: Mutex<Contents>,
    /// With the number of requests of its kind so far.
    faults: Mutex<Vec<(Fault, usize)>>,
    recorder: Arc<Recorder>,
}

/// Serves until the task is dropped.
pub async fn serve(listener: TcpListener, script: ServerScript, recorder: Arc<Recorder>) {
    let server = Arc::new(Server {
        role: script.role,
        auth: script.auth,
        contents: Mutex::new(script.contents),
        faults: Mutex::new(script.faults.into_iter().map(|fault| (fault, 0)).collect()),
        recorder,
    });
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                connections.spawn(connection(stream, Arc::clone(&server)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(mut stream: TcpStream, server: Arc<Server>) {
    stream.set_nodelay(true).ok();
    let mut buffer = BytesMut::new();
    while let Some((request, length)) = read_head(&mut stream, &mut buffer, server.role).await {
        let kind = RequestKind::classify(&request.method, request.path(), request.query());
        let behaviors = server.behaviors(kind);
        let number = server.recorder.add(request.clone());
        let is_early = behaviors.iter().any(|it| matches!(it, Behavior::Early));
        let body = if is_early {
            (Bytes::new(), length)
        } else {
            let Some(body) = server
                .read_body(&mut stream, &mut buffer, length, number)
                .await
            else {
                return;
            };
            (body, length)
        };
        let (response, delivery) = server.response(kind, &request, &behaviors, &body);
        let is_open = send(&mut stream, &request.method, &response, delivery).await;
        if is_open.is_none() || is_early {
            return;
        }
    }
}

/// Reads the head of a request and the length of its body.
async fn read_head(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    at: Role,
) -> Option<(Request, u64)> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Request::new(&mut headers);
        if let httparse::Status::Complete(end) = parsed.parse(buffer).ok()? {
            let (method, target) = (parsed.method?.to_owned(), parsed.path?.to_owned());
            let length = parsed
                .headers
                .iter()
                .find(|header| header.name.eq_ignore_ascii_case("content-length"));
            let length = length.and_then(|header| str::from_utf8(header.value).ok()?.parse().ok());
            let request = Request {
                at,
                method,
                target,
                head: buffer[..end].to_vec(),
                body: Vec::new(),
                body_digest: None,
            };
            buffer.advance(end);
            return Some((request, length.unwrap_or(0)));
        }
        let read = timeout(PATIENCE, stream.read_buf(buffer))
            .await
            .ok()?
            .ok()?;
        if read == 0 {
            return None;
        }
    }
}

impl Server {
    /// Counts a request, and returns the behaviors that apply to it.
    fn behaviors(&self, kind: Option<RequestKind>) -> Vec<Behavior> {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let matching = faults
            .iter_mut()
            .filter(|(fault, _)| Some(fault.kind) == kind);
        let applying = matching.filter_map(|(fault, count)| {
            *count += 1;
            let number = count.checked_sub(fault.after + 1)?;
            (number < fault.times).then(|| fault.behavior.clone())
        });
        applying.collect()
    }

    /// Reads the body. Returns its first part, `None` if it ends early.
    async fn read_body(
        &self,
        stream: &mut TcpStream,
        buffer: &mut BytesMut,
        length: u64,
        number: usize,
    ) -> Option<Bytes> {
        let (mut hasher, mut kept, mut rest) = (Sha256::new(), Vec::new(), length);
        while rest > 0 {
            if buffer.is_empty() {
                buffer.reserve(16 * 1024);
                let read = timeout(PATIENCE, stream.read_buf(buffer))
                    .await
                    .ok()?
                    .ok()?;
                if read == 0 {
                    return None;
                }
            }
            let size = usize::try_from(rest)
                .unwrap_or(usize::MAX)
                .min(buffer.len());
            let part = buffer.split_to(size);
            hasher.update(&part);
            kept.extend_from_slice(&part[..part.len().min(MANIFEST - kept.len())]);
            rest -= size as u64;
        }
        let hex = hasher
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        let mut record = self.recorder.lock();
        let request = &mut record.requests[number];
        request.body = kept[..kept.len().min(KEPT_BODY)].to_vec();
        request.body_digest = Some(format!("sha256:{hex}"));
        Some(kept.into())
    }

    fn response(
        &self,
        kind: Option<RequestKind>,
        request: &Request,
        behaviors: &[Behavior],
        (body, size): &(Bytes, u64),
    ) -> (Response, Delivery) {
        let mut response = self.honest_response(kind, request, body, *size);
        let mut delivery = Delivery::Whole;
        for behavior in behaviors {
            match behavior {
                Behavior::Status(status, headers, text) => {
                    response.status = *status;
                    set(&mut response.headers, headers);
                    response.body = text_for(text, request);
                }
                Behavior::Headers(headers) => set(&mut response.headers, headers),
                Behavior::Body(text) => response.body = text_for(text, request),
                Behavior::Delivery(other) => delivery = *other,
                Behavior::Early => {}
                Behavior::Pages => {
                    let page = self.recorder.lock().requests.len();
                    let link = format!("<{}?n=1&last=v{page}>; rel=\"next\"", request.path());
                    set(&mut response.headers, &[("link".to_owned(), link)]);
                }
            }
        }
        self.note(request, &response);
        (response, delivery)
    }

    fn honest_response(
        &self,
        kind: Option<RequestKind>,
        request: &Request,
        body: &Bytes,
        size: u64,
    ) -> Response {
        let is_realm = |path: &str| {
            let realms = &self.recorder.lock().realms;
            realms.contains_key(&(self.role, path.to_owned()))
        };
        if kind == Some(RequestKind::Token) || is_realm(request.path()) && kind.is_none() {
            let token = self.recorder.token(self.role, request.path());
            let body = serde_json::json!({"token": token, "expires_in": 60});
            return Response::new(200).body("application/json", body.to_string());
        }
        let refused = match &self.auth {
            Auth::Basic => Some("Basic realm=\"registry\"".to_owned()),
            Auth::Bearer(realm) => Some(challenge(realm)),
            Auth::None => None,
        };
        if let Some(challenge) = refused.filter(|_| !request.has_authorization()) {
            return Response::new(401).header("www-authenticate", challenge);
        }
        let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        contents.response(kind, request, body, size)
    }

    /// Notes the parts of a response that decide what the client may send next.
    fn note(&self, request: &Request, response: &Response) {
        let recorder = &self.recorder;
        recorder.add_response(self.role, &request.target, &response.headers);
        let Some((repository, _)) = split(request.path()) else {
            return;
        };
        if request.path().contains("/manifests/") || request.path().contains("/referrers/") {
            let digest = embedded_registry::digest_of(&response.body).to_string();
            let body = &response.body;
            recorder.add_shown(self.role, repository, &digest, body);
            let headers = response.headers.iter();
            for (_, digest) in headers.filter(|(name, _)| name == "docker-content-digest") {
                recorder.add_shown(self.role, repository, digest, b"");
            }
        }
    }
}

fn set(headers: &mut Vec<(String, String)>, others: &[(String, String)]) {
    for (name, value) in others {
        headers.retain(|(known, _)| known != name);
        headers.push((name.clone(), value.clone()));
    }
}

fn text_for(text: &Text, request: &Request) -> Bytes {
    match text {
        Text::Fixed(text) => text.clone().into(),
        Text::Echo => {
            let head = String::from_utf8_lossy(&request.head);
            let quoted = serde_json::json!({"errors": [{"code": "DENIED", "message": head}]});
            quoted.to_string().into()
        }
    }
}
