//! What a run meets in the wild: rows that cannot be copied, registries that
//! break, processes that are killed, lists and blobs that are large.

mod asked;
mod bad_rows;
mod faults;
mod kills;
mod large_blob;
mod lists;
mod scale;
mod signals;
mod soak;
mod stalls;
mod throttled;
mod walk;
mod watched;
