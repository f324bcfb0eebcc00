//! The merge base of a branch, and the content of files in a commit.

use std::ffi::OsStr;

use super::repository::{Git, first_line_of_stderr, os_string};
use super::tracked::TrackedPath;
use crate::cli::failure::Failure;

/// The default bases of a branch. The first that exists is used.
const DEFAULT_BASES: [&str; 3] = ["origin/HEAD", "origin/main", "origin/master"];

/// The hint for a shallow clone. It tracks one branch only, so the refspec names all.
pub(super) const SHALLOW: &str = "fetch the history of the shallow clone with \
    `git fetch --unshallow origin '+refs/heads/*:refs/remotes/origin/*'`, \
    or check out with `fetch-depth: 0`";

/// The hint for a partial clone. Objects are not fetched on demand, since the configuration of an
/// untrusted checkout controls the fetch.
pub(super) const PARTIAL: &str = "fetch the missing objects of the partial clone with \
    `git fetch --refetch --no-filter origin`, or check out without `filter`";

const NAME_THE_BASE: &str = "name the target branch with --base";

/// The size of the largest removed file that is read, in bytes.
const MAX_REMOVED: u64 = 16 * 1024 * 1024;

/// A file of a commit that the branch has removed or renamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemovedFile {
    /// The path in the commit.
    pub(crate) file: TrackedPath,
    hash: String,
}

impl Git {
    /// Returns the hash of the commit where the current branch left `base`, by default the first
    /// of `origin/HEAD`, `origin/main` and `origin/master` that exists.
    ///
    /// # Errors
    ///
    /// [`Failure`] if there is no such revision, or the clone has too little history.
    pub(crate) async fn merge_base(&self, base: Option<&str>) -> Result<String, Failure> {
        let commit = match base {
            Some(base) => self.commit(base).await?,
            None => self.default_base().await?,
        };
        let found = self.run(["merge-base", &commit, "HEAD"]).await?;
        if found.status.success() {
            return Ok(String::from_utf8_lossy(&found.stdout).trim().to_owned());
        }
        let name = base.unwrap_or("the base");
        let hint = if self.is_shallow().await? {
            SHALLOW
        } else {
            NAME_THE_BASE
        };
        let message = format!("HEAD and {name} have no common commit in this clone");
        Err(Failure::unusable(message).hint(hint.to_owned()))
    }

    async fn default_base(&self) -> Result<String, Failure> {
        for base in DEFAULT_BASES {
            if let Some(commit) = self.find_commit(base).await? {
                return Ok(commit);
            }
        }
        let hint = if self.is_shallow().await? {
            SHALLOW.to_owned()
        } else {
            format!("{NAME_THE_BASE}, or fetch it with `git fetch origin`")
        };
        let message = format!(
            "cannot find the target branch: there is no {}",
            DEFAULT_BASES.join(", no ")
        );
        Err(Failure::unusable(message).hint(hint))
    }

    /// Returns the name of the default branch of `origin`, unless the clone has none or its last commit is checked
    /// out.
    ///
    /// # Errors
    ///
    /// [`Failure`] if git cannot be run.
    pub(crate) async fn default_branch_if_other(&self) -> Result<Option<String>, Failure> {
        let head = self.find_commit("HEAD").await?;
        for base in DEFAULT_BASES {
            let commit = self.find_commit(base).await?;
            if commit.is_some() {
                return Ok((commit != head).then(|| base.to_owned()));
            }
        }
        Ok(None)
    }

    /// Returns the content of a file in a revision, `None` if the revision has no such file.
    ///
    /// # Errors
    ///
    /// [`Failure`] if there is no such revision, the clone lacks the file, or it is a symbolic
    /// link there.
    pub(crate) async fn content_at(
        &self,
        revision: &str,
        file: &TrackedPath,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let commit = self.commit(revision).await?;
        let arguments = ["ls-tree", "-z", "--full-tree", &commit, "--"].map(OsStr::new);
        let arguments = arguments.into_iter().chain([file.path().as_os_str()]);
        let listed = self.run(arguments).await?;
        let unreadable = |why: &str| {
            let name = file.name();
            Failure::unusable(format!("cannot read {name} of {revision} with git: {why}"))
        };
        let output = if listed.status.success() {
            // MODE TYPE HASH, a tab and the path.
            let entry = String::from_utf8_lossy(&listed.stdout);
            let hash = match entry.split_whitespace().collect::<Vec<_>>()[..] {
                ["120000", ..] => return Err(unreadable("symbolic link")),
                [_, "blob", hash, ..] => hash,
                _ => return Ok(None),
            };
            let shown = self.run(["cat-file", "blob", hash]).await?;
            if shown.status.success() {
                return Ok(Some(shown.stdout.to_vec()));
            }
            shown
        } else {
            listed
        };
        let hint = self.is_partial().await?.then(|| PARTIAL.to_owned());
        Err(unreadable(&first_line_of_stderr(&output)).hint(hint))
    }

    /// Returns the regular files of a commit that the index does not have as such.
    ///
    /// # Errors
    ///
    /// [`Failure`] if git fails.
    pub(crate) async fn removed_files(&self, commit: &str) -> Result<Vec<RemovedFile>, Failure> {
        let options = ["--cached", "--no-renames", "--diff-filter=DT", "-z"];
        let arguments = ["diff-index"].into_iter().chain(options);
        let listed = self.run(arguments.chain([commit, "--"])).await?;
        if !listed.status.success() {
            let why = first_line_of_stderr(&listed);
            let message = format!("cannot list the files that were removed since {commit}: {why}");
            return Err(Failure::unusable(message));
        }
        // `:MODE MODE HASH HASH STATUS`, NUL, the path, NUL.
        let fields: Vec<&[u8]> = listed.stdout.split(|byte| *byte == 0).collect();
        let removed = fields.chunks_exact(2).filter_map(|field| {
            let status = String::from_utf8_lossy(field[0]);
            match status.split(' ').collect::<Vec<_>>()[..] {
                [mode, _, hash, ..] if mode.starts_with(":100") => Some(RemovedFile {
                    file: TrackedPath::from_top(os_string(field[1]).into()),
                    hash: hash.to_owned(),
                }),
                _ => None,
            }
        });
        Ok(removed.collect())
    }

    /// Returns the content of a removed file, `None` if it is larger than any list.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the clone lacks the file.
    pub(crate) async fn removed_content(
        &self,
        removed: &RemovedFile,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let mut output = self.run(["cat-file", "-s", &removed.hash]).await?;
        if output.status.success() {
            let size = String::from_utf8_lossy(&output.stdout)
                .trim()
                .parse::<u64>();
            if size.is_ok_and(|size| size > MAX_REMOVED) {
                return Ok(None);
            }
            output = self.run(["cat-file", "blob", &removed.hash]).await?;
            if output.status.success() {
                return Ok(Some(output.stdout.to_vec()));
            }
        }
        let hint = self.is_partial().await?.then(|| PARTIAL.to_owned());
        let (name, why) = (removed.file.name(), first_line_of_stderr(&output));
        let message = format!("cannot read {name}, which the branch removes, with git: {why}");
        Err(Failure::unusable(message).hint(hint))
    }

    async fn commit(&self, revision: &str) -> Result<String, Failure> {
        // git would parse it as an option.
        if revision.is_empty() || revision.starts_with('-') {
            let message = format!("{revision:?} is not a git revision");
            return Err(Failure::unusable(message));
        }
        if let Some(commit) = self.find_commit(revision).await? {
            return Ok(commit);
        }
        let hint = if self.is_shallow().await? {
            SHALLOW
        } else {
            "fetch it with `git fetch`, or name another revision"
        };
        let message = format!("the git revision {revision:?} does not exist");
        Err(Failure::unusable(message).hint(hint.to_owned()))
    }

    async fn find_commit(&self, revision: &str) -> Result<Option<String>, Failure> {
        let spec = format!("{revision}^{{commit}}");
        let parsed = self
            .run(["rev-parse", "--verify", "--quiet", &spec])
            .await?;
        let hash = String::from_utf8_lossy(&parsed.stdout).trim().to_owned();
        Ok(parsed.status.success().then_some(hash))
    }

    /// Returns the lines of committed files that have the form of a row, with their files.
    ///
    /// # Errors
    ///
    /// [`Failure`] if git cannot search.
    pub(crate) async fn lines_like_rows(&self) -> Result<Vec<(TrackedPath, String)>, Failure> {
        const ROW: &str =
            "^[^#[:space:]]+[[:space:]]+[^[:space:]]+[[:space:]]+[^[:space:]]+[[:space:]]*$";
        let arguments = [
            "grep",
            "-z",
            "-I",
            "--no-color",
            "--full-name",
            "-E",
            "-e",
            ROW,
            "HEAD",
        ];
        let output = self.run(arguments).await?;
        // 1: no file has one.
        if !matches!(output.status.code(), Some(0 | 1)) {
            let why = first_line_of_stderr(&output);
            return Err(Failure::unusable(format!(
                "cannot search the files with git: {why}"
            )));
        }
        let lines = output.stdout.split(|byte| *byte == b'\n');
        let found = lines.filter_map(|line| {
            let line = line.strip_prefix(b"HEAD:")?;
            let end = line.iter().position(|byte| *byte == 0)?;
            let text = String::from_utf8_lossy(&line[end + 1..]).into_owned();
            Some((TrackedPath::from_top(os_string(&line[..end]).into()), text))
        });
        Ok(found.collect())
    }

    pub(super) async fn is_shallow(&self) -> Result<bool, Failure> {
        let shallow = self.run(["rev-parse", "--is-shallow-repository"]).await?;
        Ok(shallow.stdout.starts_with(b"true"))
    }

    pub(super) async fn is_partial(&self) -> Result<bool, Failure> {
        const PROMISOR: &str = r"^(extensions\.partialclone|remote\..*\.promisor)$";
        let found = self
            .run(["config", "--local", "--get-regexp", PROMISOR])
            .await?;
        Ok(found.status.success())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use testkit::GitRepository;

    use super::*;
    use crate::git::repository::tests::variables;
    use crate::git::{Links, Purpose};

    async fn open(repository: &GitRepository) -> Git {
        let (path, variables) = (repository.path(), variables());
        let git = Git::discover_from(path, &variables, Purpose::ChangedSince).await;
        git.unwrap()
    }

    fn with_list() -> GitRepository {
        let repository = GitRepository::new();
        repository.write("sub/list", "old");
        repository.commit("first");
        repository
    }

    #[tokio::test]
    async fn content_is_that_of_the_revision() {
        let repository = with_list();
        repository.write("sub/list", "new");
        symlink("sub/list", repository.path().join("link")).unwrap();
        let git = open(&repository).await;
        for name in ["sub/list", "link"] {
            let tracked = git.track(Path::new(name), Links::Follow).unwrap();
            let content = git.content_at("HEAD", &tracked).await.unwrap();
            assert_eq!(content.as_deref(), Some(&b"old"[..]), "{name}");
        }
        // A file that did not exist, with a name that would be a pattern; and a directory.
        for name in ["sub/lis*", "sub"] {
            let tracked = git.track(Path::new(name), Links::Refuse).unwrap();
            assert_eq!(git.content_at("HEAD", &tracked).await, Ok(None), "{name}");
        }
    }

    #[tokio::test]
    async fn symbolic_link_in_the_revision_is_refused() {
        let repository = with_list();
        let link = repository.path().join("link");
        symlink("sub/list", &link).unwrap();
        repository.commit("second");
        fs::remove_file(&link).unwrap();
        repository.write("link", "new");
        let git = open(&repository).await;
        let tracked = git.track(Path::new("link"), Links::Refuse).unwrap();
        let failure = git.content_at("HEAD", &tracked).await.unwrap_err();
        let want = "cannot read link of HEAD with git: symbolic link";
        assert_eq!(failure.message, want);
    }

    #[tokio::test]
    async fn unknown_revisions_are_refused() {
        let repository = with_list();
        let git = open(&repository).await;
        let tracked = git.track(Path::new("sub/list"), Links::Refuse).unwrap();
        for revision in ["no-such", "--version", "", "HEAD~1"] {
            let failure = git.content_at(revision, &tracked).await.unwrap_err();
            let message = &failure.message;
            assert!(message.contains("revision"), "{revision}: {failure}");
        }
    }

    #[tokio::test]
    async fn partial_clone_is_not_fetched_and_the_hint_names_the_command() {
        let origin = with_list();
        origin.git(&["config", "uploadpack.allowFilter", "true"]);
        origin.write("sub/list", "new");
        origin.commit("second");
        let clone = GitRepository::new();
        let url = format!("file://{}", origin.path().display());
        clone.git(&["remote", "add", "origin", &url]);
        clone.git(&["fetch", "--quiet", "--filter=blob:none", "origin"]);
        clone.git(&["checkout", "--quiet", "-B", "main", "origin/main"]);
        let git = open(&clone).await;
        let tracked = git.track(Path::new("sub/list"), Links::Refuse).unwrap();
        let failure = git.content_at("HEAD~1", &tracked).await.unwrap_err();
        let hint = failure.hint.unwrap();
        assert_eq!(hint, PARTIAL);
        // The command of the hint works.
        clone.git(&["fetch", "--quiet", "--refetch", "--no-filter", "origin"]);
        let content = git.content_at("HEAD~1", &tracked).await.unwrap();
        assert_eq!(content.as_deref(), Some(&b"old"[..]));
    }
}
