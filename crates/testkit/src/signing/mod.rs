//! Signatures of images: keys, the documents that they sign, and an authority for keyless signatures.

mod documents;
mod signing_key;

pub use documents::{classic_payload, envelope, pae, statement};
pub use signing_key::SigningKey;
