//! How a request gets to a host and an answer back: limits, pauses, retries,
//! authentication, redirects. Nowhere else.

mod answer;
mod authentication;
mod follow;
mod health;
mod home;
mod host;
mod limit;
mod motion;
mod permission;
mod retry_after;
mod retry_policy;
mod send;
mod send_stream;
mod timeouts;
mod tls;
mod token_server;
mod under_way;

pub(crate) use answer::{Answer, Reply};
pub(crate) use host::{Host, Shared};
pub(crate) use limit::Permit;
pub(crate) use motion::Motion;
pub use retry_policy::RetryPolicy;
pub(crate) use retry_policy::{Next, Retries, is_passing};
pub(crate) use send::Request;
pub use timeouts::Timeouts;
pub(crate) use tls::system_roots;
pub use under_way::{RequestUnderWay, Stage};
