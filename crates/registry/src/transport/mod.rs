//! How a request gets to a host and an answer back: limits, pauses, retries,
//! authentication, redirects. Nowhere else.

mod answer;
mod exchange;
mod first_answer;
mod host;
mod limit;
mod patience;
pub(crate) mod redact;
mod retries;
mod retry_after;
mod security;
mod send;
mod send_stream;

pub(crate) use answer::{Answer, Reply};
pub(crate) use exchange::Exchange;
pub(crate) use first_answer::FirstAnswer;
pub(crate) use host::{Host, Shared};
pub(crate) use limit::Permit;
pub use patience::Patience;
pub(crate) use retries::{Next, Retries};
pub(crate) use send::Request;
