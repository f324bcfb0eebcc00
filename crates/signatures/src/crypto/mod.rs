//! Cryptography on `ring`.

mod ring_provider;

pub(crate) use ring_provider::{has_digest, hex, install, with_message};
