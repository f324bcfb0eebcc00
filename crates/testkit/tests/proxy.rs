//! Every fault is what it says, seen from the client's end of the socket.
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

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Closed,
    Reset,
    Silent,
}

/// The head and the body of an answer, and the end of the connection.
#[derive(Debug)]
struct Answer {
    head: String,
    body: Vec<u8>,
    end: End,
}

impl Answer {
    fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or("none")
    }
}

/// One request on a connection of its own.
async fn ask(proxy: &FaultProxy, method: &str, target: &str, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let host = proxy.host();
    let length = body.len();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // A reset while this is written shows when the answer is read.
    let _ = stream.write_all(body).await;
    let (mut all, mut buffer) = (Vec::new(), vec![0; 65536]);
    let end = loop {
        match timeout(Duration::from_millis(500), stream.read(&mut buffer)).await {
            Err(_) => break End::Silent,
            Ok(Ok(0)) => break End::Closed,
            Ok(Ok(count)) => all.extend_from_slice(&buffer[..count]),
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionReset => break End::Reset,
            Ok(Err(error)) => panic!("{error}"),
        }
    };
    let middle = all.windows(4).position(|window| window == b"\r\n\r\n");
    let body = middle.map_or(Vec::new(), |middle| all.split_off(middle + 4));
    Answer {
        head: String::from_utf8(all).unwrap(),
        body,
        end,
    }
}

#[tokio::test]
async fn bodies_break_where_they_should() {
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
        let answer = ask(&proxy, "GET", &blob, b"").await;
        assert_eq!(answer.status(), "200", "{shown}");
        assert_eq!((answer.body.len(), answer.end), (length, end), "{shown}");
        let again = ask(&proxy, "GET", &blob, b"").await;
        assert_eq!(again.body, vec![7; SIZE], "{shown} is over");
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
async fn a_host_goes_down_and_comes_back() {
    let (_registry, proxy, blob) = start().await;
    let down = Duration::from_millis(300);
    proxy.add(Rule::new("GET", "").nth(1).does(Action::GoDown(down)));
    assert_eq!(ask(&proxy, "GET", &blob, b"").await.end, End::Reset);
    let refused = TcpStream::connect(proxy.address()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    tokio::time::sleep(down * 2).await;
    assert_eq!(ask(&proxy, "GET", &blob, b"").await.status(), "200");
}

#[tokio::test]
async fn uploads_stall_and_change_on_their_way() {
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
        let answer = ask(&proxy, "POST", &target, &content).await;
        assert_eq!((answer.status(), &answer.end), (status, &end), "{shown}");
        let again = ask(&proxy, "POST", &target, &content).await;
        assert_eq!(again.status(), "201", "{shown} is over");
    }
}

#[tokio::test]
async fn a_flood_is_as_long_as_it_says() {
    const BYTES: u64 = 1_000_000;
    let (_registry, proxy, blob) = start().await;
    for announced in [true, false] {
        proxy.clear_rules();
        let flood = Action::Flood {
            bytes: BYTES,
            announced,
        };
        proxy.add(Rule::new("GET", "").does(flood));
        let answer = ask(&proxy, "GET", &blob, b"").await;
        let says = answer
            .head
            .to_lowercase()
            .contains("content-length: 1000000");
        assert_eq!(says, announced, "{}", answer.head);
        assert!(answer.body.len() as u64 >= BYTES, "{}", answer.body.len());
    }
}

#[tokio::test]
async fn one_bit_flips_and_lengths_lie() {
    let (_registry, proxy, blob) = start().await;
    proxy.add(
        Rule::new("GET", "")
            .nth(1)
            .does(Action::FlipByte { at: 250_000 }),
    );
    proxy.add(Rule::new("GET", "").nth(2).does(Action::WrongLength(5)));
    let flipped = ask(&proxy, "GET", &blob, b"").await;
    let wrong: Vec<usize> = (0..SIZE).filter(|at| flipped.body[*at] != 7).collect();
    assert_eq!(wrong, [250_000]);
    let lying = ask(&proxy, "GET", &blob, b"").await;
    assert!(
        lying
            .head
            .contains(&format!("content-length: {}", SIZE + 5)),
        "{}",
        lying.head
    );
}

#[tokio::test]
async fn requests_end_without_an_answer_or_with_another() {
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
        let answer = ask(&proxy, "GET", &blob, b"").await;
        assert_eq!((answer.status(), &answer.end), (status, &end), "{shown}");
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
                answer.head.contains("retry-after: 1\r\n"),
                "{}",
                answer.head
            ),
            "307" => {
                let location = format!("location: http://127.0.0.1:9{blob}\r\n");
                assert!(answer.head.contains(&location), "{}", answer.head);
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn uploads_break_or_are_refused_after_they_were_sent() {
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
        let answer = ask(&proxy, "POST", &target, &body).await;
        assert_eq!((answer.status(), &answer.end), (status, &end));
        assert_eq!(proxy.requests()[number].sent_bytes, sent as u64);
    }
    assert!(registry.blob("x", &digest_of(&body)).is_some());
}

#[tokio::test]
async fn headers_and_queries_change() {
    let (registry, proxy, blob) = start().await;
    proxy.add(Rule::new("HEAD", "").does(Action::DropHeader("docker-content-digest")));
    proxy.add(Rule::new("HEAD", "").does(Action::SetHeader("link", "</x>".into())));
    proxy.add(Rule::new("POST", "mount=").does(Action::DropQuery));
    let head = ask(&proxy, "HEAD", &blob, b"").await.head;
    assert!(!head.contains("docker-content-digest"), "{head}");
    assert!(head.contains("link: </x>\r\n"), "{head}");
    assert!(
        head.contains(&format!("content-length: {SIZE}\r\n")),
        "{head}"
    );
    let digest = blob.rsplit('/').next().unwrap();
    let mount = format!("/v2/y/blobs/uploads/?mount={digest}&from=x");
    assert_eq!(ask(&proxy, "POST", &mount, b"").await.status(), "202");
    assert_eq!(registry.requests()[1].query, "");
    proxy.clear_rules();
    assert_eq!(ask(&proxy, "POST", &mount, b"").await.status(), "201");
}

#[tokio::test]
async fn delays_add_up() {
    let (_registry, proxy, blob) = start().await;
    proxy.add(Rule::new("GET", "").does(Action::Delay(Duration::from_millis(100))));
    proxy.set_latency(Duration::from_millis(150));
    let start = Instant::now();
    assert_eq!(ask(&proxy, "GET", &blob, b"").await.status(), "200");
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
async fn a_client_sees_no_proxy_where_there_is_no_fault() {
    let (source, target) = (start().await, start().await);
    let image = sample_image("demo", 1, &[Platform::linux("amd64")], 3).unwrap();
    let digest = image.push(&source.0, "demo", Some("v1"));
    let to = format!("{}/demo:v1", target.1.host());
    let crane = Crane::new().credentials(&target.1.host(), "somebody", "secret");
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
