//! The repository and the target branch of the pull requests.

use serde::Deserialize;
use tag_retrieval::github::{Github, GithubError, GithubProject, GithubRequest, project_path};

/// The repository and the target branch of the pull requests, at the start of the run.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) github: Github,
    /// The current name on GitHub. A checkout may have the name before a rename.
    pub(super) repository: GithubProject,
    /// The target branch.
    pub(super) base: String,
    /// The hash of the commit at the head of the branch.
    pub(super) commit: String,
    /// The hash of the commit's tree.
    pub(super) tree: String,
}

#[derive(Debug, Deserialize)]
struct RepositoryDocument {
    full_name: String,
    default_branch: String,
}

#[derive(Debug, Deserialize)]
struct RefDocument {
    object: Object,
}

#[derive(Debug, Deserialize)]
struct CommitDocument {
    tree: Object,
}

#[derive(Debug, Deserialize)]
struct Object {
    sha: String,
}

/// The mode of a file that is not executable.
const REGULAR: &str = "100644";

#[derive(Debug, Deserialize)]
struct TreeDocument {
    tree: Vec<TreeEntry>,
}

/// An entry of one directory, see <https://docs.github.com/en/rest/git/trees>.
#[derive(Debug, Deserialize)]
struct TreeEntry {
    path: String,
    mode: String,
    sha: String,
}

impl Target {
    /// Reads the repository and its branch `base`, or its default branch.
    pub(super) async fn read(
        github: &Github,
        named: &GithubProject,
        base: Option<&str>,
    ) -> Result<Self, GithubError> {
        let request = GithubRequest::get(project_path(named, []));
        let document = github.fetch::<RepositoryDocument>(&request).await;
        let document =
            document.map_err(|error| error.with_target(|| format!("repository {named}")))?;
        let repository = match document.full_name.split_once('/') {
            Some((owner, repository)) => GithubProject {
                owner: owner.to_owned(),
                repository: repository.to_owned(),
            },
            None => named.clone(),
        };
        let base = base.map_or(document.default_branch, str::to_owned);
        let parts = ["git", "ref", "heads"].into_iter().chain(base.split('/'));
        let request = GithubRequest::get(project_path(&repository, parts));
        let head = github.fetch::<RefDocument>(&request).await;
        let head =
            head.map_err(|error| error.with_target(|| format!("branch {base} in {repository}")))?;
        let commit = head.object.sha;
        let path = project_path(&repository, ["git", "commits", &commit]);
        let CommitDocument { tree } = github.fetch(&GithubRequest::get(path)).await?;
        Ok(Self {
            github: github.clone(),
            repository,
            base,
            commit,
            tree: tree.sha,
        })
    }

    /// Returns the mode of a file in the tree, `100644` for a new file.
    pub(super) async fn file_mode(&self, path: &str) -> Result<String, GithubError> {
        let mut tree = self.tree.clone();
        let (directories, name) = match path.rsplit_once('/') {
            Some((directories, name)) => (directories.split('/').collect(), name),
            None => (Vec::new(), path),
        };
        for directory in directories {
            match self.tree_entry(&tree, directory).await? {
                Some(entry) => tree = entry.sha,
                None => return Ok(REGULAR.to_owned()),
            }
        }
        let file = self.tree_entry(&tree, name).await?;
        Ok(file.map_or_else(|| REGULAR.to_owned(), |file| file.mode))
    }

    async fn tree_entry(&self, tree: &str, name: &str) -> Result<Option<TreeEntry>, GithubError> {
        let path = project_path(&self.repository, ["git", "trees", tree]);
        let document: TreeDocument = self.github.fetch(&GithubRequest::get(path)).await?;
        let mut entries = document.tree.into_iter();
        Ok(entries.find(|entry| entry.path == name))
    }

    /// Returns the hash of the commit at the head of a branch.
    pub(super) async fn head(&self, branch: &str) -> Result<String, GithubError> {
        let parts = ["git", "ref", "heads"].into_iter().chain(branch.split('/'));
        let request = GithubRequest::get(project_path(&self.repository, parts));
        let head = self.github.fetch::<RefDocument>(&request).await?;
        Ok(head.object.sha)
    }
}
