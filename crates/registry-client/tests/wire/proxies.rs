//! Proxies: HTTP proxies that refuse, and SOCKS.

use embedded_registry::Registry;
use registry_client::{ConnectionFailure, Error, Proxies, ProxyVariables};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::setup::{Setup, pull, tag};

/// A host that only the proxy knows.
const HOST: &str = "registry.example:5000";

fn setup(variable: &str) -> Setup {
    let variables = ProxyVariables {
        all: Some(variable),
        ..ProxyVariables::default()
    };
    let mut setup = Setup::new();
    setup.proxies = Proxies::from_variables(&variables).unwrap();
    setup.retry_policy.max_attempts = 1;
    setup
}

/// Starts an HTTP proxy that responds to every request with a status line.
async fn refusing_proxy(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            assert_ne!(length, 0, "no request");
            let response = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(response.as_bytes()).await.ok();
        }
    });
    address.to_string()
}

/// Starts a SOCKS5 proxy (RFC 1928) that connects to `target`, whatever the client asks for.
async fn socks_proxy(target: std::net::SocketAddr) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut greeting = [0; 2];
                stream.read_exact(&mut greeting).await.unwrap();
                let mut methods = vec![0; greeting[1].into()];
                stream.read_exact(&mut methods).await.unwrap();
                stream.write_all(&[5, 0]).await.unwrap();
                let mut head = [0; 5];
                stream.read_exact(&mut head).await.unwrap();
                assert_eq!(head[3], 3, "the proxy resolves the name");
                let mut name = vec![0; usize::from(head[4]) + 2];
                stream.read_exact(&mut name).await.unwrap();
                assert!(name.starts_with(b"registry.example"));
                let reply = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0];
                stream.write_all(&reply).await.unwrap();
                let mut registry = TcpStream::connect(target).await.unwrap();
                copy_bidirectional(&mut stream, &mut registry).await.ok();
            });
        }
    });
    address.to_string()
}

#[tokio::test]
async fn refusal_of_a_proxy_names_proxy_and_status() {
    for (status, shown) in [
        ("407 Proxy Authentication Required", "407"),
        ("403 Forbidden", "403"),
    ] {
        let proxy = refusing_proxy(status).await;
        let client = setup(&format!("http://me:c4n4ry-pass@{proxy}")).client();
        let error = pull(&client, HOST, "a")
            .manifest(tag("1"))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Proxy { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(&proxy) && text.contains(shown), "{text}");
        assert!(text.contains(HOST) && !text.contains("c4n4ry"), "{text}");
    }
}

#[tokio::test]
async fn failure_of_a_proxy_is_not_that_of_the_registry() {
    let down = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().to_string()
    };
    for (proxy, shown) in [
        (refusing_proxy("502 Bad Gateway").await, "502 Bad Gateway"),
        (down, "refused"),
    ] {
        let client = setup(&proxy).client();
        let error = pull(&client, HOST, "a")
            .manifest(tag("1"))
            .await
            .unwrap_err();
        let Error::Connection {
            failure, detail, ..
        } = &error
        else {
            panic!("{error:?}");
        };
        assert_eq!(*failure, ConnectionFailure::Proxy, "{error}");
        assert!(
            detail.contains(&proxy) && detail.contains(shown),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn refusal_of_a_proxy_for_plain_http_names_the_proxy() {
    let proxy = refusing_proxy("407 Proxy Authentication Required").await;
    let mut setup = setup(&proxy);
    setup.conf = format!("[[registry]]\nlocation = \"{HOST}\"\ninsecure = true\n");
    let client = setup.client();
    let error = pull(&client, HOST, "a")
        .manifest(tag("1"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Proxy { .. }), "{error:?}");
}

#[tokio::test]
async fn socks_proxy_resolves_and_connects() {
    let registry = Registry::new().start().await.unwrap();
    let proxy = socks_proxy(registry.address()).await;
    let mut setup = setup(&format!("socks5h://{proxy}"));
    setup.conf = format!("[[registry]]\nlocation = \"{HOST}\"\ninsecure = true\n");
    let found = pull(&setup.client(), HOST, "a").manifest(tag("1")).await;
    assert!(found.unwrap().is_none());
}
