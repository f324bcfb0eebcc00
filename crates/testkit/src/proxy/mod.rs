//! A proxy for a registry that records every request and injects faults.
//!
//! ```no_run
//! # async fn test(registry: testkit::processes::RegistryProcess) {
//! use testkit::proxy::{Action, FaultProxy, Rule};
//!
//! let proxy = FaultProxy::start(registry.address()).await;
//! proxy.add(Rule::new("GET", "/blobs/").first(2).does(Action::ResetInBody { after: 1000 }));
//! proxy.add(Rule::new("PUT", "/manifests/").nth(1).does(Action::answer(429).header("retry-after", "1")));
//! // … pull from proxy.host() …
//! assert_eq!(proxy.count("GET", "/blobs/"), 3, "two failed downloads and a successful one");
//! # }
//! ```

mod action;
mod body;
mod forward;
mod record;
mod request_kind;
mod rule;
mod server;
mod state;
mod stream;

pub use action::{Action, Reply};
pub use record::RecordedRequest;
pub use request_kind::RequestKind;
pub use rule::Rule;
pub use server::FaultProxy;
