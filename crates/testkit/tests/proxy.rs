//! Every fault of the proxy, observed at the socket of the client.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "functions of the tests fail like tests"
)]

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use embedded_registry::images::{Platform, sample_image};
use embedded_registry::{Registry, RunningRegistry, digest_of};
use testkit::clients::Crane;
use testkit::proxy::{Action, FaultProxy, Rule};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const SIZE: usize = 300_000;

async fn start() -> (RunningRegistry, FaultProxy, String) {
    let registry = Registry::new().access_log(1000).start().await.unwrap();
    let digest = registry.put_blob("x", vec![7; SIZE].into());
    let proxy = FaultProxy::start(registry.address()).await;
    (registry, proxy, format!("/v2/x/blobs/{digest}"))
}

/// The end of a connection.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Closed,
    Reset,
    Silent,
}

/// The head and body of a response, and the end of the connection.
#[derive(Debug)]
struct RawResponse {
    head: String,
    body: Vec<u8>,
    end: End,
}

impl RawResponse {
    fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or("none")
    }
}

/// Returns the read timeout after which a connection counts as silent. Long for other endings, so that a
/// busy machine does not fail the test.
fn silence(expected: &End) -> Duration {
    match expected {
        End::Silent => Duration::from_secs(2),
        End::Closed | End::Reset => Duration::from_secs(60),
    }
}

/// Sends one request on a new connection. The connection must end.
async fn request(proxy: &FaultProxy, method: &str, target: &str, body: &[u8]) -> RawResponse {
    request_until(silence(&End::Closed), proxy, method, target, body).await
}

/// Sends one request as [`request`] does, but reports a connection as silent after this time.
async fn request_until(
    silence: Duration,
    proxy: &FaultProxy,
    method: &str,
    target: &str,
    body: &[u8],
) -> RawResponse {
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let host = proxy.host();
    let length = body.len();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // A reset during the write is reported by the next read.
    let _ = stream.write_all(body).await;
    let (mut all, mut buffer) = (Vec::new(), vec![0; 65536]);
    let end = loop {
        match timeout(silence, stream.read(&mut buffer)).await {
            Err(_) => break End::Silent,
            Ok(Ok(0)) => break End::Closed,
            Ok(Ok(count)) => all.extend_from_slice(&buffer[..count]),
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionReset => break End::Reset,
            Ok(Err(error)) => panic!("{error}"),
        }
    };
    let middle = all.windows(4).position(|window| window == b"\r\n\r\n");
    let body = middle.map_or(Vec::new(), |middle| all.split_off(middle + 4));
    RawResponse {
        head: String::from_utf8(all).unwrap(),
        body,
        end,
    }
}

#[tokio::test]
async fn proxy_breaks_response_bodies_at_the_given_offset() {
    let table = [
        (Action::Truncate { after: 1000 }, 1000, End::Closed),
        (Action::StallInBody { after: 1000 }, 1000, End::Silent),
        (Action::ResetInBody { after: 1000 }, 1000, End::Reset),
        (Action::ResetInBody { after: 0 }, 0, End::Reset),
        (Action::WrongLength(5), SIZE, End::Closed),
        (Action::WrongLength(-5), SIZE - 5, End::Closed),
        (Action::FlipByte { at: 250_000 }, SIZE, End::Closed),
    ];
    for (action, length, end) in table {
        let (_registry, proxy, blob) = start().await;
        let shown = format!("{action:?}");
        proxy.add(Rule::new("GET", "/blobs/").first(1).does(action));
        let response = request_until(silence(&end), &proxy, "GET", &blob, b"").await;
        assert_eq!(response.status(), "200", "{shown}");
        assert_eq!(
            (response.body.len(), response.end),
            (length, end),
            "{shown}"
        );
        let again = request(&proxy, "GET", &blob, b"").await;
        assert_eq!(again.body, vec![7; SIZE], "{shown} applies once");
        let requests = proxy.requests();
        assert_eq!(
            [requests[0].faulted, requests[1].faulted],
            [true, false],
            "{shown}"
        );
        assert_eq!(requests[1].received_bytes, SIZE as u64);
    }
}

#[tokio::test]
async fn proxy_refuses_connections_while_it_is_down() {
    let (_registry, proxy, blob) = start().await;
    let down = Duration::from_secs(3600);
    proxy.add(Rule::new("GET", "").does(Action::GoDown(down)));
    assert_eq!(request(&proxy, "GET", &blob, b"").await.end, End::Reset);
    let refused = TcpStream::connect(proxy.address()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn proxy_accepts_connections_after_a_downtime() {
    let (_registry, proxy, blob) = start().await;
    let down = Duration::from_millis(1);
    proxy.add(Rule::new("GET", "").nth(1).does(Action::GoDown(down)));
    assert_eq!(request(&proxy, "GET", &blob, b"").await.end, End::Reset);
    let mut attempts = 0;
    while TcpStream::connect(proxy.address()).await.is_err() {
        attempts += 1;
        assert!(attempts < 1000, "the proxy stays down");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(request(&proxy, "GET", &blob, b"").await.status(), "200");
}

#[tokio::test]
async fn proxy_stalls_and_changes_uploads() {
    let (_registry, proxy, _) = start().await;
    let content = vec![7; 1000];
    let digest = digest_of(&content);
    let target = format!("/v2/y/blobs/uploads/?digest={digest}");
    for (action, status, end) in [
        (Action::FlipUpload { at: 500 }, "400", End::Closed),
        (Action::StallUpload { after: 500 }, "none", End::Silent),
    ] {
        proxy.clear_rules();
        let shown = format!("{action:?}");
        proxy.add(Rule::new("POST", "").first(1).does(action));
        let response = request_until(silence(&end), &proxy, "POST", &target, &content).await;
        assert_eq!(
            (response.status(), &response.end),
            (status, &end),
            "{shown}"
        );
        let again = request(&proxy, "POST", &target, &content).await;
        assert_eq!(again.status(), "201", "{shown} applies once");
    }
}

#[tokio::test]
async fn flood_has_the_requested_length() {
    const BYTES: u64 = 1_000_000;
    let (_registry, proxy, blob) = start().await;
    for announced in [true, false] {
        proxy.clear_rules();
        let flood = Action::Flood {
            bytes: BYTES,
            announced,
        };
        proxy.add(Rule::new("GET", "").does(flood));
        let response = request(&proxy, "GET", &blob, b"").await;
        let has_length = response
            .head
            .to_lowercase()
            .contains("content-length: 1000000");
        assert_eq!(has_length, announced, "{}", response.head);
        assert!(
            response.body.len() as u64 >= BYTES,
            "{}",
            response.body.len()
        );
    }
}

#[tokio::test]
async fn proxy_flips_one_bit_and_sends_a_wrong_length() {
    let (_registry, proxy, blob) = start().await;
    proxy.add(
        Rule::new("GET", "")
            .nth(1)
            .does(Action::FlipByte { at: 250_000 }),
    );
    proxy.add(Rule::new("GET", "").nth(2).does(Action::WrongLength(5)));
    let flipped = request(&proxy, "GET", &blob, b"").await;
    let wrong: Vec<usize> = (0..SIZE).filter(|at| flipped.body[*at] != 7).collect();
    assert_eq!(wrong, [250_000]);
    let wrong_length = request(&proxy, "GET", &blob, b"").await;
    assert!(
        wrong_length
            .head
            .contains(&format!("content-length: {}", SIZE + 5)),
        "{}",
        wrong_length.head
    );
}

#[tokio::test]
async fn proxy_drops_or_replaces_responses() {
    let reply = Action::answer(429).header("retry-after", "1");
    let table = [
        (Action::Reset, "none", End::Reset, 0),
        (Action::Stall, "none", End::Silent, 0),
        (Action::DropResponse, "none", End::Reset, 1),
        (reply.into(), "429", End::Closed, 0),
        (
            Action::RedirectTo("127.0.0.1:9".into()),
            "307",
            End::Closed,
            0,
        ),
    ];
    for (action, status, end, upstream) in table {
        let (registry, proxy, blob) = start().await;
        let shown = format!("{action:?}");
        proxy.add(Rule::new("GET", "/blobs/").nth(1).does(action));
        let response = request_until(silence(&end), &proxy, "GET", &blob, b"").await;
        assert_eq!(
            (response.status(), &response.end),
            (status, &end),
            "{shown}"
        );
        assert_eq!(
            registry.request_count(),
            upstream,
            "{shown} reaches the registry"
        );
        let recorded = proxy.requests()[0].status();
        assert_eq!(
            recorded.map_or("none".to_owned(), |status| status.to_string()),
            status
        );
        match status {
            "429" => assert!(
                response.head.contains("retry-after: 1\r\n"),
                "{}",
                response.head
            ),
            "307" => {
                let location = format!("location: http://127.0.0.1:9{blob}\r\n");
                assert!(response.head.contains(&location), "{}", response.head);
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn proxy_resets_and_refuses_uploads() {
    let (registry, proxy, _) = start().await;
    let body = vec![1; SIZE];
    let target = format!("/v2/x/blobs/uploads/?digest={}", digest_of(&body));
    proxy.add(
        Rule::new("POST", "digest=")
            .nth(1)
            .does(Action::ResetUpload { after: 5000 }),
    );
    proxy.add(
        Rule::new("POST", "digest=")
            .nth(2)
            .does(Action::answer(503)),
    );
    let ends = [
        ("none", End::Reset, 5000),
        ("503", End::Closed, SIZE),
        ("201", End::Closed, SIZE),
    ];
    for (number, (status, end, sent)) in ends.into_iter().enumerate() {
        let stored = registry.blob("x", &digest_of(&body)).is_some();
        assert!(!stored, "not before the third");
        let response = request(&proxy, "POST", &target, &body).await;
        assert_eq!((response.status(), &response.end), (status, &end));
        assert_eq!(proxy.requests()[number].sent_bytes, sent as u64);
    }
    assert!(registry.blob("x", &digest_of(&body)).is_some());
}

#[tokio::test]
async fn proxy_changes_headers_and_queries() {
    let (registry, proxy, blob) = start().await;
    proxy.add(Rule::new("HEAD", "").does(Action::DropHeader("docker-content-digest")));
    proxy.add(Rule::new("HEAD", "").does(Action::SetHeader("link", "</x>".into())));
    proxy.add(Rule::new("POST", "mount=").does(Action::DropQuery));
    let head = request(&proxy, "HEAD", &blob, b"").await.head;
    assert!(!head.contains("docker-content-digest"), "{head}");
    assert!(head.contains("link: </x>\r\n"), "{head}");
    assert!(
        head.contains(&format!("content-length: {SIZE}\r\n")),
        "{head}"
    );
    let digest = blob.rsplit('/').next().unwrap();
    let mount = format!("/v2/y/blobs/uploads/?mount={digest}&from=x");
    assert_eq!(request(&proxy, "POST", &mount, b"").await.status(), "202");
    assert_eq!(registry.requests()[1].query, "");
    proxy.clear_rules();
    assert_eq!(request(&proxy, "POST", &mount, b"").await.status(), "201");
}

#[tokio::test]
async fn delays_add_up() {
    let (_registry, proxy, blob) = start().await;
    proxy.add(Rule::new("GET", "").does(Action::Delay(Duration::from_millis(100))));
    proxy.set_latency(Duration::from_millis(150));
    let start = Instant::now();
    assert_eq!(request(&proxy, "GET", &blob, b"").await.status(), "200");
    assert!(
        start.elapsed() >= Duration::from_millis(250),
        "{:?}",
        start.elapsed()
    );
    let recorded = &proxy.requests()[0];
    let (answered, _) = recorded.answered.unwrap();
    assert!(answered - recorded.arrived >= Duration::from_millis(250));
}

#[tokio::test]
async fn crane_copies_through_a_proxy_without_rules() {
    let (source, target) = (start().await, start().await);
    let image = sample_image("demo", 1, &[Platform::linux("amd64")], 3).unwrap();
    let digest = image.push(&source.0, "demo", Some("v1"));
    let to = format!("{}/demo:v1", target.1.host());
    let crane = Crane::new().credentials(&target.1.host(), "user", "secret");
    crane
        .copy(&format!("{}/demo:v1", source.1.host()), &to)
        .await
        .unwrap();
    crane.validate(&to).await.unwrap();
    assert_eq!(crane.digest(&to).await.unwrap(), digest.as_ref());
    assert_eq!(target.1.count("PUT", "/manifests/v1"), 1);
    assert_eq!(target.1.requests().len() as u64, target.0.request_count());
    assert!(
        !source
            .1
            .requests()
            .iter()
            .any(|request| request.is_authorized())
    );
}
