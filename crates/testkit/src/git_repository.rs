//! A git repository with a fixed identity and commit time.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::program;

/// The time of every commit, so that equal content has equal hashes.
const COMMIT_TIME: &str = "2026-01-02T03:04:05Z";

/// A repository in a temporary directory, on the branch `main`. It is deleted when this is dropped.
#[derive(Debug)]
pub struct GitRepository {
    directory: TempDir,
}

impl GitRepository {
    /// Creates an empty repository.
    #[expect(clippy::new_without_default, reason = "it creates a directory")]
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("create a directory");
        let repository = Self { directory };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    /// Clones another repository, which becomes the remote `origin`.
    pub fn clone_of(other: &Self) -> Self {
        let directory = tempfile::tempdir().expect("create a directory");
        let clone = Self { directory };
        let source = other.path().to_str().expect("a path in UTF-8");
        clone.git(&["clone", "--quiet", source, "."]);
        clone
    }

    /// Returns the directory of the work tree.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file and creates its directories.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).expect("create the directory of the file");
        }
        fs::write(path, text).expect("write the file");
    }

    /// Returns the content of a file.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).expect("read the file")
    }

    /// Commits all changes and returns the hash.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// Runs git in the repository and returns its stdout. A failure is a panic with its stderr.
    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new(program("git"))
            .args(arguments)
            .current_dir(self.path())
            .envs(Self::environment())
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .output()
            .expect("run git");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {stderr}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Returns environment variables that disable the user's git configuration, for programs under test
    /// that run git.
    pub fn environment() -> [(&'static str, &'static str); 9] {
        [
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_AUTHOR_NAME", "Test"),
            ("GIT_AUTHOR_EMAIL", "test@example.com"),
            ("GIT_AUTHOR_DATE", COMMIT_TIME),
            ("GIT_COMMITTER_NAME", "Test"),
            ("GIT_COMMITTER_EMAIL", "test@example.com"),
            ("GIT_COMMITTER_DATE", COMMIT_TIME),
            ("GIT_TERMINAL_PROMPT", "0"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clone_has_the_commit_and_equal_content_has_equal_hashes() {
        let commit = || {
            let repository = GitRepository::new();
            repository.write("directory/file", "text\n");
            let hash = repository.commit("first");
            (repository, hash)
        };
        let ((first, hash), (_, again)) = (commit(), commit());
        assert_eq!(hash, again);
        let clone = GitRepository::clone_of(&first);
        assert_eq!(clone.read("directory/file"), "text\n");
        assert_eq!(clone.git(&["rev-parse", "origin/main"]).trim(), hash);
    }
}
