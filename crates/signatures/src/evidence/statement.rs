//! In-toto statements: the content of DSSE envelopes.

use image_name::Digest;
use serde_json::Value;

use super::json;
use crate::refusal::Cause;

/// A statement about images. Source: in-toto attestation specification, "Statement".
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// The type of the predicate.
    pub(super) predicate_type: String,
    /// The digests of the subjects, without those in algorithms that no image has.
    pub(super) digests: Vec<Digest>,
    /// The number of subjects.
    pub(super) subjects: usize,
}

/// The media type of a statement.
pub(super) const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

const STATEMENT_TYPES: [&str; 2] = [
    "https://in-toto.io/Statement/v1",
    "https://in-toto.io/Statement/v0.1",
];

/// The maximum number of subjects.
const MAX_SUBJECTS: usize = 1024;

impl Statement {
    pub(super) fn parse(payload: &[u8]) -> Result<Self, Cause> {
        let value = json::parse(payload)?;
        let kind = json::text(&value, "/_type")?;
        if !STATEMENT_TYPES.contains(&kind) {
            return Err(Cause::PayloadType(Cause::text(kind)));
        }
        let predicate_type = json::text(&value, "/predicateType")?.to_owned();
        let subjects = value.get("subject").and_then(Value::as_array);
        let subjects =
            subjects.ok_or_else(|| Cause::Malformed("`subject` is no list".to_owned()))?;
        if subjects.len() > MAX_SUBJECTS {
            let message = format!("more than {MAX_SUBJECTS} subjects");
            return Err(Cause::Malformed(message));
        }
        let mut digests = Vec::new();
        for subject in subjects {
            let found = subject.get("digest").and_then(Value::as_object);
            let found =
                found.ok_or_else(|| Cause::Malformed("a subject has no `digest`".to_owned()))?;
            let named = found
                .iter()
                .filter_map(|(algorithm, hex)| Some((algorithm, hex.as_str()?)));
            digests.extend(named.filter_map(|(algorithm, hex)| {
                format!("{algorithm}:{hex}").parse::<Digest>().ok()
            }));
        }
        Ok(Self {
            predicate_type,
            digests,
            subjects: subjects.len(),
        })
    }
}
