//! nginx, as the reverse proxy in front of a registry.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::time::sleep;

use crate::program;

/// Maximum time until nginx listens.
const START: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(10);

/// An nginx that runs until this is dropped.
#[derive(Debug)]
pub struct Nginx {
    child: Child,
    address: SocketAddr,
    directory: TempDir,
}

/// A request in the access log of nginx.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxiedRequest {
    /// The method.
    pub method: String,
    /// The status of the response.
    pub status: u16,
    /// The size of the request body, if announced.
    pub length: Option<u64>,
    /// The number of the connection.
    pub connection: u64,
    /// True if the TLS session of the connection was resumed.
    pub is_resumed: bool,
}

/// Returns an address on loopback that is free, unless another process takes it.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.expect("a free port")
}

impl Nginx {
    /// Starts nginx with plain HTTP in front of a registry. `settings` are directives of its
    /// server, such as `client_max_body_size 5m;`. Without them, bodies may have 1 MiB.
    pub async fn start(registry: SocketAddr, settings: &str) -> Self {
        let address = free_address();
        let servers = format!(
            "server {{ listen {address}; {settings} location / {{ {} }} }}",
            forward_to(registry)
        );
        Self::serve(address, &servers).await
    }

    /// Starts nginx with servers, one of which listens at `address`. Paths are relative to a
    /// directory of its own.
    pub async fn serve(address: SocketAddr, servers: &str) -> Self {
        let directory = tempfile::tempdir().expect("create a directory");
        let file = directory.path().join("nginx.conf");
        let configuration = configuration(directory.path(), servers);
        fs::write(&file, configuration).expect("write the configuration");
        let mut command = Command::new(program("nginx"));
        command.arg("-c").arg(&file).arg("-p").arg(directory.path());
        command.arg("-e").arg(directory.path().join("error.log"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let mut nginx = Self {
            child: child.expect("start nginx"),
            address,
            directory,
        };
        nginx.wait_until_listening().await;
        nginx
    }

    async fn wait_until_listening(&mut self) {
        let deadline = Instant::now() + START;
        while TcpStream::connect(self.address).is_err() {
            let ended = self.child.try_wait().expect("query the process");
            assert!(ended.is_none(), "nginx ended: {ended:?}\n{}", self.errors());
            assert!(Instant::now() < deadline, "nginx does not listen");
            sleep(POLL).await;
        }
    }

    fn errors(&self) -> String {
        fs::read_to_string(self.directory.path().join("error.log")).unwrap_or_default()
    }

    /// Returns `127.0.0.1:PORT`, the registry part of references through nginx.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the requests in the log.
    pub fn requests(&self) -> Vec<ProxiedRequest> {
        let log = fs::read_to_string(self.directory.path().join("access.log"));
        log.unwrap_or_default().lines().filter_map(parse).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Fails if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the directives of a location that forwards to a registry without buffers on disk.
pub fn forward_to(registry: SocketAddr) -> String {
    format!(
        "proxy_pass http://{registry}; proxy_http_version 1.1; proxy_set_header Host $http_host; \
         proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header Connection \"\"; \
         proxy_request_buffering off; proxy_max_temp_file_size 0;"
    )
}

/// One process without workers, with all its files in `directory`.
fn configuration(directory: &Path, servers: &str) -> String {
    let path = directory.display();
    format!(
        "daemon off; master_process off; pid {path}/pid;
events {{ worker_connections 2048; }}
http {{
    log_format requests \"$request_method $status $content_length $connection $ssl_session_reused\";
    access_log {path}/access.log requests;
    client_body_temp_path {path}/body;
    proxy_temp_path {path}/proxy;
    fastcgi_temp_path {path}/fastcgi;
    scgi_temp_path {path}/scgi;
    uwsgi_temp_path {path}/uwsgi;
    {servers}
}}
"
    )
}

fn parse(line: &str) -> Option<ProxiedRequest> {
    let mut words = line.split(' ');
    Some(ProxiedRequest {
        method: words.next()?.to_owned(),
        status: words.next()?.parse().ok()?,
        length: words.next()?.parse().ok(),
        connection: words.next()?.parse().ok()?,
        is_resumed: words.next() == Some("r"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_are_parsed() {
        let request = |method: &str, status, length, connection, is_resumed| ProxiedRequest {
            method: method.to_owned(),
            status,
            length,
            connection,
            is_resumed,
        };
        for (line, expected) in [
            (
                "PATCH 413 8388608 7 ",
                Some(request("PATCH", 413, Some(8_388_608), 7, false)),
            ),
            ("GET 307 - 12 r", Some(request("GET", 307, None, 12, true))),
            (
                "HEAD 200 - 12 .",
                Some(request("HEAD", 200, None, 12, false)),
            ),
            ("GET", None),
        ] {
            assert_eq!(parse(line), expected, "{line}");
        }
    }
}
