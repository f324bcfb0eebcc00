//! Tests against real registries, TLS, token servers, and injected faults.
//!
//! All hosts are on loopback. Timeouts are short only in tests of peers that stall.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "functions of the tests fail like tests"
)]

mod basic;
mod builder;
mod chunks;
mod credential_helpers;
mod downloads;
mod hosts;
mod lists;
mod manifests;
mod memory;
mod mirrors;
mod mounts;
mod offers;
mod patience;
mod pauses;
mod proxies;
mod redirects;
mod referrers;
mod repository_creation;
mod retries;
mod secret_echo;
mod sessions;
mod setup;
mod stalls;
mod tls;
mod tokens;
mod uploads;
mod vendor_api;
mod versions;
