//! Blobs, trees, commits and refs (<https://docs.github.com/en/rest/git>).

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::answer::Answer;
use super::state::{Commit, Repository};

impl Repository {
    /// Stores a file and gives its hash.
    pub(super) fn store_blob(&mut self, content: &[u8]) -> String {
        let hash = hash(&["blob".as_bytes(), content]);
        self.blobs.insert(hash.clone(), content.to_vec());
        hash
    }

    /// Stores a tree and gives its hash.
    pub(super) fn store_tree(&mut self, files: BTreeMap<String, String>) -> String {
        let hash = hash(&[format!("tree {files:?}").as_bytes()]);
        self.trees.insert(hash.clone(), files);
        hash
    }

    /// Stores a commit and gives its hash. Equal ones are made different, as time does.
    pub(super) fn store_commit(&mut self, commit: Commit) -> String {
        let number = self.commits.len();
        let hash = hash(&[format!("commit {number} {commit:?}").as_bytes()]);
        self.commits.insert(hash.clone(), commit);
        hash
    }

    /// A tree with the files of the branch, or of none, and others over them.
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

    pub(super) fn create_blob(&mut self, document: &Value) -> Answer {
        match (document["content"].as_str(), document["encoding"].as_str()) {
            (Some(content), None | Some("utf-8")) => {
                let hash = self.store_blob(content.as_bytes());
                Answer::created(&json!({"sha": hash}))
            }
            _ => Answer::unprocessable("Invalid request: content in utf-8 is what is taken here"),
        }
    }

    pub(super) fn create_tree(&mut self, document: &Value) -> Answer {
        let mut tree = match document["base_tree"].as_str() {
            None => BTreeMap::new(),
            Some(base) => match self.trees.get(base) {
                Some(tree) => tree.clone(),
                None => return Answer::unprocessable("base_tree is not a valid tree oid"),
            },
        };
        for file in document["tree"].as_array().into_iter().flatten() {
            let (path, hash) = (file["path"].as_str(), file["sha"].as_str());
            let known = hash.filter(|hash| self.blobs.contains_key(*hash));
            let (Some(path), Some(hash)) = (path, known) else {
                return Answer::unprocessable("tree.sha is not a valid blob");
            };
            tree.insert(path.to_owned(), hash.to_owned());
        }
        let hash = self.store_tree(tree);
        Answer::created(&json!({"sha": hash}))
    }

    pub(super) fn create_commit(&mut self, document: &Value) -> Answer {
        let parents = document["parents"].as_array().into_iter().flatten();
        let parents: Vec<_> = parents.filter_map(Value::as_str).collect();
        let unknown = parents
            .iter()
            .any(|parent| !self.commits.contains_key(*parent));
        let tree = document["tree"].as_str().unwrap_or_default();
        if unknown || !self.trees.contains_key(tree) {
            return Answer::unprocessable("Tree SHA does not exist");
        }
        let hash = self.store_commit(Commit {
            tree: tree.to_owned(),
            parents: parents.into_iter().map(str::to_owned).collect(),
            message: document["message"].as_str().unwrap_or_default().to_owned(),
        });
        Answer::created(&json!({"sha": hash}))
    }

    pub(super) fn commit(&self, hash: &str) -> Answer {
        match self.commits.get(hash) {
            None => Answer::not_found(),
            Some(commit) => Answer::ok(&json!({
                "sha": hash,
                "message": commit.message,
                "tree": {"sha": commit.tree},
                "parents": commit.parents.iter().map(|sha| json!({"sha": sha})).collect::<Vec<_>>(),
            })),
        }
    }

    /// `name` as in `heads/main`.
    pub(super) fn get_ref(&self, name: &str) -> Answer {
        match self.refs.get(name) {
            Some(hash) => Answer::ok(&reference(name, hash)),
            None => Answer::not_found(),
        }
    }

    pub(super) fn create_ref(&mut self, document: &Value) -> Answer {
        let name = document["ref"]
            .as_str()
            .and_then(|name| name.strip_prefix("refs/"));
        let hash = document["sha"].as_str().unwrap_or_default();
        let Some(name) = name.filter(|name| is_ref(name)) else {
            return Answer::unprocessable("Reference name is not valid");
        };
        if self.refs.contains_key(name) {
            return Answer::unprocessable("Reference already exists");
        }
        if !self.commits.contains_key(hash) {
            return Answer::unprocessable("Object does not exist");
        }
        self.refs.insert(name.to_owned(), hash.to_owned());
        Answer::created(&reference(name, hash))
    }

    pub(super) fn update_ref(&mut self, name: &str, document: &Value) -> Answer {
        let hash = document["sha"].as_str().unwrap_or_default();
        let Some(new) = self.commits.get(hash) else {
            return Answer::unprocessable("Object does not exist");
        };
        let Some(old) = self.refs.get_mut(name) else {
            return Answer::unprocessable("Reference does not exist");
        };
        if document["force"] != true && !new.parents.contains(old) {
            return Answer::unprocessable("Update is not a fast forward");
        }
        hash.clone_into(old);
        Answer::ok(&reference(name, hash))
    }

    pub(super) fn delete_ref(&mut self, name: &str) -> Answer {
        match self.refs.remove(name) {
            Some(_) => Answer {
                status: http::StatusCode::NO_CONTENT,
                headers: Vec::new(),
                body: Vec::new(),
            },
            None => Answer::unprocessable("Reference does not exist"),
        }
    }
}

fn reference(name: &str, hash: &str) -> Value {
    json!({"ref": format!("refs/{name}"), "object": {"type": "commit", "sha": hash}})
}

/// The rules of git-check-ref-format(1) that a name can break by accident.
fn is_ref(name: &str) -> bool {
    let bad = |c: char| c.is_ascii_control() || " ~^:?*[\\\x7f".contains(c);
    let bad_part = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    !name.contains(bad)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.ends_with('.')
        && !name.split('/').any(bad_part)
}

/// Forty digits like git's, of another function.
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
