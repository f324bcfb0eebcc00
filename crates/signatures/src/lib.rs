//! Verification of image signatures, and the policy that requires them.
//!
//! # The problem
//!
//! A lock says that nothing changed since a person looked. A signature says who made the image. Two forms are
//! in use: the tags `sha256-HEX.sig` and `.att` of cosign 2, and Sigstore bundles that refer to the image
//! (cosign 3). Both are signed with a key or with a certificate that names a workload or person (keyless).
//! This crate decides for both whether an image has the signatures that a [`Requirement`] asks for.
//!
//! # Invariants
//!
//! - All functions are given bytes: the caller reads [`Evidence`] from a registry or a file. Nothing is
//!   asked of a certificate authority or a transparency log: everything that is checked came with the signature.
//! - A signature counts only for the digest that it is attached to, and only if it signs that digest.
//! - Every size is bounded before anything is parsed, and JSON that two programs could read differently is refused.
//! - A [`Refusal`] keeps each examined signature with the cause for which it does not count.

mod crypto;
mod evidence;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod keys;
mod policy;
mod refusal;
mod requirement;
mod trust_root;
mod verification;

pub use evidence::{
    AttachedBundle, BUNDLE_MEDIA_TYPES, ClassicLayer, Evidence, MAX_DOCUMENT, MAX_SIGNATURES,
    SIMPLE_SIGNING_MEDIA_TYPE, SignatureFormat,
};
pub use keys::{KeyError, PublicKey};
pub use policy::{
    Copy, Decision, ExportFormat, ExportProblem, KeylessForm, Policy, ReadKey, Rule, SourcePattern,
    SourcePatternError, Weakening, describe, export, policy_schema, weakened,
};
pub use refusal::{Cause, ExaminedSignature, Refusal};
pub use requirement::{
    AttestationRequirement, IdentityMatcher, IdentityPatternError, KeySigners, KeylessSigner,
    LogRequirement, Requirement, SignedBy, SignedIdentity, Signers,
};
pub use trust_root::{TrustRoot, TrustRootError};
pub use verification::{SignedImage, Verification, verify};
