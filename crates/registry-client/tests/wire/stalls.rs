//! Timeouts of peers that stall.

use std::time::Duration;

use registry_client::Error;
use testkit::proxy::{Action, Rule};

use crate::setup::{Setup, blob_of, noise, pull, push, start, tag, transfer};

#[tokio::test]
async fn transfer_times_out_when_source_or_destination_stalls() {
    let cases = [
        ("source", "GET", "/blobs/", Action::Stall, 1000),
        ("source", "GET", "/blobs/", Action::Stall, 300_000),
        (
            "source",
            "GET",
            "/blobs/",
            Action::StallInBody { after: 100 },
            300_000,
        ),
        ("destination", "PUT", "/uploads/", Action::Stall, 1000),
        ("destination", "PUT", "/uploads/", Action::Stall, 300_000),
        ("destination", "PUT", "/uploads/", Action::Stall, 30_000_000),
    ];
    futures::future::join_all(cases.map(gives_up)).await;
}

type Case = (&'static str, &'static str, &'static str, Action, usize);

async fn gives_up((side, method, part, action, size): Case) {
    let shown = format!("{side} {action:?} {size}");
    let ((source, from_proxy), (target, to_proxy)) = (start().await, start().await);
    let bytes = noise(1, size);
    source.put_blob("a", bytes.clone());
    let proxy = if side == "source" {
        &from_proxy
    } else {
        &to_proxy
    };
    proxy.add(Rule::new(method, part).does(action));
    if method == "PATCH" {
        proxy.add(Rule::new("PUT", "/uploads/").does(Action::answer(413)));
    }
    let client = Setup::with_short_timeouts().client();
    let from = pull(&client, &from_proxy.host(), "a");
    let to = push(&client, &to_proxy.host(), "a");
    let failed = transfer(&from, &to, &blob_of(&bytes)).await.unwrap_err();
    assert!(
        matches!(failed.error, Error::Timeout { .. }),
        "{shown}: {failed}"
    );
    assert_eq!(format!("{:?}", failed.side).to_lowercase(), side, "{shown}");
    assert!(
        target.blob("a", blob_of(&bytes).digest.as_spec()).is_none(),
        "{shown}"
    );
    assert_eq!(proxy.count(method, part), 3, "{shown}");
}

#[tokio::test]
async fn request_times_out_when_the_token_server_stalls() {
    let ((_registry, proxy), (_elsewhere, tokens)) = (start().await, start().await);
    let realm = format!("Bearer realm=\"http://{}/token\"", tokens.host());
    let refusal = Action::answer(401).header("www-authenticate", &realm);
    proxy.add(Rule::new("", "/v2/").does(refusal));
    tokens.add(Rule::new("", "/token").does(Action::Stall));
    let client = Setup::with_short_timeouts().client();
    let failed = pull(&client, &proxy.host(), "a")
        .head_manifest(tag("1"))
        .await;
    let Err(Error::TokenServer { server, error, .. }) = &failed else {
        panic!("{failed:?}");
    };
    assert_eq!(*server, tokens.host());
    assert!(matches!(**error, Error::Timeout { .. }), "{failed:?}");
    assert!(tokens.requests().len() <= 6, "{}", tokens.requests().len());
}

#[tokio::test]
async fn upload_survives_a_stall_of_its_source() {
    let ((source, from_proxy), (target, to_proxy)) = (start().await, start().await);
    let bytes = noise(1, 300_000);
    source.put_blob("a", bytes.clone());
    // The source pauses in the middle for longer than the destination's timeouts.
    let stall = Action::StallInBody { after: 100_000 };
    from_proxy.add(Rule::new("GET", "/blobs/").first(2).does(stall));
    let client = Setup::with_short_timeouts().client();
    let from = pull(&client, &from_proxy.host(), "a");
    let to = push(&client, &to_proxy.host(), "a");
    transfer(&from, &to, &blob_of(&bytes)).await.unwrap();
    assert_eq!(
        to_proxy.count("PUT", ""),
        1,
        "one upload, whose source was resumed"
    );
    assert_eq!(
        target.blob("a", blob_of(&bytes).digest.as_spec()),
        Some(bytes)
    );
}

#[tokio::test]
async fn time_in_the_queue_does_not_count_as_lost() {
    let (_registry, proxy) = start().await;
    proxy.set_latency(Duration::from_millis(50));
    proxy.add(Rule::new("HEAD", "").does(Action::answer(502)).when({
        let seen = std::sync::Mutex::new(std::collections::HashSet::new());
        move |parts| seen.lock().unwrap().insert(parts.uri.path().to_owned())
    }));
    let mut setup = Setup::new();
    setup.jobs = 1;
    setup.retry_policy.max_elapsed = Duration::from_millis(300);
    let client = setup.client();
    let heads = (0..16).map(|number| {
        let repository = pull(&client, &proxy.host(), &format!("r{number}"));
        async move { repository.head_manifest(tag("1")).await }
    });
    for head in futures::future::join_all(heads).await {
        assert!(head.unwrap().is_none(), "a request gave up in the queue");
    }
}
