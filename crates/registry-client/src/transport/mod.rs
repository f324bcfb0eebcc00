//! Requests to hosts: limits, pauses, retries, authentication, redirects.
//!
//! [`Peer::retry`](peer::Peer::retry) decides on every retry of the crate. [`Host::send`] repeats a
//! request until there is a whole response; the blob and token requests have loops of their own.

mod api_check;
mod authentication;
mod body_progress;
mod circuit_breaker;
mod credential_offer;
mod handshake;
mod host;
mod host_clients;
mod host_limit;
mod http_client;
mod in_flight;
mod in_process;
mod peer;
mod permission;
mod pull_quota;
mod rate_meter;
mod redirects;
mod resolver;
mod response;
mod retry_after;
mod retry_policy;
mod send;
mod send_stream;
mod server_verifier;
mod timeouts;
mod token_server;
mod vendor_request;

pub(crate) use body_progress::BodyProgress;
pub(crate) use host::{Host, Shared};
#[cfg(test)]
pub(crate) use host_limit::HostLimit;
pub use host_limit::HostLimits;
pub(crate) use host_limit::Permit;
pub(crate) use http_client::system_roots;
pub use in_flight::{InFlightRequest, Stage};
pub use in_process::InProcessRegistry;
pub use pull_quota::{HostPulls, PullReservation};
pub use response::BufferedResponse;
pub(crate) use response::{CONTENT_DIGEST, Response};
pub use retry_policy::RetryPolicy;
pub(crate) use retry_policy::{Retries, is_transient, may_have_happened};
pub(crate) use send::{ListBudget, Request};
pub(crate) use send_stream::StreamResponse;
pub use timeouts::{MinimumRate, Timeouts};
