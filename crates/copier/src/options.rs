//! The options of a run.

use std::sync::Arc;
use std::time::Duration;

use registry_client::{Client, TagLists};
use tokio_util::sync::CancellationToken;

use crate::attached_content::AttachedContent;
use crate::gate::Gate;
use crate::known_blob::KnownBlob;
use crate::ordered::OrderedBlobs;
use crate::platform::Platform;
use crate::platform_selection::{PlatformSelection, PlatformUses};
use crate::progress::Progress;
use crate::row::Row;

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
    /// The platforms that are copied, `None` for all. A row can have its own.
    pub platforms: Option<PlatformSelection>,
    /// The selected platforms that the run finds.
    pub platform_uses: PlatformUses,
    /// Also write the `TAG-ARCH` tags.
    pub arch_tags: bool,
    /// Also copy referrers and digest tags. A row can have its own choice.
    pub referrers: bool,
    /// The treatment of foreign layers.
    pub foreign_layers: ForeignLayers,
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
    /// Blobs that destinations are known to have.
    pub known_blobs: Vec<KnownBlob>,
    /// The blobs of the sources, if they can be read only once.
    pub ordered: Option<Arc<dyn OrderedBlobs>>,
    /// Time after which a blob whose source sends nothing is left to a row with another source.
    pub stall_patience: Duration,
    /// The decision about each image before it is written; `None` admits all.
    pub gate: Option<Arc<dyn Gate>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            platforms: None,
            platform_uses: PlatformUses::default(),
            arch_tags: false,
            referrers: true,
            foreign_layers: ForeignLayers::default(),
            overwrite_signatures: false,
            dry_run: false,
            check_children: false,
            moved: MovedTag::Kept,
            grace: Duration::from_secs(5),
            abort: CancellationToken::new(),
            trust_lock: false,
            row_timeout: None,
            tag_lists: Arc::default(),
            known_blobs: Vec::new(),
            ordered: None,
            stall_patience: Duration::from_secs(10),
            gate: None,
        }
    }
}

impl Options {
    /// Returns the platforms of a row that are copied, `None` for all.
    pub(crate) fn platforms_of<'a>(&'a self, row: &'a Row) -> Option<&'a PlatformSelection> {
        row.settings.platforms.as_ref().or(self.platforms.as_ref())
    }

    /// Returns the selected platforms of rows that no image of the run has. None if the run has read no
    /// image with a selection.
    #[must_use]
    pub fn unused_platforms<'a>(
        &'a self,
        rows: impl IntoIterator<Item = &'a Row>,
    ) -> Vec<Platform> {
        let selected = rows.into_iter().filter_map(|row| self.platforms_of(row));
        self.platform_uses.unused(selected)
    }

    /// Returns true if the outcome of a changed row is known without its image: nothing is written, and no gate
    /// is asked.
    pub(crate) fn decides_without_image(&self) -> bool {
        self.dry_run && self.gate.is_none()
    }

    /// Returns true if referrers and digest tags of a row are copied.
    pub(crate) fn copies_referrers_of(&self, row: &Row) -> bool {
        row.settings.referrers.unwrap_or(self.referrers)
    }

    /// Returns the content attached to the image of a row that the gate permits.
    pub(crate) fn attached_of(&self, row: &Row) -> AttachedContent {
        let gate = self.gate.as_ref();
        gate.map_or(AttachedContent::All, |gate| gate.attached(row))
    }

    /// Returns true if the destination of a row gets the manifest of its source and nothing else.
    pub(crate) fn copies_whole_image(&self, row: &Row) -> bool {
        self.platforms_of(row).is_none() && !self.arch_tags
    }
}

/// The treatment of foreign layers: layers that clients fetch from the URLs of their publisher.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForeignLayers {
    /// They stay at their URLs.
    #[default]
    Left,
    /// They are copied if the source has them.
    FromSource,
    /// They are copied from the source, or from their publisher.
    FromPublisher,
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
