//! One read of a blob for the uploads to several registries.
//!
//! A task reads the blob from its source into a window, from which each upload takes the chunks at its
//! own pace. The window is bounded, and so is the time for which an upload may keep the others waiting:
//! after that it leaves the window and reads the rest of the blob by itself, with a `Range` request.
//!
//! No upload waits for another one without a bound, and none waits for a permit in an order other than
//! that of [`transfer_blob`](super::transfer_blob): the stream, then the hosts in the order of their
//! names. The permit of the source belongs to the read and its uploads together.

mod destination_pace;
mod download;
mod shared_blob;
mod shared_reader;
mod shared_reads;
mod shared_state;
mod window;
#[cfg(test)]
mod window_tests;

pub(super) use shared_reader::SharedReader;
pub use shared_reads::{ExpectedRead, SharedReads};
pub(super) use window::ReadPermits;
