//! Copies images registry to registry, manifest by manifest and blob by blob.
//!
//! # The problem
//!
//! A mirror of two thousand images changes by a handful a day. Finding that
//! handful must cost next to nothing; what is new must arrive whole, byte for
//! byte, and be sent once even where twenty images share it; and one image
//! that is gone upstream must not stop the others.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use copier::{Options, Progress, Row, sync};
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn example(client: registry_client::Client) -> Result<(), Box<dyn std::error::Error>> {
//! let rows = [Row {
//!     source: "quay.io/coreos/etcd:v3.5.9".parse()?,
//!     destination: "registry.example.com/mirror/etcd:v3.5.9".parse()?,
//!     approved: None,
//! }];
//! let (progress, stop) = (Arc::new(Progress::default()), CancellationToken::new());
//! let report = sync(&client, &rows, &[], &Options::default(), &progress, &stop).await;
//! for outcome in &report.rows {
//!     println!("{}", outcome.status.as_str());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # How a row flows
//!
//! [`sync`] asks source and destination with one HEAD each (`heads`). Equal
//! digests: the row is unchanged. Otherwise the manifest is fetched
//! (`manifests`), narrowed where platforms are selected (`selection`,
//! `narrow`), everything under it is ensured, children before parents
//! (`images`), blob by blob (`blobs`): known to be there, mounted from where
//! this run or an earlier one brought it (`destination`), or sent. The tag is
//! written last, then what is attached follows (`attached`). When all rows are
//! done, it is known which answers cannot be believed (`listing_gaps`).
//!
//! # Invariants
//!
//! - A tag is written only after everything under it is there.
//! - The bytes of manifests and blobs are never changed; only `--platform`
//!   writes an index of its own, and says so.
//! - Within a run a blob is fetched at most once for each destination
//!   registry that honours mounts, whichever rows need it.
//! - A run writes what its [`WritePlan`] has, which is made from its rows before the first write;
//!   anything else is refused before it is sent, whatever a registry says.
//! - A row with an approved digest never gets another one.
//! - Nothing is kept between runs: what the registries do not confirm is not
//!   believed.

mod arch_tag_name;
mod arch_tags;
mod attached;
#[cfg(feature = "benchmarks")]
pub mod benchmarks;
mod blob_copy;
mod compare;
mod compare_contents;
mod compare_report;
mod destination;
mod digest_tags;
mod engine;
mod head_cache;
mod images;
mod listing_gaps;
mod manifest_cache;
mod narrow;
mod platform;
mod progress;
mod referrers_index;
mod report;
mod row;
mod row_sync;
mod selection;
mod subject;
mod sync;
mod write_plan;

pub use compare::compare;
pub use compare_report::{
    ArchTagFound, CompareError, CompareReport, CompareStatus, CompareSummary, Comparison,
    PlatformFound,
};
pub use platform::{Platform, PlatformError};
pub use progress::{Progress, RowInFlight, Transfer};
pub use report::{Conflict, Moved, Outcome, Report, RowError, Status, SubjectMismatch, Summary};
pub use row::{MovedTag, NarrowedIndex, Options, PlatformSelection, Row};
pub use sync::sync;
pub use write_plan::WritePlan;
