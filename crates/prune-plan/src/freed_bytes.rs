//! The bytes that a plan frees.

use std::collections::HashSet;

use image_name::{Digest, ManifestReference};

use crate::manifest_graph::ManifestGraph;
use crate::repository_plan::RepositoryPlan;

/// A repository of a registry, with its plan.
#[derive(Debug)]
pub struct RegistryShare<'a> {
    /// All known manifests of the repository.
    pub graph: &'a ManifestGraph,
    /// The plan.
    pub plan: &'a mut RepositoryPlan,
}

/// Adds to each manifest of the plans of one registry the bytes that nothing needs after it is deleted: its
/// own, and those of blobs that no manifest needs which stays in one of the repositories. A blob counts once
/// for a registry, since repositories share blobs there.
pub fn add_freed_bytes(repositories: &mut [RegistryShare<'_>]) {
    let mut kept: HashSet<&Digest> = HashSet::new();
    let going: Vec<HashSet<Digest>> = repositories
        .iter()
        .map(|repository| going(repository.plan))
        .collect();
    for (repository, going) in repositories.iter().zip(&going) {
        let staying = repository.graph.digests();
        for digest in staying.filter(|digest| !going.contains(digest)) {
            kept.insert(digest);
            let node = repository.graph.get(digest);
            kept.extend(
                node.into_iter()
                    .flat_map(|node| &node.blobs)
                    .map(|blob| &blob.digest),
            );
        }
    }
    let mut counted: HashSet<Digest> = HashSet::new();
    for repository in repositories {
        for deletion in &mut repository.plan.deletions {
            let Some(node) = repository.graph.get(&deletion.digest) else {
                continue;
            };
            if deletion.target.digest().is_none() {
                continue;
            }
            let own = std::iter::once((&deletion.digest, node.size));
            let blobs = node.blobs.iter().map(|blob| (&blob.digest, blob.size));
            let freed = own
                .chain(blobs)
                .filter(|(digest, _)| !kept.contains(*digest) && counted.insert((*digest).clone()));
            deletion.bytes = freed.map(|(_, size)| size).sum();
        }
    }
}

fn going(plan: &RepositoryPlan) -> HashSet<Digest> {
    let targets = plan.deletions.iter();
    let manifests = targets.filter_map(|deletion| match &deletion.target {
        ManifestReference::Digest(digest) => Some(digest.clone()),
        ManifestReference::Tag(_) => None,
    });
    manifests.collect()
}
