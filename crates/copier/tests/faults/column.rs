//! The columns of the matrix: kinds of requests, at the source or at the destination.

use http::request::Parts;
use testkit::proxy::{Action, RequestKind, Rule};

use super::images::STREAMED;

/// The side that a request goes to. The token server of a side belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    Source,
    Destination,
}

/// The run that sends the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// The image is new, and the hosts are known from an earlier row.
    Copied,
    /// As [`Self::Copied`], from a source with the referrers API.
    WithReferrersApi,
    /// The destination has the image without its signature.
    Signed,
    /// The destination has the other row's image, which shares a blob. The source must show the
    /// blob before it is mounted, because both are read with credentials.
    Shared,
    /// The destination refuses mounts.
    WithoutMounts,
    /// As [`Self::WithoutMounts`], and the client does not know the hosts.
    FirstContact,
    /// The destination refuses large bodies.
    Chunked,
    /// As [`Self::Chunked`], and the response to the first chunk is lost.
    ChunkLost,
}

/// The body that can have the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// None.
    None,
    /// A response with a digest.
    DigestedResponse,
    /// A JSON response.
    Json,
    /// A request body with a digest.
    DigestedRequest,
}

/// A column of the matrix.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub side: Side,
    pub kind: RequestKind,
    /// For blobs: the streamed one, or one that is read as a whole.
    pub streamed: Option<bool>,
    pub scenario: Scenario,
    pub content: Content,
    pub name: &'static str,
}

const fn column(
    side: Side,
    kind: RequestKind,
    scenario: Scenario,
    content: Content,
    name: &'static str,
) -> Column {
    Column {
        side,
        kind,
        streamed: None,
        scenario,
        content,
        name,
    }
}

const fn blob(streamed: bool, name: &'static str) -> Column {
    Column {
        streamed: Some(streamed),
        ..column(
            Side::Source,
            RequestKind::BlobGet,
            Scenario::Copied,
            Content::DigestedResponse,
            name,
        )
    }
}

use RequestKind as Kind;
use Scenario::{
    ChunkLost, Chunked, Copied, FirstContact, Shared, Signed, WithReferrersApi, WithoutMounts,
};
use Side::{Destination, Source};

/// Every request of a run to either side. The test fails for a request without a column.
pub const COLUMNS: [Column; 20] = [
    column(Source, Kind::Token, Copied, Content::Json, "token to pull"),
    column(
        Source,
        Kind::ManifestHead,
        Copied,
        Content::None,
        "HEAD manifest",
    ),
    column(
        Source,
        Kind::ManifestGet,
        Copied,
        Content::DigestedResponse,
        "GET manifest",
    ),
    column(Source, Kind::BlobHead, Shared, Content::None, "HEAD blob"),
    blob(true, "GET blob, streamed"),
    blob(false, "GET blob, small"),
    column(Source, Kind::Tags, Copied, Content::Json, "GET tags"),
    column(
        Source,
        Kind::Referrers,
        WithReferrersApi,
        Content::Json,
        "GET referrers",
    ),
    column(
        Destination,
        Kind::Token,
        Copied,
        Content::Json,
        "token to push",
    ),
    column(
        Destination,
        Kind::ManifestHead,
        Copied,
        Content::None,
        "HEAD manifest",
    ),
    column(
        Destination,
        Kind::ManifestGet,
        Signed,
        Content::DigestedResponse,
        "GET manifest",
    ),
    column(
        Destination,
        Kind::Referrers,
        WithReferrersApi,
        Content::Json,
        "GET referrers",
    ),
    column(Destination, Kind::Mount, Copied, Content::None, "mount"),
    column(
        Destination,
        Kind::BlobHead,
        WithoutMounts,
        Content::None,
        "HEAD blob",
    ),
    column(
        Destination,
        Kind::UploadPost,
        WithoutMounts,
        Content::None,
        "POST upload",
    ),
    column(
        Destination,
        Kind::UploadPut,
        Copied,
        Content::DigestedRequest,
        "PUT upload",
    ),
    column(
        Destination,
        Kind::UploadPatch,
        Chunked,
        Content::DigestedRequest,
        "PATCH upload",
    ),
    column(
        Destination,
        Kind::UploadStatus,
        ChunkLost,
        Content::None,
        "GET upload",
    ),
    column(
        Destination,
        Kind::UploadDelete,
        FirstContact,
        Content::None,
        "DELETE upload",
    ),
    column(
        Destination,
        Kind::ManifestPut,
        Copied,
        Content::DigestedRequest,
        "PUT manifest",
    ),
];

/// The name component of repositories with injected faults.
pub const FAULTY: &str = "faulty";

impl Column {
    /// Returns true for a request that gets the fault. Requests without a token only fetch the
    /// challenge.
    pub fn applies_to(&self, parts: &Parts) -> bool {
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

    /// Returns the rules of the destination, beside the fault.
    pub fn rules(&self) -> Vec<Rule> {
        let refuses_mounts = || Rule::new("POST", "mount=").does(Action::answer(405));
        let refuses_large = || {
            let large = |parts: &Parts| length(parts) > 100_000;
            let rule = Rule::new("PUT", "/blobs/uploads/").when(large);
            rule.does(Action::answer(413))
        };
        match self.scenario {
            Copied | WithReferrersApi | Shared | Signed => Vec::new(),
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
