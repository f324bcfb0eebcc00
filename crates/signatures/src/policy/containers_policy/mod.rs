//! The reader of containers-policy.json(5), the policy of skopeo and podman. Only scopes of registries are read.
//!
//! A requirement that cannot be enforced, such as `signedBy` (GPG), is a problem of the file.

mod fields;
mod reader;
mod signed_identity;
mod sigstore_signed;

pub(super) use reader::{is_containers_policy, read};

#[cfg(test)]
mod tests;
