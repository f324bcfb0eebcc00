//! Everything that was attached to an image, as it was read, and its parsers.

mod attached;
mod bundle;
mod claim;
mod classic;
mod entry_kind;
mod envelope;
mod format;
mod json;
mod payload;
mod reading;
mod statement;

pub use attached::{
    AttachedBundle, BUNDLE_MEDIA_TYPES, ClassicLayer, Evidence, MAX_DOCUMENT, MAX_SIGNATURES,
    SIMPLE_SIGNING_MEDIA_TYPE,
};
pub(crate) use claim::{Claim, Message, Purpose};
pub use format::SignatureFormat;
pub(crate) use reading::read_all;
