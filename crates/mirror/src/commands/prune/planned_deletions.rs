//! The only writes of `prune`: the deletions of a plan.

use std::collections::HashSet;

use image_name::ManifestReference;
use prune_plan::RepositoryPlan;
use registry_client::{Repository, Write, WritePolicy, WriteTarget};

/// The deletions that a run may send to one repository. The client checks each request against them.
#[derive(Debug)]
pub(super) struct PlannedDeletions {
    host: String,
    path: String,
    targets: HashSet<ManifestReference>,
}

impl PlannedDeletions {
    /// Creates the policy for the plan of a repository.
    pub(super) fn new(repository: &Repository, plan: &RepositoryPlan) -> Self {
        let targets = plan.deletions.iter();
        Self {
            host: repository.host_name().to_owned(),
            path: repository.name().to_owned(),
            targets: targets.map(|deletion| deletion.target.clone()).collect(),
        }
    }
}

impl WritePolicy for PlannedDeletions {
    fn allows(&self, write: &Write<'_>) -> bool {
        match &write.target {
            WriteTarget::Deletion(target) => {
                write.host == self.host
                    && write.repository.as_str() == self.path
                    && self.targets.contains(target)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_planned_deletions_of_the_repository_are_allowed() {
        let planned: ManifestReference = "v1".parse().unwrap();
        let policy = PlannedDeletions {
            host: "r.io".to_owned(),
            path: "a/b".to_owned(),
            targets: [planned.clone()].into(),
        };
        let other: ManifestReference = "v2".parse().unwrap();
        for (host, path, target, expected) in [
            ("r.io", "a/b", WriteTarget::Deletion(planned.clone()), true),
            ("r.io", "a/b", WriteTarget::Deletion(other), false),
            ("q.io", "a/b", WriteTarget::Deletion(planned.clone()), false),
            ("r.io", "a/c", WriteTarget::Deletion(planned.clone()), false),
            ("r.io", "a/b", WriteTarget::Manifest(planned), false),
            ("r.io", "a/b", WriteTarget::Blob, false),
            ("r.io", "a/b", WriteTarget::Repository, false),
        ] {
            let repository = path.parse().unwrap();
            let write = Write {
                host,
                repository: &repository,
                target,
            };
            assert_eq!(policy.allows(&write), expected, "{write}");
        }
    }
}
