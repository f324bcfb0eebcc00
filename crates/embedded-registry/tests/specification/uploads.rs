//! Uploads: "Pushing blobs" in one request, in chunks and by mount.

use embedded_registry::{Links, Mounts, Registry, digest_of};
use http::Method;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::Session;

const UPLOADS: &str = "/v2/a/blobs/uploads/";

/// Appends `digest` to the query of a location.
fn with_digest(location: &str, digest: &str) -> String {
    let separator = if location.contains('?') { '&' } else { '?' };
    format!("{location}{separator}digest={digest}")
}

#[tokio::test]
async fn post_with_digest_uploads_a_blob() {
    let session = Session::start(Registry::new()).await;
    let digest = digest_of(b"whole");
    let target = with_digest(UPLOADS, digest.as_ref());
    let wrong = session.send(Method::POST, &target, &[], "other").await;
    assert_eq!(wrong.outcome(), (400, "DIGEST_INVALID".to_owned()));
    assert!(
        session.registry.blob("a", &digest).is_none(),
        "a blob with another digest is not stored"
    );
    let created = session.send(Method::POST, &target, &[], "whole").await;
    assert_eq!(created.status, 201);
    assert_eq!(created.header("location"), format!("/v2/a/blobs/{digest}"));
    assert_eq!(session.registry.blob("a", &digest).unwrap(), "whole");
}

#[tokio::test]
async fn put_completes_an_upload_with_or_without_patch() {
    for links in [Links::Relative, Links::Absolute] {
        let session = Session::start(Registry::new().links(links)).await;
        let digest = digest_of(b"whole");
        let started = session.post(UPLOADS).await;
        assert_eq!(started.status, 202);
        let location = started.header("location");
        let absolute = location.starts_with(&format!("http://{}/", session.registry.host()));
        assert_eq!(absolute, links == Links::Absolute, "{location}");
        let put = with_digest(location, digest.as_ref());
        assert_eq!(
            session.send(Method::PUT, &put, &[], "whole").await.status,
            201
        );
        let again = session.send(Method::PUT, &put, &[], "whole").await;
        assert_eq!(
            again.outcome(),
            (404, "BLOB_UPLOAD_UNKNOWN".to_owned()),
            "the session is closed"
        );

        let location = session.post(UPLOADS).await.header("location").to_owned();
        let patched = session.send(Method::PATCH, &location, &[], "whole").await;
        assert_eq!(
            (patched.status.as_u16(), patched.header("range")),
            (202, "0-4")
        );
        let put = with_digest(patched.header("location"), digest.as_ref());
        assert_eq!(session.send(Method::PUT, &put, &[], "").await.status, 201);
    }
}

#[tokio::test]
async fn chunks_must_be_in_order_and_status_returns_the_offset() {
    let session = Session::start(Registry::new()).await;
    let location = session.post(UPLOADS).await.header("location").to_owned();
    let patch = async |range: &str, body: &'static str| {
        let headers = [("content-range", range)];
        session
            .send(Method::PATCH, &location, &headers, body)
            .await
            .outcome()
    };
    let out_of_order = (416, "RANGE_INVALID".to_owned());
    assert_eq!(
        patch("1-3", "abc").await,
        out_of_order,
        "does not start at 0"
    );
    assert_eq!(patch("0-2", "abc").await.0, 202);
    assert_eq!(patch("0-2", "abc").await, out_of_order, "was sent before");
    assert_eq!(patch("5-7", "xyz").await, out_of_order, "leaves a gap");
    let invalid = (400, "BLOB_UPLOAD_INVALID".to_owned());
    assert_eq!(
        patch("3-9", "de").await,
        invalid,
        "differs from the length of the body"
    );
    assert_eq!(patch("three", "de").await, invalid);
    let status = session.get(&location).await;
    assert_eq!(
        (status.status.as_u16(), status.header("range")),
        (204, "0-2")
    );
    let last = [("content-range", "3-4")];
    let put = with_digest(&location, digest_of(b"abcde").as_ref());
    assert_eq!(
        session.send(Method::PUT, &put, &last, "de").await.status,
        201
    );
    assert_eq!(
        session.registry.blob("a", &digest_of(b"abcde")).unwrap(),
        "abcde"
    );
}

#[tokio::test]
async fn failed_uploads_store_no_blob() {
    let session = Session::start(Registry::new()).await;
    let location = session.post(UPLOADS).await.header("location").to_owned();
    let elsewhere = location.replace("/v2/a/", "/v2/b/");
    assert_eq!(
        session.get(&elsewhere).await.status,
        404,
        "the session belongs to another repository"
    );
    assert_eq!(
        session.send(Method::PUT, &location, &[], "x").await.status,
        400,
        "no digest"
    );
    assert_eq!(session.delete(&location).await.status, 204);
    assert_eq!(
        session.get(&location).await.outcome(),
        (404, "BLOB_UPLOAD_UNKNOWN".to_owned())
    );

    let location = session.post(UPLOADS).await.header("location").to_owned();
    let put = with_digest(&location, digest_of(b"right").as_ref());
    let wrong = session.send(Method::PUT, &put, &[], "wrong").await;
    assert_eq!(wrong.outcome(), (400, "DIGEST_INVALID".to_owned()));
    let md5 = with_digest(
        session.post(UPLOADS).await.header("location"),
        "md5:9dd4e461268c8034f5c8564e155c67a6",
    );
    let unknown = session.send(Method::PUT, &md5, &[], "x").await;
    assert_eq!(unknown.outcome(), (400, "DIGEST_INVALID".to_owned()));
}

#[tokio::test]
async fn mount_succeeds_if_the_other_repository_has_the_blob() {
    for (mounts, status) in [(Mounts::Granted, 201), (Mounts::Refused, 202)] {
        let session = Session::start(Registry::new().mounts(mounts)).await;
        let digest = session.registry.put_blob("b", "x".into());
        let mount = format!("{UPLOADS}?mount={digest}&from=b");
        let response = session.post(&mount).await;
        assert_eq!(response.status.as_u16(), status);
        assert_eq!(session.registry.blob("a", &digest).is_some(), status == 201);
        if status == 202 {
            let put = with_digest(response.header("location"), digest.as_ref());
            assert_eq!(session.send(Method::PUT, &put, &[], "x").await.status, 201);
        }
        for unknown in ["from=c", "from=", ""] {
            let mount = format!("/v2/d/blobs/uploads/?mount={digest}&{unknown}");
            assert_eq!(session.post(&mount).await.status, 202, "{unknown}");
        }
    }
}

#[tokio::test]
async fn broken_connection_keeps_received_bytes() {
    let session = Session::start(Registry::new()).await;
    let location = session.post(UPLOADS).await.header("location").to_owned();
    let mut stream = TcpStream::connect(session.registry.address())
        .await
        .unwrap();
    let head = format!("PATCH {location} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    drop(stream);
    let mut range = String::new();
    for _ in 0..100 {
        range = session.get(&location).await.header("range").to_owned();
        if range == "0-2" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(range, "0-2");
    let put = with_digest(&location, digest_of(b"abcde").as_ref());
    assert_eq!(session.send(Method::PUT, &put, &[], "de").await.status, 201);
}
