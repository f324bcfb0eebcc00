//! Signatures that the real cosign makes, versions 2 and 3, in real registries.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod keys;
mod logged;
mod signed;
