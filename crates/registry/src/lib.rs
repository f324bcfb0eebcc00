//! .

pub mod registries_conf;
pub mod trust;
