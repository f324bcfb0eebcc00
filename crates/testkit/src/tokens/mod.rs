//! A token server, as registries send their clients to for Bearer tokens
//! (<https://distribution.github.io/distribution/spec/auth/token/>, and `oauth/` beside it).
//!
//! ```no_run
//! # async fn test() {
//! use std::time::Duration;
//! use testkit::processes::Distribution;
//! use testkit::tokens::{Anonymous, TokenServer};
//!
//! let tokens = TokenServer::new()
//!     .user("somebody", "secret")
//!     .anonymous(Anonymous::Pull)
//!     .lifetime(Duration::from_secs(2))
//!     .start()
//!     .await;
//! let registry = Distribution::new().token(tokens.auth()).start().await;
//! // … copy something to registry.host() …
//! assert_eq!(tokens.count("repository:demo:pull,push"), 1, "one token for all of it");
//! # }
//! ```

mod ask;
mod jwt;
mod options;
mod server;

pub use ask::Grant;
pub use options::{Anonymous, TokenServer};
pub use server::{RunningTokenServer, TokenRequest};
