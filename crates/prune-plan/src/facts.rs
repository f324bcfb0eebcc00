//! The facts about a repository that a plan is decided from.

use std::collections::{BTreeMap, HashMap, HashSet};

use image_name::{Digest, Tag};

use crate::manifest_graph::ManifestGraph;
use crate::plan_file::PlanLine;

/// The facts about one repository.
#[derive(Debug, Clone, Default)]
pub struct RepositoryFacts {
    /// All tags and their digests.
    pub tags: BTreeMap<Tag, Digest>,
    /// All manifests that the tags lead to, and those of a plan that no tag leads to any more.
    pub graph: ManifestGraph,
    /// The tags that rows write.
    pub kept_tags: HashSet<Tag>,
    /// The tags that other rows may write: each stays for this reason.
    pub kept_by: HashMap<Tag, KeptBy>,
    /// The digests that rows, pins or lock lines name.
    pub kept_digests: HashSet<Digest>,
    /// The tags that something uses.
    pub used_tags: HashSet<Tag>,
    /// The digests that something uses, of whatever repository.
    pub used_digests: HashSet<Digest>,
    /// The tags that rows wrote before.
    pub former: HashMap<Tag, Former>,
}

/// The row that may write a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptBy {
    /// The default branch has the row; the commit that is checked out has not.
    Branch(String),
    /// The row is that of a repository which may be this one under another name.
    OtherName(String),
}

/// A tag that a row wrote before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// The end of the row.
    pub removal: Removal,
    /// The digests that the mirror wrote there, by the lock and by reports.
    pub written: HashSet<Digest>,
    /// Its rows stood for a short time only, so their lock lines are no proof of a run.
    pub is_brief: bool,
}

/// The reason why no row writes a tag any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// A commit removed the row, or the target that it was written to.
    Row {
        /// The hash of the commit.
        commit: String,
        /// The time of the commit, in seconds since 1970.
        time: i64,
    },
    /// The work tree has removed the row; no commit has.
    NotCommitted,
    /// A followed entry gave the row and no longer does.
    NotFollowed {
        /// The name of the entry.
        entry: String,
    },
    /// A lock line or a report names the tag, and no row does.
    Unlisted,
}

/// The options of a plan.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Tags whose row was removed after this time stay, in seconds since 1970.
    pub keep_removed_since: Option<i64>,
    /// The number of latest former tags of each repository that stay.
    pub keep_latest: usize,
    /// Tags that the mirror has not written go too.
    pub foreign: bool,
}

/// The lines of a plan that is applied.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// The planned tags.
    pub tags: HashMap<Tag, SelectedTag>,
    /// The planned manifests with the images that they belong to.
    pub manifests: HashMap<Digest, Digest>,
}

impl Selection {
    /// Creates the selection of the lines of one repository.
    #[must_use]
    pub fn from_lines(lines: &[&PlanLine]) -> Self {
        let mut selection = Self::default();
        for line in lines {
            let (digest, image) = (line.digest.clone(), line.image.clone());
            match &line.tag {
                Some(tag) => {
                    let selected = SelectedTag { digest, image };
                    selection.tags.insert(tag.clone(), selected);
                }
                None => drop(selection.manifests.insert(digest, image)),
            }
        }
        selection
    }

    /// Returns true if the plan has a tag of the image.
    pub(crate) fn has_image(&self, image: &Digest) -> bool {
        let mut tags = self.tags.iter();
        tags.any(|(tag, selected)| tag.digest_part().is_none() && selected.digest == *image)
    }
}

/// A tag of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectedTag {
    /// The planned digest.
    pub digest: Digest,
    /// The image that the tag belongs to: its own digest, or that of the image that a digest tag is about.
    pub image: Digest,
}
