//! Blobs: "Pulling blobs", "Deleting Blobs".

use embedded_registry::{Registry, digest_of};
use http::Method;

use crate::client::Session;

#[tokio::test]
async fn get_head_and_range_requests_return_a_blob() {
    let session = Session::start(Registry::new()).await;
    let content: Vec<u8> = (0..1_000_000_u32)
        .map(|number| (number % 251) as u8)
        .collect();
    let digest = session.registry.put_blob("a/b", content.clone().into());
    let path = format!("/v2/a/b/blobs/{digest}");

    let whole = session.get(&path).await;
    assert_eq!(
        (whole.status.as_u16(), &whole.body[..]),
        (200, &content[..])
    );
    assert_eq!(whole.header("docker-content-digest"), digest.as_ref());
    assert_eq!(whole.header("content-length"), "1000000");
    let head = session.head(&path).await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), "1000000");
    assert_eq!(head.header("docker-content-digest"), digest.as_ref());

    let table = [
        (
            "bytes=999990-",
            206,
            &content[999_990..],
            "bytes 999990-999999/1000000",
        ),
        ("bytes=5-9", 206, &content[5..10], "bytes 5-9/1000000"),
        (
            "bytes=-3",
            206,
            &content[999_997..],
            "bytes 999997-999999/1000000",
        ),
    ];
    for (range, status, bytes, content_range) in table {
        let part = session
            .send(Method::GET, &path, &[("range", range)], "")
            .await;
        assert_eq!(
            (part.status.as_u16(), &part.body[..]),
            (status, bytes),
            "{range}"
        );
        assert_eq!(part.header("content-range"), content_range);
    }
    let beyond = session
        .send(Method::GET, &path, &[("range", "bytes=1000000-")], "")
        .await;
    assert_eq!(beyond.status, 416);
    assert_eq!(beyond.header("content-range"), "bytes */1000000");
}

#[tokio::test]
async fn blob_is_unknown_in_another_repository() {
    let session = Session::start(Registry::new()).await;
    let digest = session.registry.put_blob("a", "x".into());
    let elsewhere = format!("/v2/b/blobs/{digest}");
    assert_eq!(
        session.get(&elsewhere).await.outcome(),
        (404, "BLOB_UNKNOWN".to_owned())
    );
    assert_eq!(session.head(&elsewhere).await.status, 404);

    let path = format!("/v2/a/blobs/{digest}");
    assert_eq!(session.delete(&path).await.status, 202);
    assert_eq!(session.delete(&path).await.status, 404);
    assert_eq!(session.head(&path).await.status, 404);
}

#[tokio::test]
async fn access_log_has_requests_with_their_status() {
    let session = Session::start(Registry::new()).await;
    let digest = digest_of(b"nothing");
    session.head(&format!("/v2/a/blobs/{digest}")).await;
    session.get("/v2/?a=b").await;
    let logged: Vec<String> = session
        .registry
        .requests()
        .iter()
        .map(|entry| {
            format!(
                "{} {}?{} {}",
                entry.method, entry.path, entry.query, entry.status
            )
        })
        .collect();
    assert_eq!(
        logged,
        [
            format!("HEAD /v2/a/blobs/{digest}? 404 Not Found"),
            "GET /v2/?a=b 200 OK".to_owned(),
        ]
    );
    session.registry.clear_requests();
    assert_eq!(
        (
            session.registry.requests().len(),
            session.registry.request_count()
        ),
        (0, 0)
    );
}

#[tokio::test]
async fn access_log_keeps_the_first_requests_and_counts_all() {
    let session = Session::start(Registry::new()).await;
    for _ in 0..1001 {
        session.get("/v2/").await;
    }
    assert_eq!(
        session.registry.requests().len(),
        1000,
        "the limit of the session"
    );
    assert_eq!(session.registry.request_count(), 1001);
}

#[tokio::test]
async fn latency_delays_responses() {
    let latency = std::time::Duration::from_millis(120);
    let session = Session::start(Registry::new().latency(latency)).await;
    let start = std::time::Instant::now();
    assert_eq!(session.get("/v2/").await.status, 200);
    assert!(start.elapsed() >= latency, "{:?}", start.elapsed());
}

#[tokio::test]
async fn drop_closes_the_listener() {
    let session = Session::start(Registry::new()).await;
    let address = session.registry.address();
    session.get("/v2/").await;
    drop(session.registry);
    // The runtime aborts the task asynchronously.
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(address).await.is_err() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    unreachable!("{address} still accepts connections");
}
