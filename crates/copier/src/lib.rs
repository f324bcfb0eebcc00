//! Copies images from registry to registry, manifest by manifest and blob by blob.
//!
//! # The problem
//!
//! Of two thousand mirrored images, a handful changes each day. A run must find them with few
//! requests, copy them completely and unchanged, and send a blob once even if twenty images share
//! it. An image that is gone upstream must not stop the others.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use copier::{Options, Progress, Row, RunContext, sync};
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn example(client: registry_client::Client) -> Result<(), Box<dyn std::error::Error>> {
//! let rows = [Row::new("quay.io/coreos/etcd:v3.5.9".parse()?, "registry.example.com/mirror/etcd:v3.5.9".parse()?)];
//! let context = RunContext {
//!     client: &client,
//!     options: &Options::default(),
//!     progress: &Arc::new(Progress::default()),
//!     stop: &CancellationToken::new(),
//! };
//! let report = sync(context, &rows, &[]).await;
//! for outcome in &report.rows {
//!     println!("{}", outcome.status.as_str());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # One row, from HEAD to the tag
//!
//! 1. `sync.rs`: [`sync`] makes the [`WritePlan`] of all rows, starts the rows, those of one source
//!    together, and collects the images that each destination registry has.
//! 2. `row_sync.rs`: a row sends one HEAD to its source and one to its destination
//!    (`head_cache.rs`). With equal digests, the image is unchanged. Otherwise its manifest is
//!    fetched (`manifest_cache.rs`) and reduced to the selected platforms (`selected_image.rs`).
//!    A repository or project that must exist before a push is created now, where the options permit
//!    it (`repository_setup.rs`).
//! 3. `image_copy.rs`: the contents are copied, children before parents.
//! 4. `blob_copy.rs`: a blob is present already, mounted from another repository of the registry
//!    (`destination/`), or sent.
//! 5. `row_sync.rs` writes the tag, and `arch_tags.rs` the `TAG-ARCH` tags.
//! 6. `attached/`: referrers and digest tags are copied, as far as the row approves them.
//!
//! Sources whose blobs can be read only once are copied blob by blob before the rows (`ordered_copy.rs`).
//!
//! After the last row, `listing_gaps.rs` adds warnings about lists that a source does not have.
//! [`compare`] (`compare.rs`) reads the same digests and writes nothing.
//!
//! # Invariants
//!
//! - A tag is written only after everything that its manifest refers to.
//! - The bytes of manifests and blobs are never changed. Only a platform selection writes an index
//!   of its own, with a warning.
//! - Within a run, a blob is fetched at most once for each destination registry that grants
//!   mounts, for all rows that need it.
//! - Rows with one source image and several destination registries read each manifest and blob once,
//!   as long as no registry falls behind (`source_group.rs`).
//! - A run writes only what its [`WritePlan`] contains. The plan is made from the rows before the first
//!   write; the client refuses any other write, whatever a registry responds.
//! - A row with an approved digest never gets another digest.
//! - No state is kept between runs; each run queries the registries.

mod arch_tag_name;
mod arch_tags;
mod attached;
mod attached_content;
mod attached_outcome;
#[cfg(feature = "benchmarks")]
pub mod benchmarks;
mod blob_copy;
mod child_presence;
mod compare;
mod compare_contents;
mod compare_report;
mod concurrently;
mod destination;
mod digest_tag_writes;
mod digest_tags;
mod engine;
mod foreign_layer_copy;
mod gate;
mod head_cache;
mod image_copy;
mod image_limits;
mod image_reads;
mod known_blob;
mod listing_gaps;
mod lock;
mod manifest_cache;
mod missing_content;
mod narrow;
mod options;
mod ordered;
mod ordered_copy;
mod platform;
mod platform_selection;
mod progress;
mod read_blobs;
mod recent_map;
mod referrers_index;
mod report;
mod repository_setup;
mod row;
mod row_image;
mod row_sync;
mod selected_image;
mod source_group;
mod source_lists;
mod subject;
mod subject_approval;
mod sync;
mod text_blobs;
mod vendor_changes;
mod warnings;
mod write_plan;

pub use attached::AttachedSurvey;
pub use attached_content::{AttachedContent, Runnable, check_document};
pub use attached_outcome::{AddedAttached, AttachedOutcome, MovedAttached};
pub use compare::compare;
pub use compare_report::{
    ArchTagFound, CompareError, CompareReport, CompareStatus, CompareSummary, Comparison,
    PlatformFound,
};
pub use gate::{ArrivingImage, Gate, GateError, Rejection};
pub use image_limits::LimitExceeded;
pub use known_blob::KnownBlob;
pub use options::{ForeignLayers, MovedTag, Options, RunContext};
pub use ordered::{OrderedBlob, OrderedBlobs, OrderedNeed};
pub use platform::{Platform, PlatformError};
pub use platform_selection::{NarrowedIndex, PlatformSelection, PlatformUses};
pub use progress::{Progress, RowInFlight, Transfer, TransferGuard};
pub use report::{
    Conflict, ForeignLayerRejected, Moved, Outcome, Report, RowError, Status, SubjectMismatch,
    Summary,
};
pub use row::{Approval, DestinationSettings, Row};
pub use sync::sync;
pub use text_blobs::TextBlobs;
pub use vendor_changes::VendorChanges;
pub use write_plan::WritePlan;
