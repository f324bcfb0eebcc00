//! One read of a blob for the uploads to several registries.
//!
//! A task reads the blob from its source into a window, from which each upload takes the chunks at its
//! own pace. The window is bounded, and so is the time for which an upload may delay the others. After that
//! time, the upload leaves the window and reads the rest of the blob by itself, with a `Range` request.
//!
//! No upload waits for another one without a bound. Permits are always acquired in the order of
//! [`transfer_blob`](super::transfer_blob): the stream, then the hosts in the order of their names. A read
//! and its uploads share one permit of the source.

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
