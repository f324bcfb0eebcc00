//! A folder over HTTP.

use std::convert::Infallible;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// The files of a folder over plain HTTP, until this is dropped.
#[derive(Debug)]
pub struct FileServer {
    address: SocketAddr,
    state: Arc<State>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    folder: PathBuf,
    requests: Mutex<Vec<String>>,
}

impl FileServer {
    /// Serves what is in `folder` when it is asked for.
    pub async fn start(folder: &Path) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("the port's number");
        let state = Arc::new(State {
            folder: folder.to_owned(),
            requests: Mutex::default(),
        });
        let server = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self {
            address,
            state,
            server,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The paths that were asked for, in order, such as `/index.yaml`.
    pub fn requests(&self) -> Vec<String> {
        let requests = self.state.requests.lock();
        requests.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for FileServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(connection(stream, Arc::clone(&state)));
    }
}

async fn connection(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = answer(&state, request.uri().path());
        async { Ok::<_, Infallible>(answer) }
    });
    // Who hangs up in the middle has reasons of its own.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn answer(state: &State, path: &str) -> Response<Full<Bytes>> {
    let mut requests = state
        .requests
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    requests.push(path.to_owned());
    drop(requests);
    let file = Path::new(path.trim_start_matches('/'));
    let inside = file
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let content = inside
        .then(|| fs::read(state.folder.join(file)).ok())
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
    use super::*;
    use crate::fetch;

    #[tokio::test]
    async fn only_what_is_in_the_folder_is_served_and_every_request_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let served = folder.path().join("served");
        fs::create_dir_all(served.join("a")).unwrap();
        fs::write(served.join("a/b"), "text").unwrap();
        fs::write(folder.path().join("secret"), "secret").unwrap();
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
