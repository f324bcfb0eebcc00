//! Blobs, trees, commits and refs (<https://docs.github.com/en/rest/git>).

use std::collections::{BTreeMap, HashMap};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::response::ApiResponse;

/// The git objects and refs of one repository.
#[derive(Debug, Default)]
pub(super) struct GitStore {
    /// By hash.
    blobs: HashMap<String, Vec<u8>>,
    /// By hash: the files by their full path.
    trees: HashMap<String, BTreeMap<String, TreeFile>>,
    commits: HashMap<String, Commit>,
    /// Hashes of commits by `heads/BRANCH` and `tags/TAG`.
    refs: BTreeMap<String, String>,
}

/// A file of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TreeFile {
    /// Such as `100644`.
    mode: String,
    /// The hash of its content.
    blob: String,
}

/// The mode of a file that is not executable.
const REGULAR: &str = "100644";

#[derive(Clone, Debug)]
struct Commit {
    tree: String,
    parents: Vec<String>,
    message: String,
}

impl GitStore {
    /// Returns true if there is a branch with this name.
    pub(super) fn has_branch(&self, name: &str) -> bool {
        self.refs.contains_key(&format!("heads/{name}"))
    }

    /// Returns the names of all branches.
    pub(super) fn branches(&self) -> Vec<String> {
        let names = self.refs.keys();
        let branches = names.filter_map(|name| name.strip_prefix("heads/"));
        branches.map(str::to_owned).collect()
    }

    /// Returns the files of a branch by path; none if the branch does not exist.
    pub(super) fn files(&self, branch: &str) -> BTreeMap<String, String> {
        let commit = self.refs.get(&format!("heads/{branch}"));
        let Some(commit) = commit.and_then(|hash| self.commits.get(hash)) else {
            return BTreeMap::new();
        };
        let text = |hash| String::from_utf8_lossy(&self.blobs[hash]).into_owned();
        let files = self.trees[&commit.tree].iter();
        files
            .map(|(path, file)| (path.clone(), text(&file.blob)))
            .collect()
    }

    /// Returns the mode of a file of a branch.
    pub(super) fn mode(&self, branch: &str, path: &str) -> Option<String> {
        let commit = self.commits.get(self.head(branch)?)?;
        Some(self.trees[&commit.tree].get(path)?.mode.clone())
    }

    /// Returns the message and the parents of a commit.
    pub(super) fn commit_parts(&self, hash: &str) -> Option<(&str, &[String])> {
        let commit = self.commits.get(hash)?;
        Some((&commit.message, &commit.parents))
    }

    /// Puts a commit with changed files on another one, and a branch on it. Modes are kept.
    pub(super) fn put_branch(
        &mut self,
        branch: &str,
        start: &str,
        message: &str,
        files: &[(&str, &str)],
    ) {
        let name = format!("heads/{branch}");
        self.refs.insert(name.clone(), start.to_owned());
        self.commit_files(&name, files);
        let made = self.refs[&name].clone();
        if let Some(commit) = self.commits.get_mut(&made) {
            message.clone_into(&mut commit.message);
        }
    }

    /// Replaces the last commit of a branch by one with other files, and the same message.
    pub(super) fn amend(&mut self, branch: &str, files: &[(&str, &str)]) {
        let name = format!("heads/{branch}");
        let old = self.commits[&self.refs[&name]].clone();
        self.commit_files(&name, files);
        let new = self.commits[&self.refs[&name]].clone();
        let hash = self.store_commit(Commit {
            tree: new.tree,
            ..old
        });
        self.refs.insert(name, hash);
    }

    /// Sets the mode of a file of a branch in a new commit.
    pub(super) fn set_mode(&mut self, branch: &str, path: &str, mode: &str) {
        let name = format!("heads/{branch}");
        self.commit_files(&name, &[]);
        let commit = self.commits[&self.refs[&name]].clone();
        let mut tree = self.trees[&commit.tree].clone();
        let file = tree.get_mut(path).expect("a file of the branch");
        mode.clone_into(&mut file.mode);
        let tree = self.store_tree(tree);
        let hash = self.store_commit(Commit { tree, ..commit });
        self.refs.insert(name, hash);
    }

    /// Returns the hash of the commit at the head of a branch.
    pub(super) fn head(&self, branch: &str) -> Option<&str> {
        Some(self.refs.get(&format!("heads/{branch}"))?)
    }

    /// Merges the changes of a branch since its first commit that `base` has, and returns the new commit.
    pub(super) fn merge(&mut self, base: &str, head: &str) -> Option<String> {
        let (ours, theirs) = (self.tree_of(base)?.clone(), self.tree_of(head)?.clone());
        let before = self.common_tree(base, head)?.clone();
        let mut tree = ours;
        for (path, file) in theirs {
            if before.get(&path) != Some(&file) {
                tree.insert(path, file);
            }
        }
        let parents = [base, head].map(|branch| self.head(branch).map(str::to_owned));
        let commit = Commit {
            tree: self.store_tree(tree),
            parents: parents.into_iter().flatten().collect(),
            message: format!("Merge {head}"),
        };
        let hash = self.store_commit(commit);
        self.refs.insert(format!("heads/{base}"), hash.clone());
        Some(hash)
    }

    /// Returns true if both branches changed a file in different ways since their common commit. Git looks
    /// at lines instead of files.
    pub(super) fn conflicts(&self, base: &str, head: &str) -> bool {
        let trees = (self.tree_of(base), self.tree_of(head));
        let (Some(ours), Some(theirs)) = trees else {
            return false;
        };
        let Some(before) = self.common_tree(base, head) else {
            return true;
        };
        let is_changed =
            |tree: &BTreeMap<String, TreeFile>, path| tree.get(path) != before.get(path);
        theirs.keys().any(|path| {
            is_changed(ours, path) && is_changed(theirs, path) && ours.get(path) != theirs.get(path)
        })
    }

    fn tree_of(&self, branch: &str) -> Option<&BTreeMap<String, TreeFile>> {
        let commit = self.commits.get(self.head(branch)?)?;
        self.trees.get(&commit.tree)
    }

    /// Returns the tree of the newest commit that both branches have.
    fn common_tree(&self, base: &str, head: &str) -> Option<&BTreeMap<String, TreeFile>> {
        let ours: Vec<_> = self.history(base).collect();
        let common = self.history(head).find(|hash| ours.contains(hash))?;
        self.trees.get(&self.commits.get(common)?.tree)
    }

    /// Returns the hashes of a branch's commits along first parents, newest first.
    fn history<'a>(&'a self, branch: &str) -> impl Iterator<Item = &'a str> {
        std::iter::successors(self.head(branch), |hash| {
            let commit = self.commits.get(*hash)?;
            commit.parents.first().map(String::as_str)
        })
    }

    /// Returns one directory of a tree. Directories have hashes of the form `TREE-DIRECTORY`.
    pub(super) fn tree(&self, hash: &str) -> ApiResponse {
        let (root, directory) = hash.split_once('-').unwrap_or((hash, ""));
        let Some(tree) = self.trees.get(root) else {
            return ApiResponse::not_found();
        };
        let prefix = match directory {
            "" => String::new(),
            directory => format!("{directory}/"),
        };
        let mut entries: BTreeMap<&str, Value> = BTreeMap::new();
        for (path, file) in tree {
            let Some(rest) = path.strip_prefix(&prefix) else {
                continue;
            };
            let (name, entry) = match rest.split_once('/') {
                None => (
                    rest,
                    json!({"path": rest, "mode": file.mode, "type": "blob", "sha": file.blob}),
                ),
                Some((name, _)) => (
                    name,
                    json!({
                        "path": name,
                        "mode": "040000",
                        "type": "tree",
                        "sha": format!("{root}-{prefix}{name}"),
                    }),
                ),
            };
            entries.insert(name, entry);
        }
        let entries: Vec<_> = entries.into_values().collect();
        ApiResponse::ok(&json!({"sha": hash, "tree": entries, "truncated": false}))
    }

    /// Returns the first lines of the messages of a branch's commits, newest first.
    pub(super) fn log(&self, branch: &str) -> Vec<String> {
        let mut next = self.refs.get(&format!("heads/{branch}"));
        let mut messages = Vec::new();
        while let Some(commit) = next.and_then(|hash| self.commits.get(hash)) {
            let subject = commit.message.lines().next().unwrap_or_default();
            messages.push(subject.to_owned());
            next = commit.parents.first();
        }
        messages
    }

    /// Returns a file at a branch, a tag or a commit: its bytes with `raw`, else a document.
    pub(super) fn contents(&self, path: &str, at: Option<&str>, raw: bool) -> ApiResponse {
        let Some(file) = self.file(path, at.unwrap_or("main")) else {
            return ApiResponse::not_found();
        };
        if raw {
            return ApiResponse {
                status: StatusCode::OK,
                headers: vec![(
                    "content-type",
                    "application/vnd.github.raw+json; charset=utf-8".to_owned(),
                )],
                body: file.to_vec(),
            };
        }
        ApiResponse::ok(&json!({
            "type": "file",
            "path": path,
            "encoding": "base64",
            "content": BASE64_STANDARD.encode(file),
        }))
    }

    pub(super) fn file(&self, path: &str, at: &str) -> Option<&[u8]> {
        let names = [format!("tags/{at}"), format!("heads/{at}")];
        let named = names.iter().find_map(|name| self.refs.get(name));
        let commit = self.commits.get(named.map_or(at, String::as_str))?;
        let file = self.trees.get(&commit.tree)?.get(path)?;
        self.blobs.get(&file.blob).map(Vec::as_slice)
    }

    /// Stores a file and returns its hash.
    fn store_blob(&mut self, content: &[u8]) -> String {
        let hash = hash(&["blob".as_bytes(), content]);
        self.blobs.insert(hash.clone(), content.to_vec());
        hash
    }

    /// Stores a tree and returns its hash.
    fn store_tree(&mut self, files: BTreeMap<String, TreeFile>) -> String {
        let hash = hash(&[format!("tree {files:?}").as_bytes()]);
        self.trees.insert(hash.clone(), files);
        hash
    }

    /// Stores a commit and returns its hash. Equal commits get different hashes, as with different
    /// times.
    fn store_commit(&mut self, commit: Commit) -> String {
        let number = self.commits.len();
        let hash = hash(&[format!("commit {number} {commit:?}").as_bytes()]);
        self.commits.insert(hash.clone(), commit);
        hash
    }

    /// Commits files on top of those of a ref, which is created if it does not exist.
    pub(super) fn commit_files(&mut self, name: &str, files: &[(&str, &str)]) {
        let parent = self.refs.get(name).cloned();
        let commit = parent.as_ref().and_then(|hash| self.commits.get(hash));
        let tree = commit.and_then(|commit| self.trees.get(&commit.tree));
        let mut tree = tree.cloned().unwrap_or_default();
        for (path, text) in files {
            let old = tree.get(*path);
            let file = TreeFile {
                mode: old.map_or_else(|| REGULAR.to_owned(), |file| file.mode.clone()),
                blob: self.store_blob(text.as_bytes()),
            };
            tree.insert((*path).to_owned(), file);
        }
        let commit = Commit {
            tree: self.store_tree(tree),
            parents: parent.into_iter().collect(),
            message: "A commit".to_owned(),
        };
        let hash = self.store_commit(commit);
        self.refs.insert(name.to_owned(), hash);
    }

    pub(super) fn create_blob(&mut self, document: &Value) -> ApiResponse {
        match (document["content"].as_str(), document["encoding"].as_str()) {
            (Some(content), None | Some("utf-8")) => {
                let hash = self.store_blob(content.as_bytes());
                ApiResponse::created(&json!({"sha": hash}))
            }
            _ => ApiResponse::unprocessable("Invalid request: content must be in utf-8"),
        }
    }

    pub(super) fn create_tree(&mut self, document: &Value) -> ApiResponse {
        let mut tree = match document["base_tree"].as_str() {
            None => BTreeMap::new(),
            Some(base) => match self.trees.get(base) {
                Some(tree) => tree.clone(),
                None => return ApiResponse::unprocessable("base_tree is not a valid tree oid"),
            },
        };
        for file in document["tree"].as_array().into_iter().flatten() {
            let (path, hash) = (file["path"].as_str(), file["sha"].as_str());
            let known = hash.filter(|hash| self.blobs.contains_key(*hash));
            let (Some(path), Some(hash)) = (path, known) else {
                return ApiResponse::unprocessable("tree.sha is not a valid blob");
            };
            let file = TreeFile {
                mode: file["mode"].as_str().unwrap_or(REGULAR).to_owned(),
                blob: hash.to_owned(),
            };
            tree.insert(path.to_owned(), file);
        }
        let hash = self.store_tree(tree);
        ApiResponse::created(&json!({"sha": hash}))
    }

    pub(super) fn create_commit(&mut self, document: &Value) -> ApiResponse {
        let parents = document["parents"].as_array().into_iter().flatten();
        let parents: Vec<_> = parents.filter_map(Value::as_str).collect();
        let unknown = parents
            .iter()
            .any(|parent| !self.commits.contains_key(*parent));
        let tree = document["tree"].as_str().unwrap_or_default();
        if unknown || !self.trees.contains_key(tree) {
            return ApiResponse::unprocessable("Tree SHA does not exist");
        }
        let hash = self.store_commit(Commit {
            tree: tree.to_owned(),
            parents: parents.into_iter().map(str::to_owned).collect(),
            message: document["message"].as_str().unwrap_or_default().to_owned(),
        });
        ApiResponse::created(&json!({"sha": hash}))
    }

    pub(super) fn commit(&self, hash: &str) -> ApiResponse {
        match self.commits.get(hash) {
            None => ApiResponse::not_found(),
            Some(commit) => ApiResponse::ok(&json!({
                "sha": hash,
                "message": commit.message,
                "tree": {"sha": commit.tree},
                "parents": commit.parents.iter().map(|sha| json!({"sha": sha})).collect::<Vec<_>>(),
            })),
        }
    }

    /// Returns a ref with a name such as `heads/main`.
    pub(super) fn get_ref(&self, name: &str) -> ApiResponse {
        match self.refs.get(name) {
            Some(hash) => ApiResponse::ok(&reference(name, hash)),
            None => ApiResponse::not_found(),
        }
    }

    pub(super) fn create_ref(&mut self, document: &Value) -> ApiResponse {
        let name = document["ref"]
            .as_str()
            .and_then(|name| name.strip_prefix("refs/"));
        let hash = document["sha"].as_str().unwrap_or_default();
        let Some(name) = name.filter(|name| is_ref(name)) else {
            return ApiResponse::unprocessable("Reference name is not valid");
        };
        if self.refs.contains_key(name) {
            return ApiResponse::unprocessable("Reference already exists");
        }
        if !self.commits.contains_key(hash) {
            return ApiResponse::unprocessable("Object does not exist");
        }
        self.refs.insert(name.to_owned(), hash.to_owned());
        ApiResponse::created(&reference(name, hash))
    }

    pub(super) fn update_ref(&mut self, name: &str, document: &Value) -> ApiResponse {
        let hash = document["sha"].as_str().unwrap_or_default();
        let Some(new) = self.commits.get(hash) else {
            return ApiResponse::unprocessable("Object does not exist");
        };
        let Some(old) = self.refs.get_mut(name) else {
            return ApiResponse::unprocessable("Reference does not exist");
        };
        if document["force"] != true && !new.parents.contains(old) {
            return ApiResponse::unprocessable("Update is not a fast forward");
        }
        hash.clone_into(old);
        ApiResponse::ok(&reference(name, hash))
    }

    pub(super) fn delete_ref(&mut self, name: &str) -> ApiResponse {
        match self.refs.remove(name) {
            Some(_) => ApiResponse {
                status: StatusCode::NO_CONTENT,
                headers: Vec::new(),
                body: Vec::new(),
            },
            None => ApiResponse::unprocessable("Reference does not exist"),
        }
    }
}

fn reference(name: &str, hash: &str) -> Value {
    json!({"ref": format!("refs/{name}"), "object": {"type": "commit", "sha": hash}})
}

/// Checks the rules of git-check-ref-format(1) that a name can break by accident.
fn is_ref(name: &str) -> bool {
    let bad = |c: char| c.is_ascii_control() || " ~^:?*[\\\x7f".contains(c);
    let bad_part = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    !name.contains(bad)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.ends_with('.')
        && !name.split('/').any(bad_part)
}

/// Returns 40 hexadecimal digits as git does, from another hash function.
fn hash(parts: &[&[u8]]) -> String {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update(part);
        sha.update([0]);
    }
    let digest = sha.finalize();
    digest[..20]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
