//! Which request asks for what.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::answer::Answer;
use super::query::Query;
use super::state::{Repository, State};

/// A request, read.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    /// The parts of the path, decoded.
    pub(super) path: Vec<String>,
    pub(super) query: Query,
    /// The URL without the query.
    pub(super) url: &'a str,
    /// Whether the file itself is asked for.
    pub(super) raw: bool,
    /// Whether it came with the token.
    pub(super) known: bool,
    /// `null`, where there is none.
    pub(super) document: Value,
}

impl Ask<'_> {
    /// Sends the client on: to the same request, not to a GET.
    fn moved(&self, old: &str, new: &str) -> Answer {
        let status = match self.method {
            Method::GET => StatusCode::MOVED_PERMANENTLY,
            _ => StatusCode::TEMPORARY_REDIRECT,
        };
        let url = self.url.replacen(old, new, 1);
        let answer = Answer::refused(status, "Moved Permanently");
        answer.header("location", format!("{url}?{}", self.query.text()))
    }
}

impl State {
    pub(super) fn answer(&mut self, ask: &Ask<'_>) -> Answer {
        let path: Vec<&str> = ask.path.iter().map(String::as_str).collect();
        let ["repos", owner, name, rest @ ..] = path.as_slice() else {
            return Answer::not_found();
        };
        let project = format!("{owner}/{name}");
        if let Some(new) = self.renamed.get(&project) {
            return ask.moved(&project, new);
        }
        // GitHub does not tell strangers that there is such a repository.
        let found = self.repositories.get_mut(&project);
        let Some(repository) = found.filter(|found| ask.known || !found.private) else {
            return Answer::not_found();
        };
        if ask.method == Method::GET {
            return repository.read(&project, rest, ask);
        }
        if !ask.known {
            return Answer::refused(StatusCode::UNAUTHORIZED, "Requires authentication");
        }
        repository.write(&project, rest, ask)
    }
}

impl Repository {
    fn read(&self, project: &str, path: &[&str], ask: &Ask<'_>) -> Answer {
        match path {
            [] => Answer::ok(&json!({
                "full_name": project,
                "private": self.private,
                "default_branch": "main",
            })),
            ["releases"] => self.list_releases(project, ask.url, &ask.query),
            ["releases", "latest"] => self.latest_release(project),
            ["contents", path @ ..] => {
                self.contents(&path.join("/"), ask.query.get("ref"), ask.raw)
            }
            ["git", "ref", name @ ..] => self.get_ref(&name.join("/")),
            ["git", "commits", hash] => self.commit(hash),
            ["pulls"] => self.list_pulls(project, ask.url, &ask.query),
            ["labels", name] => self.label(name),
            _ => Answer::not_found(),
        }
    }

    fn write(&mut self, project: &str, path: &[&str], ask: &Ask<'_>) -> Answer {
        let document = &ask.document;
        match (ask.method.as_str(), path) {
            ("POST", ["git", "blobs"]) => self.create_blob(document),
            ("POST", ["git", "trees"]) => self.create_tree(document),
            ("POST", ["git", "commits"]) => self.create_commit(document),
            ("POST", ["git", "refs"]) => self.create_ref(document),
            ("PATCH", ["git", "refs", name @ ..]) => self.update_ref(&name.join("/"), document),
            ("DELETE", ["git", "refs", name @ ..]) => self.delete_ref(&name.join("/")),
            ("POST", ["pulls"]) => self.create_pull(project, document),
            ("PATCH", ["pulls", number]) => self.update_pull(project, index(number), document),
            ("POST", ["labels"]) => self.create_label(document),
            ("POST", ["issues", number, "labels"]) => self.add_labels(index(number), document),
            _ => Answer::not_found(),
        }
    }
}

/// A number that a path names; 0, which nothing has, where it is none.
fn index(text: &str) -> usize {
    text.parse().unwrap_or_default()
}
