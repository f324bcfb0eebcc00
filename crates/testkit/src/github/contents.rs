//! Files at a branch, a tag or a commit.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::StatusCode;
use serde_json::json;

use super::answer::Answer;
use super::state::Repository;

impl Repository {
    /// A file: its bytes where they are asked for with `raw`, else a document.
    pub(super) fn contents(&self, path: &str, at: Option<&str>, raw: bool) -> Answer {
        let Some(file) = self.file(path, at.unwrap_or("main")) else {
            return Answer::not_found();
        };
        if raw {
            return Answer {
                status: StatusCode::OK,
                headers: vec![(
                    "content-type",
                    "application/vnd.github.raw+json; charset=utf-8".to_owned(),
                )],
                body: file.to_vec(),
            };
        }
        Answer::ok(&json!({
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
}
