//! Signatures of images: keys, the documents that they sign, and a Sigstore instance for keyless signatures.

mod attached;
mod authority;
mod der;
mod documents;
mod keyless;
mod leaf;
mod service;
mod signing_key;
mod submission;
mod transparency_log;

pub use attached::{attach_bundle, attach_layers};
pub use authority::SigningAuthority;
pub use documents::{
    classic_payload, dsse_log_body, envelope, hashed_log_body, intoto_log_body, pae, statement,
};
pub use keyless::{KeylessSigner, bundle_json};
pub use leaf::{LeafOptions, Sct, Usage};
pub use service::SigstoreService;
pub use signing_key::SigningKey;
pub use transparency_log::{EntryOptions, TransparencyLog};
