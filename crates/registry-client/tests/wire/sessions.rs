//! The forms of `Location` of upload sessions.

use embedded_registry::{Links, Registry};
use registry_client::{Access, Error, Manifest, sha256_digest};
use testkit::proxy::{Action, FaultProxy, Rule};

use crate::setup::{
    INDEX, Setup, blob_of, faulty, index, noise, path, pull, push, start, tag, transfer,
};

#[tokio::test]
async fn upload_follows_absolute_and_relative_locations() {
    for links in [Links::Absolute, Links::Relative] {
        let (target, proxy) = faulty(Registry::new().links(links)).await;
        let (source, _) = start().await;
        let client = Setup::new().client();
        for size in [1000, 300_000] {
            let bytes = noise(size as u64, size);
            source.put_blob("a", bytes.clone());
            let (from, to) = (
                pull(&client, &source.host(), "a"),
                push(&client, &proxy.host(), "a"),
            );
            transfer(&from, &to, &blob_of(&bytes)).await.unwrap();
            assert_eq!(
                target.blob("a", blob_of(&bytes).digest.as_spec()),
                Some(bytes),
                "{links:?}"
            );
        }
    }
}

#[tokio::test]
async fn upload_keeps_the_query_of_a_location_and_adds_the_digest() {
    let (_registry, proxy) = start().await;
    let (source, _) = start().await;
    let bytes = noise(1, 300_000);
    let blob = blob_of(&bytes);
    source.put_blob("a", bytes);
    let digest = format!("digest={}", blob.digest.as_ref().replace(':', "%3A"));
    let cases = [
        // Without a leading slash it is relative to `/v2/a/blobs/uploads/`.
        ("x1".to_owned(), "/v2/a/blobs/uploads/x1", digest.clone()),
        (
            "/v2/a/blobs/upload/7?_state=s%2F1".to_owned(),
            "/v2/a/blobs/upload/7",
            format!("_state=s%2F1&{digest}"),
        ),
        (
            "?id=7".to_owned(),
            "/v2/a/blobs/uploads/",
            format!("id=7&{digest}"),
        ),
        (
            format!("//{}/v2/a/blobs/uploads/p", proxy.host()),
            "/v2/a/blobs/uploads/p",
            digest.clone(),
        ),
        // A registry behind a proxy that terminates TLS has another scheme in its URLs.
        (
            format!("https://{}/v2/a/blobs/uploads/q", proxy.host()),
            "/v2/a/blobs/uploads/q",
            digest.clone(),
        ),
        // Google's Artifact Registry.
        (
            "/artifacts-uploads/namespaces/p/uploads/1".to_owned(),
            "/artifacts-uploads/namespaces/p/uploads/1",
            digest.clone(),
        ),
    ];
    for (location, path, query) in cases {
        proxy.clear_rules();
        proxy.clear_requests();
        let begun = Action::answer(202).header("location", &location);
        proxy.add(Rule::new("POST", "/uploads/").does(begun));
        proxy.add(Rule::new("PUT", "").does(Action::answer(201)));
        let client = Setup::new().client();
        let (from, to) = (
            pull(&client, &source.host(), "a"),
            push(&client, &proxy.host(), "a"),
        );
        transfer(&from, &to, &blob).await.unwrap();
        let put = proxy.requests().pop().unwrap();
        assert_eq!(
            (put.path.as_str(), put.query.as_str()),
            (path, query.as_str()),
            "{location}"
        );
        assert_eq!(put.header("content-length"), Some("300000"));
        assert_eq!(put.sent_bytes, 300_000);
    }
}

#[tokio::test]
async fn upload_refuses_sessions_outside_its_repository() {
    let (_registry, proxy) = start().await;
    let (_other, elsewhere) = start().await;
    let (source, _) = start().await;
    let bytes = noise(1, 1000);
    source.put_blob("a", bytes.clone());
    let api_elsewhere = format!(
        "{}/v2/victim/manifests/prod",
        format_args!("http://{}", elsewhere.host())
    );
    let with_user = format!("http://u:p@{}/v2/a/blobs/uploads/1", proxy.host());
    for location in [
        "/api/v2.0/users",
        "/v2/victim/app/manifests/prod?x=",
        "/v2/a/blobs/uploads/../../manifests/prod",
        "/v2/a/blobs/uploads/..%2f..%2fmanifests/prod",
        "/v2/a/blobs/uploads/%2e%2e/%2e%2e/manifests/prod",
        "/v2/a/blobs/uploads/..;/..;/manifests/prod",
        "/artifacts-uploads/namespaces/../../v2/a/manifests/prod",
        "/artifacts-uploads/namespaces/..%2f..%2fapi",
        &api_elsewhere,
        &with_user,
    ] {
        proxy.clear_rules();
        proxy.clear_requests();
        let begun = Action::answer(202).header("location", location);
        proxy.add(Rule::new("POST", "/uploads/").does(begun));
        let to = push(&Setup::new().client(), &proxy.host(), "a");
        let error = to.begin_upload().await.unwrap_err();
        assert!(
            matches!(error, Error::NotSent { .. }),
            "{location}: {error}"
        );
        assert_eq!(proxy.requests().len(), 1, "{location}: only the POST");
    }
    assert!(elsewhere.requests().is_empty());
}

/// A redirect of a write is followed to the same endpoint only.
#[tokio::test]
async fn redirected_write_to_another_endpoint_is_refused() {
    let (registry, proxy) = start().await;
    let bytes = index("x");
    let manifest = Manifest {
        digest: sha256_digest(&bytes),
        media_type: INDEX.to_owned(),
        bytes,
    };
    for location in [
        "/v2/a/manifests/other",
        "/v2/victim/manifests/1",
        "/api/v2.0/users",
        "http://localhost:1/x",
    ] {
        proxy.clear_rules();
        proxy.clear_requests();
        let moved = Action::answer(307).header("location", location);
        proxy.add(Rule::new("PUT", "/v2/a/manifests/1").first(1).does(moved));
        let to = push(&Setup::new().client(), &proxy.host(), "a");
        let error = to.put_manifest(tag("1"), &manifest).await.unwrap_err();
        assert!(
            matches!(error, Error::NotSent { .. }),
            "{location}: {error}"
        );
        assert_eq!(proxy.requests().len(), 1, "{location}");
    }
    assert_eq!(registry.request_count(), 0);
}

/// Another host gets no write but the start and the body of an upload to the same repository, and
/// storage only the body.
#[tokio::test]
async fn redirected_write_to_another_host_is_refused() {
    let (_registry, proxy) = start().await;
    let elsewhere = FaultProxy::start(proxy.address()).await;
    let to = push(&Setup::new().client(), &proxy.host(), "a");
    let session = to.begin_upload().await.unwrap();
    let bytes = index("x");
    let manifest = Manifest {
        digest: sha256_digest(&bytes),
        media_type: INDEX.to_owned(),
        bytes,
    };
    for (method, path) in [
        ("PUT", "/v2/a/manifests/1"),
        ("POST", "/api/v2.0/users"),
        ("POST", "/storage/1"),
        ("POST", "/v2/victim/blobs/uploads/"),
        ("DELETE", "/v2/a/blobs/uploads/1"),
        ("DELETE", "/storage/1"),
    ] {
        proxy.clear_rules();
        let location = format!("http://{}{path}", elsewhere.host());
        let moved = Action::answer(307).header("location", &location);
        proxy.add(Rule::new(method, "/v2/a/").does(moved));
        let error = match method {
            "PUT" => to.put_manifest(tag("1"), &manifest).await.err(),
            "POST" => to.begin_upload().await.err(),
            _ => {
                to.cancel_upload(session.clone()).await;
                continue;
            }
        };
        let is_refused = matches!(error, Some(Error::NotSent { .. }));
        assert!(is_refused, "{location}: {error:?}");
    }
    let sent = elsewhere.requests();
    assert!(sent.is_empty(), "{sent:?}");
}

/// A URL with a user would give the request an `Authorization` that the peer chose.
#[tokio::test]
async fn redirect_with_a_user_is_refused() {
    let (_registry, proxy) = start().await;
    let elsewhere = FaultProxy::start(proxy.address()).await;
    let location = format!("http://user:word@{}/x", elsewhere.host());
    let moved = Action::answer(307).header("location", &location);
    proxy.add(Rule::new("HEAD", "/manifests/").does(moved));
    let source = pull(&Setup::new().client(), &proxy.host(), "a");
    let error = source.head_manifest(tag("1")).await.unwrap_err();
    assert!(error.to_string().contains("with a user name"), "{error}");
    assert!(elsewhere.requests().is_empty());
}

/// A registry may redirect a read to another path of its own, which gets no credentials.
#[tokio::test]
async fn redirected_read_outside_the_repository_carries_no_credentials() {
    let registry = testkit::processes::Distribution::new()
        .htpasswd("us", "secret")
        .start()
        .await;
    let proxy = FaultProxy::start(registry.address()).await;
    let client = Setup::new().login(&proxy.host(), "us", "secret").client();
    let repository = pull(&client, &proxy.host(), "a");
    for (location, authorized) in [("/v2/a/manifests/2", true), ("/api/users", false)] {
        proxy.clear_rules();
        repository.head_manifest(tag("0")).await.unwrap();
        proxy.clear_requests();
        let moved = Action::answer(302).header("location", location);
        proxy.add(Rule::new("HEAD", "/manifests/1").does(moved));
        repository.head_manifest(tag("1")).await.ok();
        let followed = proxy.requests().into_iter().find(|it| it.path == location);
        assert_eq!(followed.unwrap().is_authorized(), authorized, "{location}");
    }
}

#[tokio::test]
async fn client_without_a_policy_sends_no_write() {
    let (registry, proxy) = start().await;
    let client = Setup::new().client();
    let reference = format!("{}/a:x", proxy.host()).parse().unwrap();
    let repository = client.destination(&reference, Access::Push).unwrap();
    let bytes = index("x");
    let manifest = Manifest {
        digest: sha256_digest(&bytes),
        media_type: INDEX.to_owned(),
        bytes: bytes.clone(),
    };
    let errors = [
        repository.put_manifest(tag("1"), &manifest).await.err(),
        repository.begin_upload().await.err(),
        repository
            .mount(&blob_of(&bytes).digest, &path("b"))
            .await
            .err(),
    ];
    for error in errors {
        assert!(matches!(error, Some(Error::NotSent { .. })), "{error:?}");
    }
    assert_eq!(registry.request_count(), 0);
    assert!(proxy.requests().is_empty());
}

#[tokio::test]
async fn response_without_location_is_an_error_that_names_the_header() {
    let (_registry, proxy) = start().await;
    proxy.add(Rule::new("POST", "/uploads/").does(Action::DropHeader("location")));
    let error = push(&Setup::new().client(), &proxy.host(), "a")
        .begin_upload()
        .await;
    assert!(error.unwrap_err().to_string().contains("Location"));
}

#[tokio::test]
async fn upload_session_on_another_host_gets_no_credentials() {
    let (store, elsewhere) = start().await;
    let registry = testkit::processes::Distribution::new()
        .htpasswd("us", "secret")
        .start()
        .await;
    let proxy = FaultProxy::start(registry.address()).await;
    let client = Setup::new().login(&proxy.host(), "us", "secret").client();
    let (source, _) = start().await;
    for (seed, size) in [(1, 1000), (2, 300_000)] {
        let bytes = noise(seed, size);
        source.put_blob("a", bytes.clone());
        // Begin a session on the other host, and return its URL in the registry's `Location`.
        let there = push(&client, &elsewhere.host(), "a");
        elsewhere.clear_requests();
        there.begin_upload().await.unwrap();
        let session = store.requests().pop().unwrap();
        assert_eq!(session.status.as_u16(), 202);
        let other = begin_raw_session(&elsewhere).await;
        proxy.clear_rules();
        let begun = Action::SetHeader("location", other);
        proxy.add(Rule::new("POST", "/uploads/").does(begun));
        let (from, to) = (
            pull(&client, &source.host(), "a"),
            push(&client, &proxy.host(), "a"),
        );
        transfer(&from, &to, &blob_of(&bytes)).await.unwrap();
        assert_eq!(
            store.blob("a", blob_of(&bytes).digest.as_spec()),
            Some(bytes)
        );
    }
    assert!(elsewhere.requests().iter().all(|r| !r.is_authorized()));
    assert!(proxy.requests().iter().any(|r| r.is_authorized()));
}

/// Begins an upload session with a raw request and returns its URL.
async fn begin_raw_session(proxy: &FaultProxy) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let host = proxy.host();
    let mut stream = tokio::net::TcpStream::connect(&host).await.unwrap();
    let request = format!(
        "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let line = response
        .lines()
        .find(|l| l.to_lowercase().starts_with("location: "))
        .unwrap();
    format!("http://{host}{}", line[10..].trim())
}
