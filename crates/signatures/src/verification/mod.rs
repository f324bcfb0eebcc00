//! The decision about one image.

mod binding;
mod certificate;
mod check;
mod failure;
mod image;
mod log_entries;
mod outcome;
mod verify;

pub use image::SignedImage;
pub use outcome::Verification;
pub use verify::verify;

#[cfg(any(test, fuzzing))]
pub(crate) use certificate::CertificateFacts;
