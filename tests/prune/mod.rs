//! `mirror prune` against real registries.

mod applying;
mod closed;
mod followed;
mod names;
mod planning;
mod stage;
mod traps;
mod vendors;
