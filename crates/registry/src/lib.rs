//! .

pub mod credentials;
pub mod registries_conf;
pub mod trust;
