//! Blobs: read with a digest check, mounted, or streamed from one registry to another.

mod body;
mod chunked;
mod fan_out;
mod monitor;
mod monolithic;
mod reader;
mod requests;
mod transfer;

pub use fan_out::{ExpectedRead, SharedReads};
pub use monitor::TransferMonitor;
pub use reader::BlobReader;
pub use requests::{Blob, Mount, UploadSession};
pub use transfer::{BlobTransfer, TransferError, TransferSide, transfer_blob};
