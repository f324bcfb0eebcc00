//! A git repository for a test, with an identity and a clock of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::program;

/// The time of every commit: equal content, equal hashes.
const TIME: &str = "2026-01-02T03:04:05Z";

/// A repository in a temporary folder, on the branch `main`, gone when this is dropped.
#[derive(Debug)]
pub struct GitRepository {
    folder: TempDir,
}

impl GitRepository {
    /// An empty repository.
    #[expect(
        clippy::new_without_default,
        reason = "it makes a folder, which a default should not"
    )]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("create a folder");
        let repository = Self { folder };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    /// A clone of another repository, which is its remote `origin`.
    pub fn clone_of(other: &Self) -> Self {
        let folder = tempfile::tempdir().expect("create a folder");
        let clone = Self { folder };
        let source = other.path().to_str().expect("a path in UTF-8");
        clone.git(&["clone", "--quiet", source, "."]);
        clone
    }

    /// The folder of the work tree.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, its folders too.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).expect("create the file's folder");
        }
        fs::write(path, text).expect("write the file");
    }

    /// The content of a file.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).expect("read the file")
    }

    /// Commits everything that changed and returns the hash.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// Runs git here and returns its stdout; a failure is a panic with its stderr.
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

    /// The variables that keep git from the configuration of whoever runs the test, for programs
    /// under test that run git themselves.
    pub fn environment() -> [(&'static str, &'static str); 9] {
        [
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_AUTHOR_NAME", "Test"),
            ("GIT_AUTHOR_EMAIL", "test@example.com"),
            ("GIT_AUTHOR_DATE", TIME),
            ("GIT_COMMITTER_NAME", "Test"),
            ("GIT_COMMITTER_EMAIL", "test@example.com"),
            ("GIT_COMMITTER_DATE", TIME),
            ("GIT_TERMINAL_PROMPT", "0"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_content_has_equal_hashes_and_clones_have_it() {
        let commit = || {
            let repository = GitRepository::new();
            repository.write("folder/file", "text\n");
            let hash = repository.commit("first");
            (repository, hash)
        };
        let ((first, hash), (_, again)) = (commit(), commit());
        assert_eq!(hash, again);
        let clone = GitRepository::clone_of(&first);
        assert_eq!(clone.read("folder/file"), "text\n");
        assert_eq!(clone.git(&["rev-parse", "origin/main"]).trim(), hash);
    }
}
