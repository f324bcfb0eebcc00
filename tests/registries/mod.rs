//! Copies between real registries, checked with independent clients.

mod contents;
mod credentials;
mod destinations;
mod platforms;
mod referrers;
mod registries_conf;
mod registry_pair;
mod reports;
mod tls;
mod tokens;
mod unchanged;
