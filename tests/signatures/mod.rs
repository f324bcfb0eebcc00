//! Signature policies: the policy in every command, with signatures of a testkit's own Sigstore instance.

mod attached;
mod check_new;
mod consumers;
mod copied;
mod denied;
mod import;
mod paths;
mod pull_requests;
mod requests;
mod signed_registry;
mod sync;
mod verify;
mod weakening;
