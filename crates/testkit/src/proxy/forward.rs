//! The forwarding of one request.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::time::sleep;

use super::action::Action;
use super::body::{BodyFault, ForwardedBody, Length, STALL, WhitespaceBody};
use super::record::Entry;
use super::state::State;
use super::stream::ResetFlag;

type ProxyResponse = Response<BoxBody<Bytes, io::Error>>;

/// Forwards a request and returns the response, both with their faults. An error closes the client's
/// connection.
pub(super) async fn forward(
    state: &State,
    reset: &ResetFlag,
    request: Request<Incoming>,
) -> Result<ProxyResponse, io::Error> {
    let (parts, body) = request.into_parts();
    let actions = state.rules.actions(&parts);
    let entry = state.recorder.record(&parts, !actions.is_empty());
    sleep(state.latency()).await;
    for action in &actions {
        if let Action::Delay(delay) = action {
            sleep(*delay).await;
        }
    }
    let response = match intercept(&actions, &parts) {
        Some(Interception::Respond(response)) => {
            drain(body, &entry).await?;
            response.map(full)
        }
        Some(Interception::Flood(whitespace)) => {
            drain(body, &entry).await?;
            Response::new(whitespace.map_err(|never| match never {}).boxed())
        }
        Some(Interception::GoDown(time)) => {
            reset.set();
            state.go_down(time);
            // The server closes this connection with all others.
            sleep(STALL).await;
            return Err(io::Error::other("injected downtime"));
        }
        Some(Interception::Stall) => {
            sleep(STALL).await;
            return Err(io::Error::other("injected stall"));
        }
        Some(Interception::Reset) => {
            reset.set();
            return Err(io::Error::other("injected reset"));
        }
        None => match send(state, &actions, reset, parts, body, &entry).await {
            Ok(response) => response,
            Err(error) => return error.into_result(reset),
        },
    };
    entry.answered(response.status().as_u16());
    Ok(response)
}

/// An action of the proxy that replaces the forwarding of a request.
enum Interception {
    Respond(Response<Bytes>),
    Flood(WhitespaceBody),
    GoDown(Duration),
    Stall,
    Reset,
}

fn intercept(actions: &[Action], parts: &Parts) -> Option<Interception> {
    actions.iter().find_map(|action| match action {
        Action::Answer(reply) => Some(Interception::Respond(reply.response())),
        Action::RedirectTo(host) => {
            let target = parts
                .uri
                .path_and_query()
                .map_or("/", |target| target.as_str());
            let location = HeaderValue::from_str(&format!("http://{host}{target}"));
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
            response
                .headers_mut()
                .insert(header::LOCATION, location.expect("a valid URL"));
            Some(Interception::Respond(response))
        }
        Action::Flood { bytes, announced } => {
            let length = if *announced {
                Length::Known
            } else {
                Length::Hidden
            };
            Some(Interception::Flood(WhitespaceBody::new(*bytes, length)))
        }
        Action::GoDown(time) => Some(Interception::GoDown(*time)),
        Action::Stall => Some(Interception::Stall),
        Action::Reset => Some(Interception::Reset),
        _ => None,
    })
}

/// The reason for a missing response to a forwarded request.
enum NoResponse {
    /// An injected reset.
    Reset,
    /// The registry or the client closed the connection.
    Upstream(String),
}

impl NoResponse {
    fn into_result(self, reset: &ResetFlag) -> Result<ProxyResponse, io::Error> {
        match self {
            Self::Reset => {
                reset.set();
                Err(io::Error::other("injected reset"))
            }
            Self::Upstream(message) => {
                let mut response = Response::new(full(Bytes::from(message)));
                *response.status_mut() = StatusCode::BAD_GATEWAY;
                Ok(response)
            }
        }
    }
}

/// Sends a request to the registry.
async fn send(
    state: &State,
    actions: &[Action],
    reset: &ResetFlag,
    mut parts: Parts,
    body: Incoming,
    entry: &Entry,
) -> Result<ProxyResponse, NoResponse> {
    let mut target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    if actions
        .iter()
        .any(|action| matches!(action, Action::DropQuery))
    {
        target = parts.uri.path();
    }
    let uri = Uri::builder()
        .scheme("http")
        .authority(state.upstream.to_string())
        .path_and_query(target)
        .build();
    parts.uri = uri.expect("a valid URI");
    let fault = actions.iter().find_map(|action| match *action {
        Action::ResetUpload { after } => Some(BodyFault::Truncate(after)),
        Action::StallUpload { after } => Some(BodyFault::Stall(after)),
        Action::FlipUpload { at } => Some(BodyFault::Flip(at)),
        Action::SlowUpload { per_second } => Some(BodyFault::Slow(per_second)),
        _ => None,
    });
    let is_reset = matches!(fault, Some(BodyFault::Truncate(_)));
    let body = ForwardedBody::new(body, entry.sent.clone(), fault.unwrap_or(BodyFault::None));
    let response = match state.client.request(Request::from_parts(parts, body)).await {
        Ok(response) => response,
        Err(_) if is_reset => return Err(NoResponse::Reset),
        Err(error) => return Err(NoResponse::Upstream(format!("{error:?}"))),
    };
    if actions
        .iter()
        .any(|action| matches!(action, Action::DropResponse))
    {
        return Err(NoResponse::Reset);
    }
    Ok(change(response, actions, reset, entry))
}

/// Applies the faults to a response.
fn change(
    response: Response<Incoming>,
    actions: &[Action],
    reset: &ResetFlag,
    entry: &Entry,
) -> ProxyResponse {
    let fault = actions.iter().find_map(|action| match *action {
        Action::FlipByte { at } => Some(BodyFault::Flip(at)),
        Action::Truncate { after } => Some(BodyFault::Truncate(after)),
        Action::ResetInBody { after } => Some(BodyFault::Reset(after, reset.clone())),
        Action::StallInBody { after } => Some(BodyFault::Stall(after)),
        _ => None,
    });
    let (mut parts, body) = response.into_parts();
    let has_wrong_length = actions
        .iter()
        .any(|action| matches!(action, Action::WrongLength(_)));
    let length = if has_wrong_length {
        Length::Hidden
    } else {
        Length::Known
    };
    let body = ForwardedBody::new(
        body,
        entry.received.clone(),
        fault.unwrap_or(BodyFault::None),
    )
    .with_length(length);
    for action in actions {
        match action {
            Action::DropHeader(name) => {
                parts.headers.remove(*name);
            }
            Action::SetHeader(name, value) => {
                let value = HeaderValue::from_str(value).expect("a valid header value");
                parts.headers.insert(HeaderName::from_static(name), value);
            }
            Action::WrongLength(difference) => {
                let length = parts.headers.get(header::CONTENT_LENGTH);
                let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
                if let Some(length) = length {
                    let length = length.saturating_add_signed(*difference);
                    parts
                        .headers
                        .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
                }
            }
            _ => {}
        }
    }
    Response::from_parts(parts, body.boxed())
}

fn full(bytes: Bytes) -> BoxBody<Bytes, io::Error> {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}

/// Reads and drops a body, so that the client gets the response instead of a broken pipe.
async fn drain(body: Incoming, entry: &Entry) -> Result<(), io::Error> {
    let mut body = ForwardedBody::new(body, entry.sent.clone(), BodyFault::None);
    while let Some(frame) = body.frame().await {
        frame?;
    }
    Ok(())
}
