//! Blobs: read with a digest check, mounted, or streamed from one registry to another.

mod chunked;
mod monitor;
mod monolithic;
mod reader;
mod requests;
mod transfer;

pub use monitor::TransferMonitor;
pub use reader::BlobReader;
pub use requests::{Blob, Mount, UploadSession};
pub use transfer::{TransferError, TransferSide, transfer_blob};
