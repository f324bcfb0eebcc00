//! Downloads: resumed, verified and bounded.

use registry_client::{Blob, Error};
use testkit::proxy::{Action, Rule};

use crate::setup::{Setup, blob_of, noise, pull, read, start};

const SIZE: usize = 600_000;

#[tokio::test]
async fn download_resumes_by_range_after_a_broken_body() {
    let broken = [
        Action::StallInBody { after: 200_000 },
        Action::ResetInBody { after: 200_000 },
        Action::Truncate { after: 200_000 },
    ];
    for action in broken {
        let shown = format!("{action:?}");
        let (registry, proxy) = start().await;
        let bytes = noise(1, SIZE);
        registry.put_blob("a", bytes.clone());
        proxy.add(Rule::new("GET", "/blobs/").first(1).does(action));
        let client = Setup::with_short_timeouts().client();
        let repository = pull(&client, &proxy.host(), "a");
        assert_eq!(
            read(&repository, &blob_of(&bytes)).await.unwrap(),
            bytes,
            "{shown}"
        );
        let requests = proxy.requests();
        assert_eq!(requests.len(), 2, "{shown}");
        let range = requests[1].header("range").unwrap();
        let from: u64 = range
            .strip_prefix("bytes=")
            .unwrap()
            .strip_suffix('-')
            .unwrap()
            .parse()
            .unwrap();
        assert!(from > 0 && from <= 200_000, "{shown}: {range}");
        assert_eq!(requests[1].status(), Some(206), "{shown}");
    }
}

#[tokio::test]
async fn download_skips_known_bytes_when_the_range_is_ignored() {
    let (registry, proxy) = start().await;
    let bytes = noise(1, SIZE);
    registry.put_blob("a", bytes.clone());
    let cut = Action::Truncate { after: 200_000 };
    proxy.add(Rule::new("GET", "/blobs/").first(1).does(cut));
    let whole = Action::answer(200).header("content-type", "application/octet-stream");
    proxy.add(
        Rule::new("GET", "/blobs/")
            .nth(2)
            .does(whole.body(bytes.clone())),
    );
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    assert_eq!(read(&repository, &blob_of(&bytes)).await.unwrap(), bytes);
    assert_eq!(proxy.requests().len(), 2);
}

#[tokio::test]
async fn download_refuses_a_wrong_range() {
    let bytes = noise(1, SIZE);
    let size = bytes.len();
    for (range, expected) in [
        (
            format!("bytes 300000-{}/{size}", size - 1),
            "the response at byte 300000",
        ),
        ("bytes nonsense".to_owned(), "Content-Range"),
    ] {
        let (registry, proxy) = start().await;
        registry.put_blob("a", bytes.clone());
        let cut = Action::Truncate { after: 200_000 };
        proxy.add(Rule::new("GET", "/blobs/").first(1).does(cut));
        let wrong = Action::answer(206)
            .header("content-range", &range)
            .body(bytes.slice(300_000..));
        proxy.add(Rule::new("GET", "/blobs/").nth(2).does(wrong));
        let repository = pull(&Setup::new().client(), &proxy.host(), "a");
        let error = read(&repository, &blob_of(&bytes)).await.unwrap_err();
        assert!(matches!(error, Error::Protocol { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn download_continues_after_a_short_range() {
    let (registry, proxy) = start().await;
    let bytes = noise(1, SIZE);
    registry.put_blob("a", bytes.clone());
    let cut = Action::Truncate { after: 200_000 };
    proxy.add(Rule::new("GET", "/blobs/").first(1).does(cut));
    // It covers the end of the first body.
    let part = Action::answer(206)
        .header("content-range", &format!("bytes 0-399999/{SIZE}"))
        .body(bytes.slice(..400_000));
    proxy.add(Rule::new("GET", "/blobs/").nth(2).does(part));
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    assert_eq!(read(&repository, &blob_of(&bytes)).await.unwrap(), bytes);
    assert_eq!(proxy.requests()[2].header("range"), Some("bytes=400000-"));
}

#[tokio::test]
async fn download_of_wrong_content_fails_without_retry() {
    let bytes = noise(1, SIZE);
    let blob = blob_of(&bytes);
    let cases = [
        (
            Action::FlipByte {
                at: SIZE as u64 - 1,
            },
            blob.size,
            "digest",
        ),
        (Action::WrongLength(10), blob.size, "size"),
        (Action::WrongLength(0), blob.size + 1, "size"),
        (Action::WrongLength(0), blob.size - 1, "size"),
    ];
    for (action, size, kind) in cases {
        let shown = format!("{action:?} {size}");
        let (registry, proxy) = start().await;
        registry.put_blob("a", bytes.clone());
        proxy.add(Rule::new("GET", "/blobs/").does(action));
        let repository = pull(&Setup::new().client(), &proxy.host(), "a");
        let requested = Blob {
            digest: blob.digest.clone(),
            size,
        };
        let mut reader = repository.read_blob(&requested);
        let mut received = 0;
        let error = loop {
            match reader.next().await {
                Ok(Some(piece)) => received += piece.len() as u64,
                Ok(None) => panic!("{shown}: accepted"),
                Err(error) => break error,
            }
        };
        assert!(received < size, "{shown}: the last piece was given out");
        match kind {
            "digest" => assert!(
                matches!(error, Error::DigestMismatch { .. }),
                "{shown}: {error}"
            ),
            _ => assert!(
                matches!(error, Error::SizeMismatch { .. }),
                "{shown}: {error}"
            ),
        }
        assert_eq!(proxy.requests().len(), 1, "{shown}");
    }
}

#[tokio::test]
async fn download_continues_through_breaks_while_it_progresses() {
    let (registry, proxy) = start().await;
    let bytes = noise(1, 12 * 1024 * 1024);
    registry.put_blob("a", bytes.clone());
    let breaks = Action::Truncate {
        after: 2 * 1024 * 1024,
    };
    proxy.add(Rule::new("GET", "/blobs/").first(5).does(breaks));
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    assert_eq!(read(&repository, &blob_of(&bytes)).await.unwrap(), bytes);
    assert_eq!(proxy.requests().len(), 6, "more breaks than attempts");

    proxy.clear_rules();
    proxy.clear_requests();
    proxy.add(Rule::new("GET", "/blobs/").does(Action::Truncate { after: 1000 }));
    assert!(read(&repository, &blob_of(&bytes)).await.is_err());
    assert_eq!(proxy.requests().len(), 3, "1,000 bytes counted as progress");
}

#[tokio::test]
async fn small_blob_is_verified_and_bounded() {
    let (registry, proxy) = start().await;
    let bytes = noise(1, 1000);
    registry.put_blob("a", bytes.clone());
    let blob = blob_of(&bytes);
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    assert_eq!(repository.small_blob(&blob, 1000).await.unwrap(), bytes);
    let large = repository.small_blob(&blob, 999).await.unwrap_err();
    assert!(matches!(large, Error::TooLarge { .. }), "{large}");
    proxy.add(Rule::new("GET", "/blobs/").does(Action::FlipByte { at: 3 }));
    let damaged = repository.small_blob(&blob, 1000).await.unwrap_err();
    assert!(matches!(damaged, Error::DigestMismatch { .. }), "{damaged}");
}
