//! Atomic writes: after a kill or a power failure every file has its old content or its new content.

mod kill;
mod power_loss;
