//! `mirror check-new`

mod approvals;
mod base_revision;
mod checkouts;
mod credentials_and_tls;
mod destinations;
mod findings;
mod requests;

use crate::environment::TestEnvironment;

/// A repository whose `origin/main` has this list, on the branch `topic`.
pub(crate) fn branch_with(list: &str) -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.write("images-list", list);
    environment.commit_first(&["images-list"]);
    environment.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    environment.git(&["checkout", "-qb", "topic"]);
    environment
}
