//! A fake GitLab with one project (<https://docs.gitlab.com/api/rest/>).
//!
//! It has the shapes of GitLab 18: numbers of projects in paths, `opened` merge requests, messages as text or
//! as a list, and a project that is hidden from requests without the token. It shares the git objects of the
//! fake GitHub. The users `ada` and `grace` exist.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use embedded_registry::{HttpListener, HttpServer};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::git_store::GitStore;
use super::query::Query;
use super::response::ApiResponse;
use super::server::decode;

/// The number of the project.
const ID: usize = 4711;

/// The users by number.
const USERS: [(u64, &str); 2] = [(11, "ada"), (12, "grace")];

/// A merge request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeRequest {
    /// Counted from 1.
    pub iid: usize,
    /// One line.
    pub title: String,
    /// In Markdown.
    pub description: String,
    /// The branch to merge.
    pub source_branch: String,
    /// The branch to merge into.
    pub target_branch: String,
    /// `opened`, `closed` or `merged`.
    pub state: &'static str,
    /// The names of its labels.
    pub labels: Vec<String>,
    /// The names of the users that are asked for a review.
    pub reviewers: Vec<String>,
    /// The texts of its notes.
    pub notes: Vec<String>,
    merge_commit: Option<String>,
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct RunningGitlab {
    server: Arc<Server>,
    http: HttpServer,
}

#[derive(Debug)]
struct Server {
    project: String,
    token: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    git: GitStore,
    requests: Vec<MergeRequest>,
    releases: Vec<String>,
    /// The methods of all requests.
    methods: Vec<String>,
}

impl RunningGitlab {
    /// Starts a server with one private project that accepts one token.
    pub async fn start(project: &str, token: &str) -> Self {
        let listener = HttpListener::bind().await.expect("a free port");
        let url = format!("http://{}", listener.address());
        let server = Arc::new(Server {
            project: project.to_owned(),
            token: token.to_owned(),
            state: Mutex::default(),
        });
        let http = listener.serve({
            let server = Arc::clone(&server);
            move |request| {
                let (server, url) = (Arc::clone(&server), url.clone());
                async move { Ok::<_, Infallible>(server.respond(&url, request).await) }
            }
        });
        Self { server, http }
    }

    /// Returns the host with its port.
    pub fn host(&self) -> String {
        self.http.address().to_string()
    }

    /// Commits files to a branch, created if it does not exist. The default branch is `main`.
    pub fn commit(&self, branch: &str, files: &[(&str, &str)]) {
        let mut state = self.server.state();
        state.git.commit_files(&format!("heads/{branch}"), files);
    }

    /// Adds a release, newer than those before.
    pub fn release(&self, tag: &str) {
        self.server.state().releases.insert(0, tag.to_owned());
    }

    /// Closes a merge request.
    pub fn close(&self, iid: usize) {
        self.server.state().requests[iid - 1].state = "closed";
    }

    /// Merges a merge request.
    pub fn merge(&self, iid: usize) {
        let mut state = self.server.state();
        let State { git, requests, .. } = &mut *state;
        let request = &mut requests[iid - 1];
        request.state = "merged";
        request.merge_commit = git.merge(&request.target_branch, &request.source_branch);
    }

    /// Returns the merge requests in the order of their numbers.
    pub fn requests(&self) -> Vec<MergeRequest> {
        self.server.state().requests.clone()
    }

    /// Returns the files of a branch by path; none if the branch does not exist.
    pub fn files(&self, branch: &str) -> BTreeMap<String, String> {
        self.server.state().git.files(branch)
    }

    /// Counts the requests with a method other than GET.
    pub fn writes(&self) -> usize {
        let state = self.server.state();
        let writes = state.methods.iter().filter(|method| *method != "GET");
        writes.count()
    }
}

impl Server {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn respond(&self, url: &str, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await;
        let body = body.map(http_body_util::Collected::to_bytes);
        let document = serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default();
        let mut state = self.state();
        state.methods.push(parts.method.to_string());
        let path: Vec<String> = parts.uri.path().split('/').skip(1).map(decode).collect();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let [_, _, path @ ..] = &path[..] else {
            return not_found("404 Not Found").into_response();
        };
        match token(&parts.headers) {
            Some(token) if token == self.token => {}
            Some(_) => {
                let document = json!({"message": "401 Unauthorized"});
                return ApiResponse::json(StatusCode::UNAUTHORIZED, &document).into_response();
            }
            // A private project is hidden.
            None => return not_found("404 Project Not Found").into_response(),
        }
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        let list = format!("{url}{}", parts.uri.path());
        let call = Call {
            method: parts.method.as_str(),
            query: &query,
            url: &list,
            document: &document,
        };
        state.respond(&self.project, path, &call).into_response()
    }
}

/// A parsed request.
struct Call<'a> {
    method: &'a str,
    query: &'a Query,
    /// The URL without the query.
    url: &'a str,
    document: &'a Value,
}

impl Call<'_> {
    fn text(&self, key: &str) -> Option<&str> {
        self.document[key].as_str()
    }
}

impl State {
    fn respond(&mut self, project: &str, path: &[&str], call: &Call<'_>) -> ApiResponse {
        if let ["users"] = path {
            let wanted = call.query.get("username").unwrap_or_default();
            let found = USERS.iter().filter(|(_, name)| *name == wanted);
            let found = found.map(|(id, name)| json!({"id": id, "username": name}));
            return ApiResponse::ok(&Value::Array(found.collect()));
        }
        let ["projects", id, rest @ ..] = path else {
            return not_found("404 Not Found");
        };
        if *id != project && *id != ID.to_string() {
            return not_found("404 Project Not Found");
        }
        match (call.method, rest) {
            ("GET", []) => ApiResponse::ok(&json!({
                "id": ID,
                "path_with_namespace": project,
                "default_branch": "main",
                "visibility": "private",
            })),
            ("GET", ["releases"]) => {
                let releases = self.releases.iter().map(|tag| {
                    json!({
                        "tag_name": tag,
                        "released_at": "2026-01-01T00:00:00.000Z",
                        "upcoming_release": false,
                        "_links": {"self": format!("https://gitlab.example/-/releases/{tag}")},
                    })
                });
                call.query.page(call.url, releases.collect())
            }
            (_, ["repository", rest @ ..]) => self.repository(rest, call),
            (_, ["merge_requests", rest @ ..]) => self.merge_requests(project, rest, call),
            _ => not_found("404 Not Found"),
        }
    }

    fn repository(&mut self, path: &[&str], call: &Call<'_>) -> ApiResponse {
        match (call.method, path) {
            ("GET", ["branches", branch]) => match self.git.head(branch) {
                Some(hash) => ApiResponse::ok(&json!({"name": branch, "commit": {"id": hash}})),
                None => not_found("404 Branch Not Found"),
            },
            ("GET", ["commits", hash]) => match self.git.commit_parts(hash) {
                Some((message, parents)) => ApiResponse::ok(&json!({
                    "id": hash, "message": message, "parent_ids": parents,
                })),
                None => not_found("404 Commit Not Found"),
            },
            ("GET", ["files", file, "raw"]) => {
                let at = call.query.get("ref").unwrap_or("main");
                match self.git.file(file, at) {
                    Some(content) => ApiResponse {
                        status: StatusCode::OK,
                        headers: vec![("content-type", "text/plain".to_owned())],
                        body: content.to_vec(),
                    },
                    None => not_found("404 File Not Found"),
                }
            }
            ("POST", ["commits"]) => self.commit(call),
            _ => not_found("404 Not Found"),
        }
    }

    /// Makes a commit on a new branch, or with `force` instead of an existing one.
    fn commit(&mut self, call: &Call<'_>) -> ApiResponse {
        let (Some(branch), Some(start)) = (call.text("branch"), call.text("start_sha")) else {
            return bad_request("branch is missing, start_sha is missing");
        };
        if self.git.has_branch(branch) && call.document["force"] != true {
            return bad_request(&format!(
                "A branch called '{branch}' already exists. Switch to that branch in order to make changes"
            ));
        }
        let mut files = Vec::new();
        for action in call.document["actions"].as_array().into_iter().flatten() {
            let path = action["file_path"].as_str().unwrap_or_default();
            let exists = self.git.file(path, start).is_some();
            match (action["action"].as_str(), exists) {
                (Some("update"), false) => {
                    return bad_request("A file with this name doesn't exist");
                }
                (Some("create"), true) => {
                    return bad_request("A file with this name already exists");
                }
                (Some("update" | "create"), _) => {}
                _ => return bad_request("actions[0][action] does not have a valid value"),
            }
            files.push((path, action["content"].as_str().unwrap_or_default()));
        }
        let message = call.text("commit_message").unwrap_or_default();
        self.git.put_branch(branch, start, message, &files);
        match self.git.head(branch) {
            Some(hash) => ApiResponse::created(&json!({"id": hash, "message": message})),
            None => bad_request("start_sha is invalid"),
        }
    }

    fn merge_requests(&mut self, project: &str, path: &[&str], call: &Call<'_>) -> ApiResponse {
        match (call.method, path) {
            ("GET", []) => {
                let wanted = |key: &str, value: &str| {
                    let given = call.query.get(key);
                    given.is_none_or(|given| given == value || given == "all")
                };
                let requests = self.requests.iter().rev().filter(|request| {
                    wanted("state", request.state)
                        && wanted("source_branch", &request.source_branch)
                        && wanted("target_branch", &request.target_branch)
                });
                let documents = requests.map(|request| self.document(project, request));
                call.query.page(call.url, documents.collect())
            }
            ("POST", []) => self.create(project, call),
            (method, [iid, rest @ ..]) => {
                let index = iid.parse::<usize>().unwrap_or_default().wrapping_sub(1);
                if index >= self.requests.len() {
                    return not_found("404 Not found");
                }
                match (method, rest) {
                    ("PUT", []) => update(&mut self.requests[index], call),
                    ("POST", ["notes"]) => {
                        let body = call.text("body").unwrap_or_default().to_owned();
                        self.requests[index].notes.push(body);
                    }
                    ("GET", []) => {}
                    _ => return not_found("404 Not Found"),
                }
                ApiResponse::ok(&self.document(project, &self.requests[index]))
            }
            _ => not_found("404 Not Found"),
        }
    }

    fn create(&mut self, project: &str, call: &Call<'_>) -> ApiResponse {
        let text = |key: &str| call.text(key).unwrap_or_default().to_owned();
        let source_branch = text("source_branch");
        let mut open = self.requests.iter().filter(|one| one.state == "opened");
        if let Some(other) = open.find(|one| one.source_branch == source_branch) {
            let message = format!(
                "Another open merge request already exists for this source branch: !{}",
                other.iid
            );
            let document = json!({"message": [message]});
            return ApiResponse::json(StatusCode::CONFLICT, &document);
        }
        let request = MergeRequest {
            iid: self.requests.len() + 1,
            title: text("title"),
            description: text("description"),
            source_branch,
            target_branch: text("target_branch"),
            state: "opened",
            labels: Vec::new(),
            reviewers: Vec::new(),
            notes: Vec::new(),
            merge_commit: None,
        };
        let response = ApiResponse::created(&self.document(project, &request));
        self.requests.push(request);
        response
    }

    fn document(&self, project: &str, request: &MergeRequest) -> Value {
        let conflicts = request.state == "opened"
            && self
                .git
                .conflicts(&request.target_branch, &request.source_branch);
        json!({
            "id": request.iid + 9000,
            "iid": request.iid,
            "web_url": format!("https://gitlab.example/{project}/-/merge_requests/{}", request.iid),
            "state": request.state,
            "title": request.title,
            "description": request.description,
            "source_branch": request.source_branch,
            "target_branch": request.target_branch,
            "source_project_id": ID,
            "target_project_id": ID,
            "labels": request.labels,
            "sha": self.git.head(&request.source_branch),
            "merge_commit_sha": request.merge_commit,
            "squash_commit_sha": null,
            "has_conflicts": conflicts,
            "detailed_merge_status": if conflicts { "conflict" } else { "mergeable" },
        })
    }
}

fn update(request: &mut MergeRequest, call: &Call<'_>) {
    if let Some(title) = call.text("title") {
        title.clone_into(&mut request.title);
    }
    if let Some(description) = call.text("description") {
        description.clone_into(&mut request.description);
    }
    if call.text("state_event") == Some("close") {
        request.state = "closed";
    }
    for label in call.text("add_labels").unwrap_or_default().split(',') {
        if !label.is_empty() && !request.labels.iter().any(|known| known == label) {
            request.labels.push(label.to_owned());
        }
    }
    if let Some(ids) = call.document["reviewer_ids"].as_array() {
        let is_asked = |id: &u64| ids.iter().any(|asked| asked.as_u64() == Some(*id));
        let asked = USERS.iter().filter(|(id, _)| is_asked(id));
        request.reviewers = asked.map(|(_, name)| (*name).to_owned()).collect();
    }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    let private = headers
        .get("private-token")
        .and_then(|value| value.to_str().ok());
    private.or_else(|| bearer?.strip_prefix("Bearer "))
}

fn not_found(message: &str) -> ApiResponse {
    ApiResponse::json(StatusCode::NOT_FOUND, &json!({"message": message}))
}

fn bad_request(message: &str) -> ApiResponse {
    ApiResponse::json(StatusCode::BAD_REQUEST, &json!({"message": message}))
}
