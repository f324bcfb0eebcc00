//! Commits of the command, which it may replace.

use std::collections::BTreeMap;

use super::Edit;
use super::host::{CommitInfo, Host, HostError};
use super::marker::hash as hash_of;

/// The trailer of a commit's message with the hash of a file and its path. A commit that a person
/// amended has another content.
const TRAILER: &str = "Mirror-File: ";

/// Returns the message of a commit with edited files.
pub(super) fn message(title: &str, edited: &BTreeMap<String, Edit>) -> String {
    let trailers = edited
        .iter()
        .map(|(path, edit)| format!("{TRAILER}{} {path}\n", hash_of(&edit.after)));
    format!("{title}\n\n{}", trailers.collect::<String>())
}

/// Returns true if a commit was made by the command: it has one parent, and the files that its message
/// names have the content that it names.
pub(super) async fn is_own(host: &impl Host, hash: &str) -> Result<bool, HostError> {
    let Some(CommitInfo { message, parents }) = host.commit(hash).await? else {
        return Ok(false);
    };
    let trailers: Vec<_> = trailers(&message).collect();
    if parents != 1 || trailers.is_empty() {
        return Ok(false);
    }
    for (wanted, path) in trailers {
        let file = host.file(hash, path).await?;
        if file.is_none_or(|text| hash_of(&text) != wanted) {
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
        let hashes = [hash_of("a\n"), hash_of("")];
        let want = [(&*hashes[0], "images-list"), (&*hashes[1], "lists/b c")];
        assert_eq!(found, want, "{message}");
        assert_eq!(message.lines().next(), Some("Added tag(s) v1"));
    }
}
