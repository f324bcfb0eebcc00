//! Uploads: complete or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use registry_client::{Error, TransferSide};
use testkit::processes::{Distribution, Version};
use testkit::proxy::{Action, FaultProxy, Rule};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::setup::{Setup, blob_of, noise, pull, push, start, transfer};

#[tokio::test]
async fn upload_of_every_size_succeeds() {
    let (source, _) = start().await;
    for version in [Version::V2, Version::V3] {
        let registry = Distribution::new().version(version).start().await;
        let client = Setup::new().client();
        let (from, to) = (
            pull(&client, &source.host(), "a"),
            push(&client, &registry.host(), "a"),
        );
        for size in [0, 1, 128 * 1024, 128 * 1024 + 1, 5_000_000] {
            let bytes = noise(size as u64, size);
            source.put_blob("a", bytes.clone());
            let blob = blob_of(&bytes);
            transfer(&from, &to, &blob).await.unwrap();
            let back = crate::setup::read(&to, &blob).await.unwrap();
            assert_eq!(back, bytes, "{version:?} {size}");
        }
    }
}

/// Starts a destination without verification. It counts uploads with the announced length.
async fn unverifying() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let complete = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&complete);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let counter = Arc::clone(&counter);
            tokio::spawn(async move {
                let mut all = Vec::new();
                let mut buffer = vec![0; 65536];
                loop {
                    let Ok(count @ 1..) = stream.read(&mut buffer).await else {
                        return;
                    };
                    all.extend_from_slice(&buffer[..count]);
                    let Some(end) = all.windows(4).position(|w| w == b"\r\n\r\n") else {
                        continue;
                    };
                    let head = String::from_utf8_lossy(&all[..end]).to_lowercase();
                    let length = head
                        .lines()
                        .find_map(|l| l.strip_prefix("content-length: "));
                    let length: usize = length.map_or(0, |l| l.trim().parse().unwrap());
                    if all.len() < end + 4 + length {
                        continue;
                    }
                    let response = if head.starts_with("post") {
                        "HTTP/1.1 202 Accepted\r\nLocation: /v2/a/blobs/uploads/1\r\nContent-Length: 0\r\n\r\n"
                    } else if head.starts_with("head") {
                        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
                    } else {
                        counter.fetch_add(1, Ordering::SeqCst);
                        "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
                    };
                    all.drain(..end + 4 + length);
                    stream.write_all(response.as_bytes()).await.unwrap();
                }
            });
        }
    });
    (host, complete)
}

#[tokio::test]
async fn upload_of_a_corrupt_blob_is_never_completed() {
    for size in [1000, 300_000, 5_000_000] {
        for at in [0, size as u64 / 2, size as u64 - 1] {
            let (source, proxy) = start().await;
            let bytes = noise(1, size);
            source.put_blob("a", bytes.clone());
            proxy.add(Rule::new("GET", "/blobs/").does(Action::FlipByte { at }));
            let (host, complete) = unverifying().await;
            let client = Setup::new().client();
            let (from, to) = (pull(&client, &proxy.host(), "a"), push(&client, &host, "a"));
            let failed = transfer(&from, &to, &blob_of(&bytes)).await.unwrap_err();
            assert!(
                matches!(failed.error, Error::DigestMismatch { .. }),
                "{failed}"
            );
            assert_eq!(failed.side, TransferSide::Source);
            assert_eq!(complete.load(Ordering::SeqCst), 0, "{size} {at}");
        }
    }
    let (source, _) = start().await;
    let bytes = noise(1, 300_000);
    source.put_blob("a", bytes.clone());
    let (host, complete) = unverifying().await;
    let client = Setup::new().client();
    let (from, to) = (
        pull(&client, &source.host(), "a"),
        push(&client, &host, "a"),
    );
    transfer(&from, &to, &blob_of(&bytes)).await.unwrap();
    assert_eq!(
        complete.load(Ordering::SeqCst),
        1,
        "a valid upload is counted"
    );
}

#[tokio::test]
async fn broken_upload_restarts_in_a_new_session() {
    for size in [1000, 900_000] {
        let broken = [
            Action::Reset,
            Action::ResetUpload {
                after: size as u64 / 2,
            },
            Action::answer(500).into(),
            Action::answer(404).into(),
        ];
        for action in broken {
            let shown = format!("{action:?} {size}");
            let (source, _) = start().await;
            let bytes = noise(1, size);
            source.put_blob("a", bytes.clone());
            let registry = Distribution::new().start().await;
            let proxy = FaultProxy::start(registry.address()).await;
            proxy.add(Rule::new("PUT", "/uploads/").first(1).does(action));
            let client = Setup::new().client();
            let (from, to) = (
                pull(&client, &source.host(), "a"),
                push(&client, &proxy.host(), "a"),
            );
            let blob = blob_of(&bytes);
            transfer(&from, &to, &blob).await.unwrap();
            assert_eq!(
                crate::setup::read(&to, &blob).await.unwrap(),
                bytes,
                "{shown}"
            );
            assert_eq!(proxy.count("POST", ""), 2, "{shown}");
            let puts = proxy.requests().into_iter().filter(|r| r.method == "PUT");
            let mut paths: Vec<String> = puts.map(|r| r.path).collect();
            paths.dedup();
            assert_eq!(paths.len(), 2, "{shown}: {paths:?}");
        }
    }
}

#[tokio::test]
async fn blob_is_not_sent_again_after_a_lost_response() {
    for size in [1000, 900_000] {
        let (source, _) = start().await;
        let (target, proxy) = start().await;
        let bytes = noise(1, size);
        source.put_blob("a", bytes.clone());
        proxy.add(
            Rule::new("PUT", "/uploads/")
                .first(1)
                .does(Action::DropResponse),
        );
        let client = Setup::new().client();
        let (from, to) = (
            pull(&client, &source.host(), "a"),
            push(&client, &proxy.host(), "a"),
        );
        transfer(&from, &to, &blob_of(&bytes)).await.unwrap();
        assert_eq!(proxy.count("PUT", ""), 1, "{size}");
        assert_eq!(proxy.count("HEAD", "/blobs/"), 1, "{size}");
        assert_eq!(
            target.blob("a", blob_of(&bytes).digest.as_spec()),
            Some(bytes)
        );
    }
}

/// A registry may report a digest of another algorithm, but no other digest of the same one.
#[tokio::test]
async fn stored_blob_with_another_digest_is_not_believed() {
    let sha512 = format!("sha512:{}", "0".repeat(128));
    let other = blob_of(&noise(9, 9)).digest.to_string();
    for (reported, is_stored) in [
        (other.as_str(), false),
        ("0", false),
        ("", true),
        (&sha512, true),
    ] {
        for (size, limit) in [(1000, 0), (300_000, 0), (300_000, 200_000)] {
            let (source, _) = start().await;
            let (_target, proxy) = start().await;
            let bytes = noise(1, size);
            source.put_blob("a", bytes.clone());
            let header = Action::SetHeader("docker-content-digest", reported.to_owned());
            proxy.add(Rule::new("PUT", "/uploads/").does(header));
            if limit > 0 {
                let is_large = move |parts: &http::request::Parts| {
                    let length = parts.headers.get("content-length");
                    length.is_some_and(|length| *length == size.to_string())
                };
                let refused = Rule::new("PUT", "/uploads/").when(is_large);
                proxy.add(refused.does(Action::answer(413)));
            }
            let client = Setup::new().client();
            let (from, to) = (
                pull(&client, &source.host(), "a"),
                push(&client, &proxy.host(), "a"),
            );
            let transferred = transfer(&from, &to, &blob_of(&bytes)).await;
            match transferred {
                Ok(()) => assert!(is_stored, "{reported} {size} {limit}"),
                Err(failed) => {
                    assert!(!is_stored, "{reported} {size} {limit}: {failed}");
                    let is_digest = matches!(failed.error, Error::DigestMismatch { .. });
                    assert!(is_digest, "{failed}");
                    assert_eq!(failed.side, TransferSide::Destination);
                }
            }
        }
    }
}

#[tokio::test]
async fn transfers_do_not_deadlock_with_one_permit_per_host() {
    let (source, _) = start().await;
    let (target, _) = start().await;
    let bytes = noise(1, 300_000);
    source.put_blob("a", bytes.clone());
    let mut setup = Setup::new();
    setup.jobs = 1;
    let client = setup.client();
    let from = pull(&client, &source.host(), "a");
    let names = ["b", "c", "d", "e"];
    let transfers = names.map(|name| {
        let (from, to) = (from.clone(), push(&client, &target.host(), name));
        let blob = blob_of(&bytes);
        async move { transfer(&from, &to, &blob).await }
    });
    let within = std::time::Duration::from_secs(10);
    let all = tokio::time::timeout(within, futures::future::join_all(transfers)).await;
    assert!(all.expect("no deadlock").iter().all(Result::is_ok));
    // The same host on both sides: one permit serves both.
    let to = push(&client, &source.host(), "z");
    let blob = blob_of(&bytes);
    let again = tokio::time::timeout(within, transfer(&from, &to, &blob));
    again.await.expect("no deadlock").unwrap();
}

/// Starts a registry that sends a 413 without reading the body, and closes the connection.
async fn early_413(patched: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = vec![0; 8192];
            let count = stream.read(&mut buffer).await.unwrap_or(0);
            let head = String::from_utf8_lossy(&buffer[..count]).to_uppercase();
            let status = match head.split(' ').next() {
                Some("POST") => "202 Accepted\r\nLocation: /v2/a/blobs/uploads/1",
                Some("HEAD") => "404 Not Found",
                Some("PATCH") => {
                    patched.fetch_add(1, Ordering::SeqCst);
                    "403 Forbidden"
                }
                _ => "413 Content Too Large",
            };
            let response =
                format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(response.as_bytes()).await;
        }
    });
    host
}

#[tokio::test]
async fn response_before_the_end_of_the_body_is_read() {
    let (source, _) = start().await;
    let bytes = noise(1, 20_000_000);
    source.put_blob("a", bytes.clone());
    let patched = Arc::new(AtomicUsize::new(0));
    let host = early_413(Arc::clone(&patched)).await;
    let client = Setup::new().client();
    let (from, to) = (
        pull(&client, &source.host(), "a"),
        push(&client, &host, "a"),
    );
    let failed = transfer(&from, &to, &blob_of(&bytes)).await.unwrap_err();
    assert!(
        patched.load(Ordering::SeqCst) > 0,
        "the 413 was not read: {failed}"
    );
}

#[tokio::test]
async fn has_blob_rejects_a_web_page() {
    let (registry, proxy) = start().await;
    let bytes = noise(1, 1000);
    registry.put_blob("a", bytes.clone());
    let target = push(&Setup::new().client(), &proxy.host(), "a");
    assert!(target.has_blob(&blob_of(&bytes)).await.unwrap());
    let page = Action::answer(200).body("<html>Sign in</html>");
    proxy.add(Rule::new("HEAD", "/blobs/").does(page));
    assert!(!target.has_blob(&blob_of(&bytes)).await.unwrap());
}
