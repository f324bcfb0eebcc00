//! Foreign layers: content that an image leaves at the URLs of its publisher.
//!
//! An image chooses these URLs, so a request to them could reach what only this machine can. They are
//! fetched over https from public addresses, anonymously, and from other hosts only if they are named as
//! insecure.

mod public_address;
mod publisher;
mod source;
