//! Against real registries, checked with clients that are not ours.

mod contents;
mod credentials;
mod names;
mod pair;
mod platforms;
mod referrers;
mod reports;
mod tls;
mod tokens;
mod unchanged;
