//! Only what is signed: the policy in every command, with signatures of a testkit's own Sigstore instance.

mod check_new;
mod consumers;
mod signed_registry;
mod sync;
mod verify;
