//! Commits of the command, which it may replace.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Deserialize;
use tag_retrieval::github::{GithubError, GithubRequest, project_path};

use super::Edit;
use super::marker::hash;
use super::target::Target;

/// The trailer of a commit's message with the hash of a file and its path. A commit that a person
/// amended has another content.
const TRAILER: &str = "Mirror-File: ";

#[derive(Debug, Deserialize)]
struct CommitDocument {
    message: String,
    parents: Vec<Parent>,
}

#[derive(Debug, Deserialize)]
struct Parent {}

/// Returns the message of a commit with edited files.
pub(super) fn message(title: &str, edited: &BTreeMap<String, Edit>) -> String {
    let trailers = edited
        .iter()
        .map(|(path, edit)| format!("{TRAILER}{} {path}\n", hash(&edit.after)));
    format!("{title}\n\n{}", trailers.collect::<String>())
}

/// Returns true if a commit was made by the command: it has one parent, and the files that its message
/// names have the content that it names.
pub(super) async fn is_own(target: &Target, commit: &str) -> Result<bool, GithubError> {
    let path = project_path(&target.repository, ["git", "commits", commit]);
    let document = target.github.fetch(&GithubRequest::get(path)).await;
    let document: CommitDocument = match document {
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => return Ok(false),
        document => document?,
    };
    let trailers: Vec<_> = trailers(&document.message).collect();
    if document.parents.len() != 1 || trailers.is_empty() {
        return Ok(false);
    }
    for (wanted, path) in trailers {
        let file = target.github.file(&target.repository, commit, path).await?;
        if file.is_none_or(|text| hash(&text) != wanted) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn trailers(message: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = message.lines();
    lines.filter_map(|line| line.strip_prefix(TRAILER)?.split_once(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_names_files_and_their_hashes() {
        let edit = |after: &str| Edit {
            before: None,
            after: after.to_owned(),
        };
        let edited = BTreeMap::from([
            ("images-list".to_owned(), edit("a\n")),
            ("lists/b c".to_owned(), edit("")),
        ]);
        let message = message("Added tag(s) v1", &edited);
        let found: Vec<_> = trailers(&message).collect();
        let hashes = [hash("a\n"), hash("")];
        let want = [(&*hashes[0], "images-list"), (&*hashes[1], "lists/b c")];
        assert_eq!(found, want, "{message}");
        assert_eq!(message.lines().next(), Some("Added tag(s) v1"));
    }
}
