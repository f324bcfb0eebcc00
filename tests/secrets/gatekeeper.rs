//! A server of files for one user, as a Helm repository or a git server behind a password is.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Serves until the tests end.
pub(crate) struct Gatekeeper {
    address: SocketAddr,
}

impl Gatekeeper {
    /// `files`: paths such as `/index.yaml` and their contents.
    pub(crate) fn start(user: &str, password: &str, files: HashMap<String, Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
        let open = Arc::new((format!("Basic {pair}"), files));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let open = Arc::clone(&open);
                // Who hangs up has reasons of its own.
                thread::spawn(move || answer(stream, &open.0, &open.1).ok());
            }
        });
        Self { address }
    }

    /// With what is before the `@`.
    pub(crate) fn url(&self, login: &str) -> String {
        format!("http://{login}@{}", self.address)
    }
}

/// One request; then the connection is closed.
fn answer(
    mut stream: TcpStream,
    right: &str,
    files: &HashMap<String, Vec<u8>>,
) -> std::io::Result<()> {
    let (mut path, mut allowed) = (String::new(), false);
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if path.is_empty() {
            let asked = line.split(' ').nth(1).unwrap_or_default();
            path = asked.split('?').next().unwrap_or_default().to_owned();
        }
        if let Some((name, value)) = line.split_once(": ") {
            allowed |= name.eq_ignore_ascii_case("authorization") && value == right;
        }
    }
    let nothing = Vec::new();
    let (status, body) = match files.get(&path) {
        _ if !allowed => (
            "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"",
            &nothing,
        ),
        Some(body) => ("200 OK", body),
        None => ("404 Not Found", &nothing),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(body)
}
