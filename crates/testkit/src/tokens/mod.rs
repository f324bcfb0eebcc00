//! A token server that issues Bearer tokens for registries
//! (<https://distribution.github.io/distribution/spec/auth/token/>, and `oauth/` beside it).
//!
//! ```no_run
//! # async fn test() {
//! use std::time::Duration;
//! use testkit::processes::Distribution;
//! use testkit::tokens::{Anonymous, TokenServer};
//!
//! let tokens = TokenServer::new()
//!     .user("user", "secret")
//!     .anonymous(Anonymous::Pull)
//!     .lifetime(Duration::from_secs(2))
//!     .start()
//!     .await;
//! let registry = Distribution::new().token(tokens.auth()).start().await;
//! // … copy something to registry.host() …
//! assert_eq!(tokens.count("repository:demo:pull,push"), 1, "one token for all requests");
//! # }
//! ```

mod options;
mod request;
mod server;
mod signer;

pub use options::{Anonymous, TokenServer};
pub use request::Grant;
pub use server::{RunningTokenServer, TokenRequest};
