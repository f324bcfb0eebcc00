//! .

pub mod registries_conf;
