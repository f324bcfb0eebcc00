//! What is passed over, and why.

mod together;

pub use together::Filters;
