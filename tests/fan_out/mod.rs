//! One row for each of three registries with the same source.

mod access;
mod kill;
mod memory;
