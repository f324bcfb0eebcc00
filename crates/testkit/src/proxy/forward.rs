//! One request on its way through.

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
use super::body::{Break, Length, Passing, STALLED};
use super::flood::Flood;
use super::record::Entry;
use super::server::State;
use super::stream::Ending;

type Answer = Response<BoxBody<Bytes, io::Error>>;

/// Sends a request on and brings back the answer, each with its faults. An error closes the
/// client's connection.
pub(super) async fn forward(
    state: &State,
    ending: &Ending,
    request: Request<Incoming>,
) -> Result<Answer, io::Error> {
    let (parts, body) = request.into_parts();
    let actions = state.rules.actions(&parts);
    let entry = state.recorder.arrived(&parts, !actions.is_empty());
    sleep(state.latency()).await;
    for action in &actions {
        if let Action::Delay(delay) = action {
            sleep(*delay).await;
        }
    }
    let answer = match instead(&actions, &parts) {
        Some(Instead::Answer(answer)) => {
            drain(body, &entry).await?;
            answer.map(whole)
        }
        Some(Instead::Flood(flood)) => {
            drain(body, &entry).await?;
            Response::new(flood.map_err(|never| match never {}).boxed())
        }
        Some(Instead::GoDown(time)) => {
            ending.reset();
            state.go_down(time);
            // The server ends this connection with all others.
            sleep(STALLED).await;
            return Err(io::Error::other("down on purpose"));
        }
        Some(Instead::Stall) => {
            sleep(STALLED).await;
            return Err(io::Error::other("stalled on purpose"));
        }
        Some(Instead::Reset) => {
            ending.reset();
            return Err(io::Error::other("reset on purpose"));
        }
        None => match pass(state, &actions, ending, parts, body, &entry).await {
            Ok(answer) => answer,
            Err(error) => return error.end(ending),
        },
    };
    entry.answered(answer.status().as_u16());
    Ok(answer)
}

/// What happens in place of passing a request on.
enum Instead {
    Answer(Response<Bytes>),
    Flood(Flood),
    GoDown(Duration),
    Stall,
    Reset,
}

fn instead(actions: &[Action], parts: &Parts) -> Option<Instead> {
    actions.iter().find_map(|action| match action {
        Action::Answer(reply) => Some(Instead::Answer(reply.response())),
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
                .insert(header::LOCATION, location.expect("a URL"));
            Some(Instead::Answer(response))
        }
        Action::Flood { bytes, announced } => {
            let length = if *announced {
                Length::Known
            } else {
                Length::Concealed
            };
            Some(Instead::Flood(Flood::new(*bytes, length)))
        }
        Action::GoDown(time) => Some(Instead::GoDown(*time)),
        Action::Stall => Some(Instead::Stall),
        Action::Reset => Some(Instead::Reset),
        _ => None,
    })
}

/// Why there is no answer to a request that was passed on.
enum Unanswered {
    /// On purpose.
    Reset,
    /// The registry is gone, or the client broke off.
    Upstream(String),
}

impl Unanswered {
    fn end(self, ending: &Ending) -> Result<Answer, io::Error> {
        match self {
            Self::Reset => {
                ending.reset();
                Err(io::Error::other("reset on purpose"))
            }
            Self::Upstream(message) => {
                let mut response = Response::new(whole(Bytes::from(message)));
                *response.status_mut() = StatusCode::BAD_GATEWAY;
                Ok(response)
            }
        }
    }
}

async fn pass(
    state: &State,
    actions: &[Action],
    ending: &Ending,
    mut parts: Parts,
    body: Incoming,
    entry: &Entry,
) -> Result<Answer, Unanswered> {
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
    parts.uri = uri.expect("parts of a URI");
    let breaks = actions.iter().find_map(|action| match *action {
        Action::ResetUpload { after } => Some(Break::Truncate(after)),
        Action::StallUpload { after } => Some(Break::Stall(after)),
        Action::FlipUpload { at } => Some(Break::Flip(at)),
        _ => None,
    });
    let resets = matches!(breaks, Some(Break::Truncate(_)));
    let body = Passing::new(body, entry.sent.clone(), breaks.unwrap_or(Break::Never));
    let response = match state.client.request(Request::from_parts(parts, body)).await {
        Ok(response) => response,
        Err(_) if resets => return Err(Unanswered::Reset),
        Err(error) => return Err(Unanswered::Upstream(format!("{error:?}"))),
    };
    if actions
        .iter()
        .any(|action| matches!(action, Action::LoseAnswer))
    {
        return Err(Unanswered::Reset);
    }
    Ok(changed(response, actions, ending, entry))
}

fn changed(
    response: Response<Incoming>,
    actions: &[Action],
    ending: &Ending,
    entry: &Entry,
) -> Answer {
    let breaks = actions.iter().find_map(|action| match *action {
        Action::FlipByte { at } => Some(Break::Flip(at)),
        Action::Truncate { after } => Some(Break::Truncate(after)),
        Action::ResetInBody { after } => Some(Break::Reset(after, ending.clone())),
        Action::StallInBody { after } => Some(Break::Stall(after)),
        _ => None,
    });
    let (mut parts, body) = response.into_parts();
    let lies = actions
        .iter()
        .any(|action| matches!(action, Action::WrongLength(_)));
    let length = if lies {
        Length::Concealed
    } else {
        Length::Known
    };
    let body = Passing::new(body, entry.received.clone(), breaks.unwrap_or(Break::Never))
        .with_length(length);
    for action in actions {
        match action {
            Action::DropHeader(name) => {
                parts.headers.remove(*name);
            }
            Action::SetHeader(name, value) => {
                let value = HeaderValue::from_str(value).expect("a header's value");
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

fn whole(bytes: Bytes) -> BoxBody<Bytes, io::Error> {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}

/// Reads a body that goes nowhere, so that the client sees the answer and not a broken pipe.
async fn drain(body: Incoming, entry: &Entry) -> Result<(), io::Error> {
    let mut body = Passing::new(body, entry.sent.clone(), Break::Never);
    while let Some(frame) = body.frame().await {
        frame?;
    }
    Ok(())
}
