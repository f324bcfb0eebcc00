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
    /// By hash: the hashes of files by their full path.
    trees: HashMap<String, BTreeMap<String, String>>,
    commits: HashMap<String, Commit>,
    /// Hashes of commits by `heads/BRANCH` and `tags/TAG`.
    refs: BTreeMap<String, String>,
}

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
            .map(|(path, hash)| (path.clone(), text(hash)))
            .collect()
    }

    /// Returns the messages of a branch's commits, newest first.
    pub(super) fn log(&self, branch: &str) -> Vec<String> {
        let mut next = self.refs.get(&format!("heads/{branch}"));
        let mut messages = Vec::new();
        while let Some(commit) = next.and_then(|hash| self.commits.get(hash)) {
            messages.push(commit.message.clone());
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

    fn file(&self, path: &str, at: &str) -> Option<&[u8]> {
        let names = [format!("tags/{at}"), format!("heads/{at}")];
        let named = names.iter().find_map(|name| self.refs.get(name));
        let commit = self.commits.get(named.map_or(at, String::as_str))?;
        let hash = self.trees.get(&commit.tree)?.get(path)?;
        self.blobs.get(hash).map(Vec::as_slice)
    }

    /// Stores a file and returns its hash.
    fn store_blob(&mut self, content: &[u8]) -> String {
        let hash = hash(&["blob".as_bytes(), content]);
        self.blobs.insert(hash.clone(), content.to_vec());
        hash
    }

    /// Stores a tree and returns its hash.
    fn store_tree(&mut self, files: BTreeMap<String, String>) -> String {
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
            tree.insert((*path).to_owned(), self.store_blob(text.as_bytes()));
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
            tree.insert(path.to_owned(), hash.to_owned());
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
