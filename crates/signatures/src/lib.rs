//! Verification of image signatures, and the policy that requires them.
//!
//! All functions are given bytes: the caller reads signatures from a registry or a bundle. Nothing is
//! asked of a certificate authority or a transparency log: everything that is checked came with the signature.
