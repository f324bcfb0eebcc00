//! One source image and three destination registries: the source is read once, and no registry depends on
//! another.
//!
//! Takes more than 10 s: slow registries receive several MiB.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod destinations;
mod fan_out;
mod pace;
mod source;
