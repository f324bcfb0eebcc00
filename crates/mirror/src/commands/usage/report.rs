//! The JSON document of `usage`.

use image_name::{full_repository, tag_or_digest};
use serde::Serialize;

use super::inventory::{Inventory, Use};
use super::join::{Joined, JoinedImage, Status};
use super::lookup::Lookups;
use super::owners::Owner;
use super::row_index::{KnownRow, RowIndex};

/// The images that clusters use.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct UsageReport {
    /// The sums.
    pub(super) summary: Summary,
    /// The clusters, in the order of the arguments.
    clusters: Vec<ClusterJson>,
    /// The images in the order of their names.
    pub(super) images: Vec<ImageJson>,
    /// The rows that no cluster uses.
    pub(super) unused: Vec<RowJson>,
    /// Names that are not those of images, and images at the mirror that could not be read.
    pub(super) problems: Vec<ProblemJson>,
}

/// The number of images by status, and of rows.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Summary {
    /// The images.
    pub(super) images: usize,
    /// Used from the mirror, as a row has them.
    pub(super) mirrored: usize,
    /// Listed, and taken from their source.
    pub(super) not_from_mirror: usize,
    /// In no row.
    pub(super) not_listed: usize,
    /// Used with another digest than the approved one.
    pub(super) other_digest: usize,
    /// Listed, and not at the mirror. Always 0 without `--registry`.
    pub(super) not_at_mirror: usize,
    /// Stored by nodes, and named by no object.
    pub(super) on_nodes_only: usize,
    /// Run on a platform that the mirror does not have. They are counted by status too.
    pub(super) lacking_platforms: usize,
    /// Findings of `--check`.
    pub(super) findings: usize,
    /// The rows of the list, and of followed entries in the lock.
    pub(super) rows: usize,
    /// Rows that no cluster uses.
    pub(super) unused: usize,
    /// The images at the mirror were read.
    pub(super) registry: bool,
}

/// A cluster.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ClusterJson {
    /// The name.
    name: String,
    /// The number of objects.
    objects: u64,
    /// The number of pods.
    pods: u64,
    /// The number of nodes by platform.
    nodes: std::collections::BTreeMap<String, u64>,
}

/// An image that clusters use.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ImageJson {
    /// The full name, `HOST/REPOSITORY[:TAG][@DIGEST]`.
    pub(super) image: String,
    /// The digests: of the name, of the status of containers, and of nodes.
    digests: Vec<String>,
    /// `mirrored`, `not_from_mirror`, `not_listed`, `other_digest`, `not_at_mirror` or `on_nodes_only`.
    pub(super) status: &'static str,
    /// The image is not counted by `--check` because `--ignore` matches it.
    pub(super) ignored: bool,
    /// The list has the repository with other tags only.
    pub(super) other_tag: bool,
    /// The rows of the image.
    pub(super) rows: Vec<RowJson>,
    /// Digests that are used and that no row approves.
    pub(super) other_digests: Vec<String>,
    /// The platforms of the nodes that run it, or that its templates require.
    platforms: Vec<String>,
    /// Those that the mirror does not have. Without `--registry`: that the row's target does not get.
    pub(super) lacking_platforms: Vec<String>,
    /// The number of nodes that store it. A node reports at most 50 images by default.
    pub(super) nodes: u64,
    /// The owners.
    pub(super) used_by: Vec<UseJson>,
}

/// The use of an image by one owner.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct UseJson {
    /// The cluster.
    cluster: String,
    /// The owner: the workload behind pods, ReplicaSets and jobs, or the object itself.
    #[serde(flatten)]
    owner: Owner,
    /// The number of its pods with the image; 0 for a workload that is scaled to zero.
    pods: u64,
    /// The first places of the image in the owner and its pods.
    places: Vec<String>,
}

/// A tag that a row writes.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RowJson {
    /// The source repository with its host.
    pub(super) source: String,
    /// The destination repository with its host.
    pub(super) destination: String,
    /// The tag at the source, or a digest.
    pub(super) tag: String,
    /// The tag at the destination, or a digest.
    pub(super) destination_tag: String,
    /// The target of the destination, if the row names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// The followed entry that gives the row; `null` for a row of a list.
    entry: Option<String>,
    /// The digest that the row or its lock approves.
    pub(super) approved: Option<String>,
    /// The file and line.
    location: String,
}

/// A name that is not that of an image, or an image that could not be read.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ProblemJson {
    /// The text, or the image.
    pub(super) image: String,
    /// The place, if the text stands in an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<String>,
    /// The error.
    pub(super) message: String,
}

impl UsageReport {
    /// Creates the document.
    pub(super) fn new(
        inventory: &Inventory,
        index: &RowIndex,
        joined: &Joined<'_>,
        lookups: Option<&Lookups>,
    ) -> Self {
        let row = |at: &usize| RowJson::new(&index.rows[*at]);
        let images = joined.images.iter().map(|image| ImageJson {
            image: image.name.to_owned(),
            digests: strings(image.used.digests()),
            status: image.status.as_str(),
            ignored: image.is_ignored,
            other_tag: image.is_other_tag,
            rows: image.rows.iter().map(row).collect(),
            other_digests: strings(&image.other_digests),
            platforms: strings(&image.platforms),
            lacking_platforms: strings(&image.lacking),
            nodes: image.used.nodes,
            used_by: uses(inventory, image),
        });
        let clusters = inventory.clusters.iter().map(|cluster| ClusterJson {
            name: cluster.name.clone(),
            objects: cluster.objects,
            pods: cluster.pods,
            nodes: cluster.platforms.clone(),
        });
        Self {
            summary: summary(index, joined, lookups),
            clusters: clusters.collect(),
            images: images.collect(),
            unused: joined.unused.iter().map(row).collect(),
            problems: problems(inventory, index, lookups),
        }
    }
}

fn strings(items: impl IntoIterator<Item = impl ToString>) -> Vec<String> {
    items.into_iter().map(|item| item.to_string()).collect()
}

fn uses(inventory: &Inventory, image: &JoinedImage<'_>) -> Vec<UseJson> {
    let uses = image.uses.iter().map(|((cluster, owner), used)| {
        let Use { pods, places, .. } = used;
        UseJson {
            cluster: inventory.clusters[*cluster].name.clone(),
            owner: owner.clone(),
            pods: *pods,
            places: places.iter().cloned().collect(),
        }
    });
    uses.collect()
}

fn summary(index: &RowIndex, joined: &Joined<'_>, lookups: Option<&Lookups>) -> Summary {
    let count = |status| {
        let those = joined.images.iter().filter(|image| image.status == status);
        those.count()
    };
    let lacking = joined
        .images
        .iter()
        .filter(|image| !image.lacking.is_empty());
    let findings = joined.images.iter().filter(|image| image.is_finding());
    Summary {
        images: joined.images.len(),
        mirrored: count(Status::Mirrored),
        not_from_mirror: count(Status::NotFromMirror),
        not_listed: count(Status::NotListed),
        other_digest: count(Status::OtherDigest),
        not_at_mirror: count(Status::NotAtMirror),
        on_nodes_only: count(Status::OnNodesOnly),
        lacking_platforms: lacking.count(),
        findings: findings.count(),
        rows: index.rows.len(),
        unused: joined.unused.len(),
        registry: lookups.is_some(),
    }
}

fn problems(
    inventory: &Inventory,
    index: &RowIndex,
    lookups: Option<&Lookups>,
) -> Vec<ProblemJson> {
    let invalid = inventory.invalid.iter().map(|(text, invalid)| ProblemJson {
        image: text.clone(),
        place: Some(invalid.place.clone()),
        message: invalid.reason.clone(),
    });
    let failures = lookups.map(Lookups::failures).unwrap_or_default();
    let failed = failures.into_iter().map(|(at, message, _)| ProblemJson {
        image: index.rows[at].run.row.destination.whole(),
        place: None,
        message: message.to_owned(),
    });
    invalid.chain(failed).collect()
}

impl RowJson {
    fn new(known: &KnownRow) -> Self {
        let row = &known.run.row;
        let listed = known.run.listed.as_ref();
        let tag = listed.map(|listed| listed.row.tag.source().as_str());
        Self {
            source: full_repository(&row.source),
            destination: full_repository(&row.destination),
            tag: tag.unwrap_or(tag_or_digest(&row.source)).to_owned(),
            destination_tag: tag_or_digest(&row.destination).to_owned(),
            target: known.run.target_name(),
            entry: known.run.entry().map(ToString::to_string),
            approved: known.approved.as_ref().map(ToString::to_string),
            location: listed
                .map(|listed| listed.location.to_string())
                .unwrap_or_default(),
        }
    }

    /// Returns the name at the mirror.
    pub(super) fn destination_name(&self) -> String {
        joined_name(&self.destination, &self.destination_tag)
    }

    /// Returns the name at the source.
    pub(super) fn source_name(&self) -> String {
        joined_name(&self.source, &self.tag)
    }
}

fn joined_name(repository: &str, tag: &str) -> String {
    match tag.contains(':') {
        true => format!("{repository}@{tag}"),
        false => format!("{repository}:{tag}"),
    }
}

impl std::fmt::Display for UseJson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.cluster, self.owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::document_schema;

    #[test]
    fn document_has_the_schema_of_the_documentation() {
        document_schema::assert_documented::<UsageReport>("usage");
    }
}
