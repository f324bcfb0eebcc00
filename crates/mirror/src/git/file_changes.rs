//! The changes of files in the history of the current branch.

use std::ffi::{OsStr, OsString};

use super::history::{PARTIAL, SHALLOW};
use super::repository::{Git, first_line_of_stderr, os_string};
use super::tracked::TrackedPath;
use crate::cli::failure::Failure;

/// A commit that changed files, with the lines that it changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileRevision {
    /// The hash of the commit.
    pub(crate) commit: String,
    /// The time of the commit, in seconds since 1970.
    pub(crate) time: i64,
    /// The changed files.
    pub(crate) files: Vec<FileChange>,
}

/// The lines of a file that a commit changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileChange {
    /// The index of the file among those that were asked for.
    pub(crate) file: usize,
    /// The lines that the commit removed.
    pub(crate) removed: Vec<String>,
    /// The lines that the commit added.
    pub(crate) added: Vec<String>,
}

/// The start of the line of a commit. No line of a diff begins with it.
const COMMIT: &str = "commit ";

impl Git {
    /// Returns the commits of the current branch that changed files, the oldest first. Of a merge, the branch
    /// that was merged counts as one change, at the time of the merge: from then on it was in effect.
    ///
    /// A file that was renamed has no changes under its former name.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a shallow clone, which lacks changes, and for one that lacks objects.
    pub(crate) async fn file_changes(
        &self,
        files: &[TrackedPath],
    ) -> Result<Vec<FileRevision>, Failure> {
        if self.is_shallow().await? {
            let message = "the clone is shallow, and its history shows what rows have written";
            return Err(Failure::unusable(message).hint(SHALLOW.to_owned()));
        }
        self.changes(&["--first-parent", "HEAD"], files).await
    }

    /// Returns the commits after `base` that changed files, the oldest first. A merge counts as one change for
    /// each of its parents.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a clone that lacks objects.
    pub(crate) async fn file_changes_since(
        &self,
        base: &str,
        files: &[TrackedPath],
    ) -> Result<Vec<FileRevision>, Failure> {
        self.changes(&[&format!("{base}..HEAD")], files).await
    }

    async fn changes(
        &self,
        revisions: &[&str],
        files: &[TrackedPath],
    ) -> Result<Vec<FileRevision>, Failure> {
        let options = [
            "-c",
            "core.quotePath=false",
            "log",
            "-m",
            "--reverse",
            "--patch",
            "--unified=0",
            "--text",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            "--src-prefix=a/",
            "--dst-prefix=b/",
            "--format=commit %H %ct",
        ];
        let paths = files.iter().map(|file| file.path().as_os_str());
        let options = options.iter().chain(revisions).chain(&["--"]);
        let arguments = options.map(OsStr::new).chain(paths);
        let output = self.run(arguments).await?;
        if output.status.success() {
            let paths: Vec<OsString> = files
                .iter()
                .map(|file| file.path().as_os_str().to_owned())
                .collect();
            return Ok(parse(&output.stdout, &paths));
        }
        let hint = self.is_partial().await?.then(|| PARTIAL.to_owned());
        let why = first_line_of_stderr(&output);
        Err(Failure::unusable(format!("cannot read the history with git: {why}")).hint(hint))
    }
}

/// Parses the output of `git log --patch --unified=0`.
fn parse(output: &[u8], paths: &[OsString]) -> Vec<FileRevision> {
    let mut revisions: Vec<FileRevision> = Vec::new();
    let mut lines = output.split(|byte| *byte == b'\n');
    let mut old_path = None;
    while let Some(line) = lines.next() {
        let text = String::from_utf8_lossy(line);
        if let Some(commit) = text.strip_prefix(COMMIT) {
            let (commit, time) = commit.split_once(' ').unwrap_or((commit, ""));
            revisions.push(FileRevision {
                commit: commit.to_owned(),
                time: time.parse().unwrap_or_default(),
                files: Vec::new(),
            });
            continue;
        }
        let Some(revision) = revisions.last_mut() else {
            continue;
        };
        if line.starts_with(b"--- ") {
            old_path = path(line, b"--- a/");
        } else if line.starts_with(b"+++ ") {
            let path = path(line, b"+++ b/").or(old_path.take());
            let file = path.and_then(|path| paths.iter().position(|known| *known == path));
            revision.files.extend(file.map(|file| FileChange {
                file,
                removed: Vec::new(),
                added: Vec::new(),
            }));
        } else if let Some((removed, added)) = hunk(&text) {
            let mut take = |count: usize, sign: u8| -> Vec<String> {
                let mut taken = Vec::new();
                while taken.len() < count {
                    let Some(line) = lines.next() else { break };
                    // `\ No newline at end of file` may stand between the lines.
                    if let Some(line) = line.strip_prefix(&[sign]) {
                        let line = line.strip_suffix(b"\r").unwrap_or(line);
                        taken.push(String::from_utf8_lossy(line).into_owned());
                    }
                }
                taken
            };
            let (removed, added) = (take(removed, b'-'), take(added, b'+'));
            if let Some(change) = revision.files.last_mut() {
                change.removed.extend(removed);
                change.added.extend(added);
            }
        }
    }
    revisions
}

/// Returns the path in a `---` or `+++` line; `None` for `/dev/null`. git ends a name with spaces with a tab.
fn path(line: &[u8], prefix: &[u8]) -> Option<OsString> {
    let path = line.strip_prefix(prefix)?;
    Some(os_string(path.strip_suffix(b"\t").unwrap_or(path)))
}

/// Parses `@@ -A[,B] +C[,D] @@`. Returns the numbers of removed and added lines.
fn hunk(line: &str) -> Option<(usize, usize)> {
    let (old, new) = line.strip_prefix("@@ -")?.split_once(" +")?;
    let (new, _) = new.split_once(" @@")?;
    let count = |range: &str| match range.split_once(',') {
        Some((_, count)) => count.parse().ok(),
        None => Some(1),
    };
    Some((count(old)?, count(new)?))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use testkit::GitRepository;

    use super::*;
    use crate::git::repository::tests::variables;
    use crate::git::{Links, Purpose};

    async fn changes(repository: &GitRepository) -> Result<Vec<FileRevision>, Failure> {
        let (path, variables) = (repository.path(), variables());
        let git = Git::discover_from(path, &variables, Purpose::Prune).await?;
        let files = ["a list", "other"].map(|name| git.track(Path::new(name), Links::Refuse));
        let files: Vec<_> = files.into_iter().map(Result::unwrap).collect();
        git.file_changes(&files).await
    }

    /// The added and removed lines of each revision, of both files.
    fn lines(revisions: &[FileRevision]) -> Vec<String> {
        let line = |revision: &FileRevision| {
            let files = revision.files.iter().map(|change| {
                let (removed, added) = (change.removed.join("|"), change.added.join("|"));
                format!("{}:-{removed}+{added}", change.file)
            });
            files.collect::<Vec<_>>().join(" ")
        };
        revisions.iter().map(line).collect()
    }

    #[tokio::test]
    async fn changes_are_those_of_the_files_with_merges_as_one_change() {
        let repository = GitRepository::new();
        repository.write("a list", "one\n-- a\ntwo");
        repository.write("more", "one\n");
        repository.commit("first");
        repository.write("a list", "++ b\ntwo\nthree");
        repository.write("other", "commit 1 2\r\n@@ -1 +1 @@\n");
        repository.commit("second");
        repository.git(&["checkout", "--quiet", "-b", "branch"]);
        repository.write("a list", "two\n");
        repository.commit("third");
        repository.write("a list", "four\n");
        repository.commit("fourth");
        repository.git(&["checkout", "--quiet", "main"]);
        repository.write("more", "two\n");
        repository.commit("fifth");
        repository.git(&["merge", "--quiet", "--no-ff", "-m", "merge", "branch"]);
        let merge = repository.git(&["rev-parse", "HEAD"]);
        std::fs::remove_file(repository.path().join("a list")).unwrap();
        repository.commit("last");
        let found = changes(&repository).await.unwrap();
        let want = [
            "0:-+one|-- a|two",
            "0:-one|-- a|two+++ b|two|three 1:-+commit 1 2|@@ -1 +1 @@",
            "0:-++ b|two|three+four",
            "0:-four+",
        ];
        assert_eq!(lines(&found), want);
        assert_eq!(found[2].commit, merge.trim());
        assert_eq!(found[0].time, 1_767_323_045);
    }

    #[tokio::test]
    async fn clones_without_the_history_are_refused() {
        let origin = GitRepository::new();
        origin.write("a list", "one\n");
        origin.commit("first");
        origin.write("a list", "two\n");
        origin.commit("second");
        let clone = |option: &str| {
            let clone = GitRepository::new();
            let url = format!("file://{}", origin.path().display());
            origin.git(&["config", "uploadpack.allowFilter", "true"]);
            clone.git(&["remote", "add", "origin", &url]);
            clone.git(&["fetch", "--quiet", option, "origin"]);
            clone.git(&["checkout", "--quiet", "-B", "main", "origin/main"]);
            clone
        };
        let shallow = changes(&clone("--depth=1")).await.unwrap_err();
        assert_eq!(shallow.hint.as_deref(), Some(SHALLOW));
        let partial = changes(&clone("--filter=blob:none")).await.unwrap_err();
        assert_eq!(partial.hint.as_deref(), Some(PARTIAL), "{partial}");
        let empty = changes(&GitRepository::new()).await.unwrap_err();
        assert!(empty.message.contains("cannot read the history"), "{empty}");
    }
}
