//! The scheme of requests to a host.

use embedded_registry::Registry;
use testkit::certificates::Authority;
use testkit::processes::Distribution;
use testkit::proxy::FaultProxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::setup::{INDEX, Setup, index, pull, tag};

#[tokio::test]
async fn loopback_uses_http_unless_insecure_is_false() {
    let registry = Registry::new().start().await.unwrap();
    registry.put_manifest("a", Some("1"), INDEX, index("x"));
    let mut setup = Setup::new();
    let client = setup.client();
    let host = registry.host();
    assert!(
        pull(&client, &host, "a")
            .head_manifest(tag("1"))
            .await
            .unwrap()
            .is_some()
    );
    let by_name = format!("localhost:{}", registry.address().port());
    assert!(
        pull(&client, &by_name, "a")
            .head_manifest(tag("1"))
            .await
            .unwrap()
            .is_some()
    );

    setup.conf = format!("[[registry]]\nlocation = \"{host}\"\ninsecure = false\n");
    let refused = pull(&setup.client(), &host, "a")
        .head_manifest(tag("1"))
        .await;
    let message = refused.unwrap_err().to_string();
    assert!(message.starts_with("HEAD https://"), "{message}");
}

#[tokio::test]
async fn insecure_host_uses_unverified_tls_then_http() {
    let authority = Authority::new("untrusted");
    let tls = Distribution::new().tls(authority.server()).start().await;
    let open = Registry::new().access_log(100).start().await.unwrap();
    let plain = FaultProxy::start(open.address()).await;
    for (host, scheme) in [(tls.host(), "https"), (plain.host(), "http")] {
        let mut setup = Setup::new();
        setup.conf = format!("[[registry]]\nlocation = \"{host}\"\ninsecure = true\n");
        let client = setup.client();
        let repository = pull(&client, &host, "a");
        assert!(
            repository.head_manifest(tag("1")).await.unwrap().is_none(),
            "{scheme}"
        );
        let before = client.requests();
        repository.head_manifest(tag("2")).await.unwrap();
        assert_eq!(client.requests(), before + 1, "{scheme} was learnt");
    }
}

#[tokio::test]
async fn cert_dir_for_all_hosts_keeps_http_for_loopback() {
    let (known, unknown) = (Authority::new("known"), Authority::new("unknown"));
    let directory = tempfile::tempdir().unwrap();
    let mut setup = Setup::new();
    setup.cert_dir = Some(known.write_certs_d(directory.path(), "all", None));
    let client = setup.client();

    let trusted = Distribution::new().tls(known.server()).start().await;
    assert!(
        pull(&client, &trusted.host(), "a")
            .head_manifest(tag("1"))
            .await
            .unwrap()
            .is_none()
    );

    let plain = Registry::new().access_log(10).start().await.unwrap();
    plain.put_manifest("a", Some("1"), INDEX, index("x"));
    let repository = pull(&client, &plain.host(), "a");
    assert!(repository.head_manifest(tag("1")).await.unwrap().is_some());
    let before = client.requests();
    assert!(repository.head_manifest(tag("1")).await.unwrap().is_some());
    assert_eq!(client.requests(), before + 1, "learnt once");
    let other = Distribution::new().start().await;
    assert!(
        pull(&client, &other.host(), "a")
            .head_manifest(tag("1"))
            .await
            .unwrap()
            .is_none()
    );

    let untrusted = Distribution::new().tls(unknown.server()).start().await;
    let refused = pull(&client, &untrusted.host(), "a")
        .head_manifest(tag("1"))
        .await;
    let error = refused.unwrap_err();
    assert!(
        matches!(error, registry_client::Error::Tls { .. }),
        "{error:?}"
    );
    assert!(
        !untrusted.log().contains("HTTP request to an HTTPS server"),
        "never plain"
    );
}

/// Starts a server that closes connections that do not start with HTTP, and has no image.
async fn closing_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap_or(0);
            if request[..length].starts_with(b"HEAD ") {
                let response = b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n";
                stream.write_all(response).await.ok();
            }
        }
    });
    host
}

#[tokio::test]
async fn cert_dir_for_all_hosts_keeps_http_for_a_loopback_host_that_closes_tls() {
    let known = Authority::new("known");
    let directory = tempfile::tempdir().unwrap();
    let mut setup = Setup::new();
    setup.cert_dir = Some(known.write_certs_d(directory.path(), "all", None));
    let found = pull(&setup.client(), &closing_server().await, "a")
        .head_manifest(tag("1"))
        .await;
    assert!(found.unwrap().is_none());
}

#[tokio::test]
async fn loopback_address_of_ipv6_is_a_host() {
    let Ok(listener) = TcpListener::bind("[::1]:0").await else {
        // A machine without IPv6.
        return;
    };
    let registry = Registry::new().start().await.unwrap();
    registry.put_manifest("a", Some("1"), INDEX, index("x"));
    let host = listener.local_addr().unwrap().to_string();
    let inner = registry.address();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut registry = TcpStream::connect(inner).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut stream, &mut registry).await.ok() });
        }
    });
    let image: image_name::ImageName = format!("{host}/a:1").parse().unwrap();
    let client = Setup::new().client();
    let source = client
        .sources(&image.reference(None))
        .unwrap()
        .pop()
        .unwrap();
    assert!(source.head_manifest(tag("1")).await.unwrap().is_some());
}

#[tokio::test]
async fn cert_dir_of_a_loopback_host_requires_tls() {
    let known = Authority::new("known");
    let directory = tempfile::tempdir().unwrap();
    let plain = Registry::new().access_log(10).start().await.unwrap();
    let mut setup = Setup::new();
    setup.cert_dir = Some(known.write_certs_d(directory.path(), "all", None));
    known.write_certs_d(directory.path(), &plain.host(), None);
    setup.certs_d = vec![directory.path().into()];
    let refused = pull(&setup.client(), &plain.host(), "a")
        .head_manifest(tag("1"))
        .await;
    assert!(refused.is_err());
    assert!(plain.requests().is_empty(), "{:?}", plain.requests());
}
