//! A transfer holds little, however large the blob.

use std::process::Command;

use registry_client::Blob;
use sha2::{Digest, Sha256};
use testkit::processes::{Distribution, Storage};
use testkit::proxy::{Action, FaultProxy, Rule};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::setup::{Setup, pull, push, transfer};

const SIZE: usize = 192 * 1024 * 1024;
const PIECE: usize = 1024 * 1024;

#[tokio::test]
async fn large_blob_uses_little_memory() {
    for form in ["whole", "chunks"] {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "memory::child_of_a_large_blob", "--ignored"])
            .env("MIRROR_TEST_FORM", form)
            .output()
            .unwrap();
        assert!(child.status.success(), "{form}: {child:?}");
    }
}

/// Serves zeros for every GET of a blob.
async fn zeros() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n");
                stream.write_all(head.as_bytes()).await.unwrap();
                let piece = vec![0; PIECE];
                for _ in 0..SIZE / PIECE {
                    if stream.write_all(&piece).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    host
}

/// In a process of its own, so that the memory is that of this alone.
#[tokio::test]
#[ignore = "run by large_blob_uses_little_memory"]
async fn child_of_a_large_blob() {
    let mut hasher = Sha256::new();
    let piece = vec![0; PIECE];
    for _ in 0..SIZE / PIECE {
        hasher.update(&piece);
    }
    let hex: String = hasher
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let blob = Blob {
        digest: format!("sha256:{hex}").parse().unwrap(),
        size: SIZE as u64,
    };
    let target = Distribution::new().storage(Storage::Files).start().await;
    let proxy = FaultProxy::start(target.address()).await;
    let mut host = target.host();
    if std::env::var("MIRROR_TEST_FORM").unwrap() == "chunks" {
        let refused = Action::answer(413).header("connection", "close");
        let large = |parts: &http::request::Parts| {
            let length = parts.headers.get("content-length");
            length.is_some_and(|length| length.len() > 8)
        };
        proxy.add(Rule::new("PUT", "/uploads/").when(large).does(refused));
        host = proxy.host();
    }
    let before = peak();
    let client = Setup::new().client();
    let (from, to) = (
        pull(&client, &zeros().await, "a"),
        push(&client, &host, "a"),
    );
    transfer(&from, &to, &blob).await.unwrap();
    assert!(to.has_blob(&blob).await.unwrap());
    let grown = peak() - before;
    // Two chunks of 8 MiB may overlap while one is freed.
    assert!(grown < 40 * 1024, "{grown} KiB");
}

/// The most memory this process has had, in KiB (proc(5), `VmHWM`).
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}
