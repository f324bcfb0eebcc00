//! A map whose values are computed once, however many tasks need them.
//!
//! The first task that needs the value of a key computes it, the others wait for it.
//!
//! - A failure is the task's own and is not kept: the next task computes the value again. Of the
//!   tasks that already wait, one at a time does so.
//! - A task that is dropped while it computes a value passes the turn to the next.
//! - Values are kept until the map is dropped.
//!
//! [`SharedValue`] is a single such value that is dropped with its last holder.
//!
//! A computation must not need its own key, directly or through the computations of other keys: it
//! would wait for itself, without end. The types cannot express that. Where keys come from a graph
//! that others supply, for example from descriptors of a registry, keep the keys on the path and
//! check before the call.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use once_map::OnceMap;
//!
//! let lengths = OnceMap::default();
//! assert_eq!(lengths.get_or_init("key", async || 3).await, 3);
//! assert_eq!(lengths.get_or_init("key", async || 4).await, 3);
//!
//! let failed = lengths.get_or_try_init("other", async || Err("no")).await;
//! assert_eq!(failed, Err("no"));
//! let length = lengths.get_or_try_init("other", async || Ok::<_, &str>(5)).await;
//! assert_eq!(length, Ok(5));
//! # }
//! ```

mod once_map;
mod shared_value;

pub use once_map::OnceMap;
pub use shared_value::{Lease, SharedValue};
