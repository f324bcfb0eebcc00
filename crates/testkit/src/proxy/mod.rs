//! A proxy in front of a registry that records every request and breaks some of them.
//!
//! ```no_run
//! # async fn test(registry: testkit::processes::RegistryProcess) {
//! use testkit::proxy::{Action, FaultProxy, Rule};
//!
//! let proxy = FaultProxy::start(registry.address()).await;
//! proxy.add(Rule::new("GET", "/blobs/").first(2).does(Action::ResetInBody { after: 1000 }));
//! proxy.add(Rule::new("PUT", "/manifests/").nth(1).does(Action::answer(429).header("retry-after", "1")));
//! // … pull from proxy.host() …
//! assert_eq!(proxy.count("GET", "/blobs/"), 3, "two that broke, one that did not");
//! # }
//! ```

mod action;
mod body;
mod flood;
mod forward;
mod kind;
mod record;
mod rule;
mod server;
mod stream;

pub use action::{Action, Reply};
pub use kind::RequestKind;
pub use record::Recorded;
pub use rule::Rule;
pub use server::FaultProxy;
