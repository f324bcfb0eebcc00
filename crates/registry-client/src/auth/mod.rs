//! Authentication: Basic and Bearer challenges, scopes, token requests and tokens.
//!
//! No request is sent here; the transport does that.
//!
//! Sources: RFC 9110 §11; distribution's "Token Authentication Specification" and "OAuth2 Token
//! Authentication".

mod authorization;
mod challenge;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod read_access;
mod realm;
mod scope;
mod state;
mod token;
mod token_request;

pub(crate) use authorization::{Authorization, Origin, basic};
pub(crate) use challenge::Challenge;
pub(crate) use read_access::ReadAccess;
pub(crate) use realm::{check_realm_addresses, checked_realm};
pub use scope::Access;
pub(crate) use scope::Scopes;
pub(crate) use state::{AuthState, Scheme};
pub(crate) use token::Token;
pub(crate) use token_request::{TokenRequest, TokenServer};
