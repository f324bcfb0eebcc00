//! Cryptography on `ring`.

mod pem;
mod ring_provider;

pub(crate) use pem::{MAX_CHAIN, pem_certificates};
pub(crate) use ring_provider::{has_digest, hex, install, with_message};
