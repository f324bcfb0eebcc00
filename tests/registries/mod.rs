//! Against real registries, checked with clients that are not ours.

mod contents;
mod credentials;
mod pair;
mod referrers;
mod tls;
mod tokens;
