//! Faults of a request.

use std::time::{Duration, SystemTime};

use testkit::proxy::{Action, RequestKind};

use super::column::{Column, Content, Side};

/// A row of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Refused,
    Reset,
    ResponseLost,
    ResetInBody,
    Truncated,
    Stall,
    StallInBody,
    Flipped,
    TooLong,
    TooShort,
    Status(u16),
    Unchallenged,
    RetryAfterSeconds,
    RetryAfterDate,
    RetryAfterAnHour,
    Html,
    RedirectLoop,
    Elsewhere,
    Flood { announced: bool },
    Nested,
    Lie,
}

pub const FAULTS: [Fault; 38] = [
    Fault::Refused,
    Fault::Reset,
    Fault::ResponseLost,
    Fault::ResetInBody,
    Fault::Truncated,
    Fault::Stall,
    Fault::StallInBody,
    Fault::Flipped,
    Fault::TooLong,
    Fault::TooShort,
    Fault::Status(204),
    Fault::Status(400),
    Fault::Status(401),
    Fault::Unchallenged,
    Fault::Status(403),
    Fault::Status(404),
    Fault::Status(405),
    Fault::Status(406),
    Fault::Status(408),
    Fault::Status(410),
    Fault::Status(413),
    Fault::Status(416),
    Fault::Status(429),
    Fault::RetryAfterSeconds,
    Fault::RetryAfterDate,
    Fault::RetryAfterAnHour,
    Fault::Status(500),
    Fault::Status(501),
    Fault::Status(502),
    Fault::Status(503),
    Fault::Status(504),
    Fault::Html,
    Fault::RedirectLoop,
    Fault::Elsewhere,
    Fault::Flood { announced: true },
    Fault::Flood { announced: false },
    Fault::Nested,
    Fault::Lie,
];

/// The hosts of a cell that a response can name.
#[derive(Debug)]
pub struct Hosts<'a> {
    /// The host with the fault.
    pub here: &'a str,
    /// Another host with the same content, without authentication.
    pub elsewhere: &'a str,
    /// The challenge of a 401.
    pub challenge: &'a str,
}

/// The number of requests with the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    Once,
    Always,
}

/// More than any manifest, blob or list of the matrix.
const FLOOD: u64 = 10 * 1024 * 1024 * 1024;

impl Fault {
    pub fn name(self) -> String {
        match self {
            Self::Refused => "connection refused".into(),
            Self::Reset => "reset before the response".into(),
            Self::ResponseLost => "reset after the request is processed".into(),
            Self::ResetInBody => "reset during the body".into(),
            Self::Truncated => "truncated body".into(),
            Self::Stall => "stall before the headers".into(),
            Self::StallInBody => "stall during the body".into(),
            Self::Flipped => "one bit flipped".into(),
            Self::TooLong => "Content-Length too large".into(),
            Self::TooShort => "Content-Length too small".into(),
            Self::Status(429) => "429".into(),
            Self::Status(401) => "401, with a challenge".into(),
            Self::Status(status) => status.to_string(),
            Self::Unchallenged => "401, without a challenge".into(),
            Self::RetryAfterSeconds => "429, Retry-After in seconds".into(),
            Self::RetryAfterDate => "429, Retry-After as a date".into(),
            Self::RetryAfterAnHour => "429, Retry-After of an hour".into(),
            Self::Html => "HTML instead of JSON".into(),
            Self::RedirectLoop => "redirect loop".into(),
            Self::Elsewhere => "redirect to another host".into(),
            Self::Flood { announced: true } => "10 GiB, announced".into(),
            Self::Flood { announced: false } => "10 GiB, not announced".into(),
            Self::Nested => "deeply nested JSON".into(),
            Self::Lie => "content reported that is missing".into(),
        }
    }

    /// Returns the action of the proxy, `None` if a request cannot have the fault.
    pub fn action(self, column: &Column, times: Times, hosts: &Hosts<'_>) -> Option<Action> {
        let status = |status: u16| Action::answer(status);
        let later = |wait: &str| Some(status(429).header("retry-after", wait).into());
        match self {
            Self::Refused => Some(Action::GoDown(match times {
                Times::Once => Duration::from_millis(40),
                Times::Always => Duration::from_secs(600),
            })),
            Self::Reset => Some(Action::Reset),
            Self::ResponseLost => Some(Action::DropResponse),
            Self::Stall => Some(Action::Stall),
            Self::ResetInBody | Self::Truncated | Self::StallInBody | Self::Flipped => {
                self.in_body(column)
            }
            Self::TooLong => Some(Action::WrongLength(7)),
            Self::TooShort => match column.content {
                Content::DigestedResponse | Content::Json => Some(Action::WrongLength(-7)),
                Content::None | Content::DigestedRequest => None,
            },
            Self::Status(401) => {
                let refused = status(401).header("www-authenticate", hosts.challenge);
                Some(refused.into())
            }
            Self::Unchallenged => Some(status(401).into()),
            Self::Status(204) => Some(status(204).body("").into()),
            Self::Status(code) => Some(status(code).into()),
            Self::RetryAfterSeconds => later("1"),
            Self::RetryAfterDate => {
                let soon = SystemTime::now() + Duration::from_secs(2);
                later(&httpdate::fmt_http_date(soon))
            }
            Self::RetryAfterAnHour => later("3600"),
            Self::Html => {
                let page = status(200).body("<html><h1>Sign in to this network</h1></html>");
                Some(page.header("content-type", "text/html").into())
            }
            Self::RedirectLoop => Some(Action::RedirectTo(hosts.here.to_owned())),
            Self::Elsewhere => Some(Action::RedirectTo(hosts.elsewhere.to_owned())),
            Self::Flood { announced } => Some(Action::Flood {
                bytes: FLOOD,
                announced,
            }),
            Self::Nested => {
                let json = status(200).body("[".repeat(200_000));
                Some(json.header("content-type", INDEX).into())
            }
            Self::Lie => match column.kind {
                _ if column.side == Side::Source => None,
                RequestKind::Mount | RequestKind::UploadPut => {
                    Some(status(201).header("location", "/").into())
                }
                // Without a length, which would have to be that of the blob.
                RequestKind::BlobHead => Some(Action::Flood {
                    bytes: 0,
                    announced: false,
                }),
                _ => None,
            },
        }
    }

    fn in_body(self, column: &Column) -> Option<Action> {
        match (self, column.content) {
            (_, Content::None) => None,
            (Self::ResetInBody, Content::DigestedRequest) => {
                Some(Action::ResetUpload { after: 10 })
            }
            (Self::StallInBody, Content::DigestedRequest) => {
                Some(Action::StallUpload { after: 10 })
            }
            // A registry cannot distinguish a body cut short from a reset connection.
            (Self::Truncated, Content::DigestedRequest) => None,
            // Within a digest in the manifest; anywhere in a blob.
            (Self::Flipped, Content::DigestedRequest) => Some(Action::FlipUpload { at: 190 }),
            (Self::ResetInBody, _) => Some(Action::ResetInBody { after: 10 }),
            (Self::StallInBody, _) => Some(Action::StallInBody { after: 10 }),
            (Self::Truncated, _) => Some(Action::Truncate { after: 10 }),
            (_, Content::DigestedResponse) => Some(Action::FlipByte { at: 190 }),
            // Damaged JSON is only detected if it is invalid.
            _ => Some(Action::FlipByte { at: 0 }),
        }
    }

    /// Returns true for a fault of the whole host: other rows fail too.
    pub fn affects_host(self, times: Times) -> bool {
        matches!(
            (self, times),
            (Self::Refused, Times::Always) | (Self::RetryAfterAnHour, _)
        )
    }

    /// Returns true for a fault that ends with a timeout, which is then short.
    pub fn is_timeout(self) -> bool {
        matches!(self, Self::Stall | Self::StallInBody)
    }

    /// Returns texts, one of which the message of a failed row contains.
    pub fn causes(self, column: &Column) -> &'static [&'static str] {
        match self {
            Self::Refused => &["Connection refused"],
            Self::Reset | Self::ResponseLost | Self::ResetInBody => BROKEN_CONNECTION,
            Self::Truncated => &["ended", "end of file", "decoding", "closed"],
            Self::TooLong | Self::TooShort | Self::Flipped | Self::Html | Self::Nested => {
                DAMAGED_CONTENT
            }
            Self::Stall => &["no response within", "no upload progress within"],
            Self::StallInBody => &["no more bytes within", "no upload progress", "no response"],
            Self::Status(404) if column.kind == RequestKind::ManifestHead => &["does not exist"],
            Self::Status(404) if column.kind == RequestKind::ManifestGet => {
                &["does not exist", "does not have"]
            }
            Self::Unchallenged => &["401"],
            Self::Status(status) => STATUSES
                .iter()
                .find(|(code, _)| *code == status)
                .map_or(&[], |(_, text)| text),
            Self::RetryAfterSeconds | Self::RetryAfterDate => &["429"],
            Self::RetryAfterAnHour => &["Retry-After"],
            Self::RedirectLoop | Self::Elsewhere => &["redirect", "307"],
            Self::Flood { .. } => &[
                "larger than",
                "descriptor says",
                "size mismatch",
                "200 OK",
                "Location",
                "Range",
                "is not there",
            ],
            Self::Lie => &["MANIFEST_BLOB_UNKNOWN"],
        }
    }
}

/// Texts about a connection that ends early.
const BROKEN_CONNECTION: &[&str] = &["reset", "closed", "broken pipe", "ended", "end of file"];

/// Texts about content that is not what the request asked for.
const DAMAGED_CONTENT: &[&str] = &[
    "ended",
    "end of file",
    "closed",
    "descriptor says",
    "size mismatch",
    "digest",
    "form",
    "no token",
    "can be read",
    "is invalid",
    "is not a valid index",
    "400 Bad Request",
    "200 OK",
    "Location",
    "Range",
    "is not there",
    "larger than",
];

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

const STATUSES: [(u16, &[&str]); 17] = [
    (
        204,
        &[
            "204",
            "no token",
            "Location",
            "Range",
            "is not there",
            "MANIFEST_BLOB_UNKNOWN",
        ],
    ),
    (400, &["400"]),
    (401, &["401"]),
    (403, &["403"]),
    (404, &["404"]),
    (405, &["405"]),
    (406, &["406"]),
    (410, &["410"]),
    (408, &["408"]),
    (413, &["413"]),
    (416, &["416"]),
    (429, &["429"]),
    (500, &["500"]),
    (501, &["501"]),
    (502, &["502"]),
    (503, &["503"]),
    (504, &["504"]),
];
