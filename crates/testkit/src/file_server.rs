//! A directory over HTTP.

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use embedded_registry::{HttpListener, HttpServer};
use http::{Response, StatusCode};
use http_body_util::Full;

/// A server for the files of a directory over plain HTTP. It runs until it is dropped.
#[derive(Debug)]
pub struct FileServer {
    state: Arc<State>,
    server: HttpServer,
}

#[derive(Debug)]
struct State {
    directory: PathBuf,
    requests: Mutex<Vec<String>>,
}

impl FileServer {
    /// Starts the server on a free port. Files are read at each request.
    pub async fn start(directory: &Path) -> Self {
        let listener = HttpListener::bind().await.expect("a free port");
        let state = Arc::new(State {
            directory: directory.to_owned(),
            requests: Mutex::default(),
        });
        let server = listener.serve({
            let state = Arc::clone(&state);
            move |request| {
                let response = respond(&state, request.uri().path());
                async { Ok::<_, Infallible>(response) }
            }
        });
        Self { state, server }
    }

    /// Returns the address of the server.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns `http://127.0.0.1:PORT`, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Returns the requested paths in order, such as `/index.yaml`.
    pub fn requests(&self) -> Vec<String> {
        let requests = self.state.requests.lock();
        requests.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn respond(state: &State, path: &str) -> Response<Full<Bytes>> {
    let mut requests = state
        .requests
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    requests.push(path.to_owned());
    drop(requests);
    let file = Path::new(path.trim_start_matches('/'));
    let is_inside = file
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let content = is_inside
        .then(|| fs::read(state.directory.join(file)).ok())
        .flatten();
    let status = match &content {
        Some(_) => StatusCode::OK,
        None => StatusCode::NOT_FOUND,
    };
    let mut response = Response::new(Full::from(content.unwrap_or_default()));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::fetch;

    #[tokio::test]
    async fn file_server_serves_its_directory_only_and_records_every_request() {
        let directory = tempfile::tempdir().unwrap();
        let served = directory.path().join("served");
        fs::create_dir_all(served.join("a")).unwrap();
        fs::write(served.join("a/b"), "text").unwrap();
        fs::write(directory.path().join("secret"), "secret").unwrap();
        let server = FileServer::start(&served).await;
        let get = async |path: &str| {
            let url = format!("{}{path}", server.url());
            fetch(Request::get(url).body("").unwrap()).await
        };
        assert_eq!(get("/a/b").await.body(), "text");
        assert_eq!(get("/../secret").await.status(), StatusCode::NOT_FOUND);
        assert_eq!(get("/a").await.status(), StatusCode::NOT_FOUND);
        assert_eq!(server.requests(), ["/a/b", "/../secret", "/a"]);
    }
}
