//! The kinds of log entries.

use crate::refusal::Cause;

/// The kinds and versions that are verified: signatures over bytes and over envelopes, envelopes, and attestations.
const VERIFIED: [(&str, &str); 4] = [
    ("hashedrekord", "0.0.1"),
    ("hashedrekord", "0.0.2"),
    ("dsse", "0.0.1"),
    ("intoto", "0.0.2"),
];

/// Refuses an entry of a kind that is not verified.
pub(super) fn check(kind: &str, version: &str) -> Result<(), Cause> {
    if VERIFIED.contains(&(kind, version)) {
        return Ok(());
    }
    let found = Cause::text(&format!("{kind} {version}"));
    Err(Cause::Unsupported(match (kind, version) {
        ("intoto", "0.0.1") => {
            format!("a log entry {found}, which cosign before 2.2 wrote for attestations")
        }
        _ => format!("a log entry {found}"),
    }))
}
