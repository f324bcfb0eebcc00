//! `mirror check-new`

mod bases;
mod destinations;
mod findings;
mod registries;
mod speed;

use crate::environment::TestEnvironment;

/// A clone whose `origin/main` has this list, on a branch of its own.
pub(crate) fn branch_with(list: &str) -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.write("images-list", list);
    let git = |args: &[&str]| environment.run("git", args);
    git(&["init", "-q", "-b", "main"]);
    git(&["config", "user.email", "e@example.com"]);
    git(&["config", "user.name", "n"]);
    git(&["add", "images-list"]);
    git(&["commit", "-qm", "base"]);
    git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    git(&["checkout", "-qb", "topic"]);
    environment
}
