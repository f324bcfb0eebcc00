//! Requests whose answers only save work, and that a host does not answer.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use image_name::RepositoryPath;

use crate::lock::lock;

/// The number of repositories in a row with failures after which no probe is sent to the host.
const MAX_REPOSITORIES: u32 = 3;

/// The repositories of a host in which one kind of probe has failed, for a whole run.
///
/// A probe, such as a mount or the HEAD before an upload, has an alternative that always works. So it
/// is not sent again after a failure, and not for the next blobs of the repository either: waits for
/// each of thousands of blobs cost more than their uploads.
#[derive(Debug, Default)]
pub(crate) struct FailedProbes {
    repositories: Mutex<HashSet<RepositoryPath>>,
    in_a_row: AtomicU32,
}

impl FailedProbes {
    /// Returns whether a probe may be sent in a repository.
    pub(crate) fn allow(&self, repository: &RepositoryPath) -> bool {
        self.in_a_row.load(Ordering::Relaxed) < MAX_REPOSITORIES
            && !lock(&self.repositories).contains(repository)
    }

    /// Notes a failed probe.
    pub(crate) fn record_failure(&self, repository: &RepositoryPath) {
        if lock(&self.repositories).insert(repository.clone()) {
            self.in_a_row.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Notes an answered probe.
    pub(crate) fn record_answer(&self) {
        if self.in_a_row.load(Ordering::Relaxed) < MAX_REPOSITORIES {
            self.in_a_row.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_count_for_their_repository_and_in_a_row_for_the_host() {
        let path = |name: &str| name.parse::<RepositoryPath>().unwrap();
        let probes = FailedProbes::default();
        for name in ["a", "a", "a", "b"] {
            probes.record_failure(&path(name));
        }
        assert!(!probes.allow(&path("a")) && probes.allow(&path("c")));
        probes.record_answer();
        for name in ["c", "d"] {
            probes.record_failure(&path(name));
        }
        assert!(probes.allow(&path("e")));
        probes.record_failure(&path("e"));
        assert!(!probes.allow(&path("f")));
    }
}
