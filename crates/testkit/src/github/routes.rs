//! The endpoints by method and path.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::query::Query;
use super::response::ApiResponse;
use super::state::{Repository, State};

/// A parsed request.
#[derive(Debug)]
pub(super) struct ApiRequest<'a> {
    pub(super) method: Method,
    /// The decoded segments of the path.
    pub(super) path: Vec<String>,
    pub(super) query: Query,
    /// The URL without the query.
    pub(super) url: &'a str,
    /// True if a file is requested as bytes instead of a document.
    pub(super) raw: bool,
    /// True if the request had the token.
    pub(super) authenticated: bool,
    /// The JSON body; `null` without one.
    pub(super) document: Value,
}

impl ApiRequest<'_> {
    /// Creates a redirect that keeps the method.
    fn moved(&self, old: &str, new: &str) -> ApiResponse {
        let status = match self.method {
            Method::GET => StatusCode::MOVED_PERMANENTLY,
            _ => StatusCode::TEMPORARY_REDIRECT,
        };
        let url = self.url.replacen(old, new, 1);
        let response = ApiResponse::error(status, "Moved Permanently");
        response.header("location", format!("{url}?{}", self.query.encode()))
    }
}

impl State {
    /// Carries out a request.
    pub(super) fn respond(&mut self, request: &ApiRequest<'_>) -> ApiResponse {
        let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
        let ["repos", owner, name, rest @ ..] = path.as_slice() else {
            return ApiResponse::not_found();
        };
        let project = format!("{owner}/{name}");
        if let Some(new) = self.renamed.get(&project) {
            return request.moved(&project, new);
        }
        // GitHub hides private repositories from anonymous clients with a 404.
        let found = self.repositories.get_mut(&project);
        let Some(repository) = found.filter(|found| request.authenticated || !found.private) else {
            return ApiResponse::not_found();
        };
        if request.method == Method::GET {
            return repository.read(&project, rest, request);
        }
        if !request.authenticated {
            return ApiResponse::error(StatusCode::UNAUTHORIZED, "Requires authentication");
        }
        repository.write(&project, rest, request)
    }
}

impl Repository {
    fn read(&self, project: &str, path: &[&str], request: &ApiRequest<'_>) -> ApiResponse {
        match path {
            [] => ApiResponse::ok(&json!({
                "full_name": project,
                "private": self.private,
                "default_branch": "main",
            })),
            ["releases"] => self.releases.list(project, request.url, &request.query),
            ["releases", "latest"] => self.releases.latest(project),
            ["contents", path @ ..] => {
                self.git
                    .contents(&path.join("/"), request.query.get("ref"), request.raw)
            }
            ["git", "ref", name @ ..] => self.git.get_ref(&name.join("/")),
            ["git", "commits", hash] => self.git.commit(hash),
            ["git", "trees", hash] => self.git.tree(hash),
            ["pulls"] => self
                .pull_requests
                .list(project, &self.git, request.url, &request.query),
            ["pulls", id] => self.pull_requests.get(project, &self.git, number(id)),
            ["labels", name] => self.pull_requests.label(name),
            _ => ApiResponse::not_found(),
        }
    }

    fn write(&mut self, project: &str, path: &[&str], request: &ApiRequest<'_>) -> ApiResponse {
        let document = &request.document;
        match (request.method.as_str(), path) {
            ("POST", ["git", "blobs"]) => self.git.create_blob(document),
            ("POST", ["git", "trees"]) => self.git.create_tree(document),
            ("POST", ["git", "commits"]) => self.git.create_commit(document),
            ("POST", ["git", "refs"]) => self.git.create_ref(document),
            ("PATCH", ["git", "refs", name @ ..]) => self.git.update_ref(&name.join("/"), document),
            ("DELETE", ["git", "refs", name @ ..]) => self.git.delete_ref(&name.join("/")),
            ("POST", ["pulls"]) => self.pull_requests.create(project, &self.git, document),
            ("PATCH", ["pulls", id]) => {
                self.pull_requests
                    .update(project, &self.git, number(id), document)
            }
            ("POST", ["pulls", id, "requested_reviewers"]) => {
                self.pull_requests.request_reviews(number(id), document)
            }
            ("POST", ["issues", id, "comments"]) => {
                self.pull_requests.comment(number(id), document)
            }
            ("POST", ["labels"]) => self.pull_requests.create_label(document),
            ("POST", ["issues", id, "labels"]) => {
                self.pull_requests.add_labels(number(id), document)
            }
            _ => ApiResponse::not_found(),
        }
    }
}

/// Parses the number of a pull request; 0 for invalid text, as numbers start at 1.
fn number(text: &str) -> usize {
    text.parse().unwrap_or_default()
}
