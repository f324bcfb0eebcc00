//! Failing registries and killed runs: every fault ends in the same result as a clean run.

mod kill;
mod quota;
mod soak;
mod stalls;
mod throttling;
mod transient_faults;
