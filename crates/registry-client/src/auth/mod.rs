//! Who we are to a host: Basic, Bearer, or nobody.
//!
//! Sources: RFC 9110 §11; distribution's "Token Authentication Specification"
//! and "OAuth2 Token Authentication".

mod authenticator;
mod challenge;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod realm;
mod scope;
mod token;

pub(crate) use authenticator::{Authenticator, Presented, Refusal};
pub use scope::Access;
pub(crate) use scope::Scopes;
