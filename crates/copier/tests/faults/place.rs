//! Where a fault strikes: a kind of request, at the source or at the destination.

use http::request::Parts;
use testkit::proxy::{Action, RequestKind, Rule};

use super::images::STREAMED;

/// Whom a request goes to; the token server that either names belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    Source,
    Destination,
}

/// What a run is like in which the request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// The image is new, and the hosts are known from an earlier row.
    Copied,
    /// The same, the source with the referrers API.
    Referred,
    /// The image is there, its signature is not.
    Signed,
    /// The destination mounts nothing.
    WithoutMounts,
    /// The same, and nothing was asked of either host so far.
    FirstContact,
    /// The destination refuses large bodies.
    Chunked,
    /// The same, and the answer to the first chunk is lost.
    ChunkLost,
}

/// Which bodies break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Neither side sends any that matters.
    None,
    /// The answer is content with a digest.
    Digested,
    /// The answer is JSON.
    Json,
    /// The request's is content with a digest.
    Sent,
}

/// A column of the matrix.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub side: Side,
    pub kind: RequestKind,
    /// Of blobs: the one that is streamed, or one that is read whole.
    pub streamed: Option<bool>,
    pub scenario: Scenario,
    pub content: Content,
    pub name: &'static str,
}

const fn place(
    side: Side,
    kind: RequestKind,
    scenario: Scenario,
    content: Content,
    name: &'static str,
) -> Place {
    Place {
        side,
        kind,
        streamed: None,
        scenario,
        content,
        name,
    }
}

const fn blob(streamed: bool, name: &'static str) -> Place {
    Place {
        streamed: Some(streamed),
        ..place(
            Side::Source,
            RequestKind::BlobGet,
            Scenario::Copied,
            Content::Digested,
            name,
        )
    }
}

use RequestKind as Kind;
use Scenario::{ChunkLost, Chunked, Copied, FirstContact, Referred, Signed, WithoutMounts};
use Side::{Destination, Source};

/// Every request that a run makes of either side. One that is missing here fails the test.
pub const PLACES: [Place; 19] = [
    place(Source, Kind::Token, Copied, Content::Json, "token to pull"),
    place(
        Source,
        Kind::ManifestHead,
        Copied,
        Content::None,
        "HEAD manifest",
    ),
    place(
        Source,
        Kind::ManifestGet,
        Copied,
        Content::Digested,
        "GET manifest",
    ),
    blob(true, "GET blob, streamed"),
    blob(false, "GET blob, small"),
    place(Source, Kind::Tags, Copied, Content::Json, "GET tags"),
    place(
        Source,
        Kind::Referrers,
        Referred,
        Content::Json,
        "GET referrers",
    ),
    place(
        Destination,
        Kind::Token,
        Copied,
        Content::Json,
        "token to push",
    ),
    place(
        Destination,
        Kind::ManifestHead,
        Copied,
        Content::None,
        "HEAD manifest",
    ),
    place(
        Destination,
        Kind::ManifestGet,
        Signed,
        Content::Digested,
        "GET manifest",
    ),
    place(
        Destination,
        Kind::Referrers,
        Referred,
        Content::Json,
        "GET referrers",
    ),
    place(Destination, Kind::Mount, Copied, Content::None, "mount"),
    place(
        Destination,
        Kind::BlobHead,
        WithoutMounts,
        Content::None,
        "HEAD blob",
    ),
    place(
        Destination,
        Kind::UploadPost,
        WithoutMounts,
        Content::None,
        "POST upload",
    ),
    place(
        Destination,
        Kind::UploadPut,
        Copied,
        Content::Sent,
        "PUT upload",
    ),
    place(
        Destination,
        Kind::UploadPatch,
        Chunked,
        Content::Sent,
        "PATCH upload",
    ),
    place(
        Destination,
        Kind::UploadStatus,
        ChunkLost,
        Content::None,
        "GET upload",
    ),
    place(
        Destination,
        Kind::UploadDelete,
        FirstContact,
        Content::None,
        "DELETE upload",
    ),
    place(
        Destination,
        Kind::ManifestPut,
        Copied,
        Content::Sent,
        "PUT manifest",
    ),
];

/// The repositories whose requests break have this in their name.
pub const FAULTY: &str = "faulty";

impl Place {
    /// Whether a request is one that breaks. Requests without a token are those that learn of it.
    pub fn is_struck(&self, parts: &Parts) -> bool {
        let target = parts.uri.to_string();
        let is_push = target.contains("push");
        RequestKind::classify_parts(parts) == Some(self.kind)
            && target.contains(FAULTY)
            && parts.headers.contains_key("authorization")
            && (self.kind != Kind::Token || is_push == (self.side == Destination))
            && self
                .streamed
                .is_none_or(|streamed| streamed == target.contains(STREAMED.as_str()))
    }

    /// What the destination is like, whatever else goes wrong.
    pub fn manners(&self) -> Vec<Rule> {
        let refuses_mounts = || Rule::new("POST", "mount=").does(Action::answer(405));
        let refuses_large = || {
            let large = |parts: &Parts| length(parts) > 100_000;
            let rule = Rule::new("PUT", "/blobs/uploads/").when(large);
            rule.does(Action::answer(413))
        };
        match self.scenario {
            Copied | Referred | Signed => Vec::new(),
            WithoutMounts | FirstContact => vec![refuses_mounts()],
            Chunked => vec![refuses_large()],
            ChunkLost => {
                let lost = Rule::new("PATCH", FAULTY)
                    .first(1)
                    .does(Action::DropResponse);
                vec![refuses_large(), lost]
            }
        }
    }
}

fn length(parts: &Parts) -> u64 {
    let length = parts.headers.get("content-length");
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    length.unwrap_or(0)
}
