//! Cryptography on `ring`, and the one algorithm that it lacks.

mod ed25519ph;
mod pem;
mod ring_provider;

pub(crate) use ed25519ph::signed_prehashed;
pub(crate) use pem::{MAX_CHAIN, pem_certificates};
pub(crate) use ring_provider::{has_digest, hex, install, with_message};
