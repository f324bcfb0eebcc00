//! `mirror prune` against real registries.

mod applying;
mod closed;
mod planning;
mod stage;
mod traps;
mod vendors;
