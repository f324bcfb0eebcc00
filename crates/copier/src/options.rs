//! The options of a run.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use registry_client::{Client, TagLists};
use tokio_util::sync::CancellationToken;

use crate::platform::Platform;
use crate::progress::Progress;

/// The client and the options of a run, with its progress and its stop signal.
#[derive(Debug, Clone, Copy)]
pub struct RunContext<'a> {
    /// The client that sends the requests.
    pub client: &'a Client,
    /// The options.
    pub options: &'a Options,
    /// The progress that the run updates.
    pub progress: &'a Arc<Progress>,
    /// The signal that interrupts the run.
    pub stop: &'a CancellationToken,
}

/// Options of a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The platforms that are copied, `None` for all.
    pub platforms: Option<PlatformSelection>,
    /// Also write the `TAG-ARCH` tags.
    pub arch_tags: bool,
    /// Also copy referrers and digest tags.
    pub referrers: bool,
    /// Overwrite digest tags of a destination although no earlier run is known to have written
    /// them. Of the sources with the same destination repository, only the first one does so.
    pub overwrite_signatures: bool,
    /// Report the outcome of each row without writing anything.
    pub dry_run: bool,
    /// Also check that the destination has the children of an index whose digest is the source's. Costs
    /// one GET for each index and one HEAD for each child.
    pub check_children: bool,
    /// The treatment of a row with a moved source tag.
    pub moved: MovedTag,
    /// Time for rows in flight to finish after an interrupt.
    pub grace: Duration,
    /// The signal that ends `grace` early.
    pub abort: CancellationToken,
    /// Do not ask the source of a row whose approved digest the destination has.
    pub trust_lock: bool,
    /// Time for one row, without its wait for other rows to be copied; `None` for any time.
    pub row_timeout: Option<Duration>,
    /// Tag lists of sources that were read before the run.
    pub tag_lists: Arc<TagLists>,
    /// Time after which a blob whose source sends nothing is left to a row with another source.
    pub stall_patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            platforms: None,
            arch_tags: false,
            referrers: true,
            overwrite_signatures: false,
            dry_run: false,
            check_children: false,
            moved: MovedTag::Kept,
            grace: Duration::from_secs(5),
            abort: CancellationToken::new(),
            trust_lock: false,
            row_timeout: None,
            tag_lists: Arc::default(),
            stall_patience: Duration::from_secs(10),
        }
    }
}

impl Options {
    /// Returns true if the destination of each row gets the manifest of its source and nothing else.
    pub(crate) fn copies_whole_images(&self) -> bool {
        self.platforms.is_none() && !self.arch_tags
    }
}

/// The treatment of a row whose source tag has moved away from the approved digest.
///
/// A digest tag that has moved never fails its row: the approved content is kept or copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovedTag {
    /// The destination has, or gets, the approved digest, and the outcome reports the move.
    /// Attached content that was added after the approval is copied and reported.
    Kept,
    /// The row fails, and nothing is written for it. Attached content that was added after the
    /// approval is reported and not copied.
    Refused,
}

/// The platforms of an index that are copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformSelection {
    /// The platforms. A row fails if its image has none of them.
    pub platforms: Vec<Platform>,
    /// The treatment of the index.
    pub index: NarrowedIndex,
}

/// The treatment of an index of which some platforms are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NarrowedIndex {
    /// A new index with the selected descriptors, and so with a new digest.
    Rebuilt,
    /// The same bytes and digest; the other children are missing.
    Sparse,
}

impl fmt::Display for PlatformSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, platform) in self.platforms.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{platform}")?;
        }
        Ok(())
    }
}
