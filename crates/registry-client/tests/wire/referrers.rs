//! Referrers from the API and from the tag schema.

use embedded_registry::{Referrers as Api, Registry};
use futures::future::join_all;
use image_name::{Digest, DigestTagKind};
use registry_client::{Referrers, Repository, Support, sha256_digest};
use serde_json::{Value, json};
use testkit::processes::Distribution;
use testkit::proxy::{Action, FaultProxy, Reply, Rule};

use crate::setup::{INDEX, Setup, faulty, index, pull, start};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn referrer(subject: &Value, number: u32) -> bytes::Bytes {
    let config = json!({
        "mediaType": "application/vnd.oci.empty.v1+json", "size": 2,
        "digest": sha256_digest(b"{}").as_ref(),
    });
    json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "a/b", "config": config,
        "layers": [], "subject": subject, "annotations": {"n": number.to_string()},
    })
    .to_string()
    .into()
}

fn subject() -> (Digest, Value) {
    let bytes = index("subject");
    let digest = sha256_digest(&bytes);
    let descriptor = json!({"mediaType": INDEX, "digest": digest.as_ref(), "size": bytes.len()});
    (digest, descriptor)
}

fn digests(referrers: &Referrers) -> Vec<String> {
    match referrers {
        Referrers::Listed(found) => found.iter().map(|d| d.digest().to_string()).collect(),
        Referrers::Unsupported => panic!("the API is there"),
    }
}

#[tokio::test]
async fn referrers_follows_pages() {
    let (registry, proxy) = faulty(Registry::new().page_limit(2)).await;
    let (digest, descriptor) = subject();
    let mut expected: Vec<String> = (0..5)
        .map(|number| registry.put_manifest("a", None, MANIFEST, referrer(&descriptor, number)))
        .map(|digest| digest.to_string())
        .collect();
    expected.sort();
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    assert_eq!(
        digests(&repository.referrers(&digest).await.unwrap()),
        expected
    );
    assert_eq!(repository.referrers_support(), Support::Yes);
    assert_eq!(proxy.requests().len(), 3);
}

async fn query_many(proxy: &FaultProxy) -> (Repository, Vec<Referrers>) {
    let client = Setup::new().client();
    let requests = (0..12).map(|number| {
        let repository = pull(&client, &proxy.host(), &format!("r{number}"));
        async move { repository.referrers(&subject().0).await.unwrap() }
    });
    let found = join_all(requests).await;
    (pull(&client, &proxy.host(), "a"), found)
}

#[tokio::test]
async fn missing_referrers_api_is_detected_once_per_host() {
    let page = Action::answer(200)
        .header("content-type", "text/html")
        .body("<html>hello</html>");
    let not_found = Action::answer(404)
        .header("content-type", "text/plain")
        .body("404 page not found");
    let json = Action::answer(200).body(r#"{"errors":[]}"#);
    let responses: [(&str, Reply); 9] = [
        ("404", not_found),
        ("400", Action::answer(400)),
        ("405", Action::answer(405)),
        ("406", Action::answer(406)),
        ("410", Action::answer(410)),
        ("501", Action::answer(501)),
        ("204", Action::answer(204).body("")),
        ("html", page),
        ("json", json),
    ];
    for (name, response) in responses {
        let (_registry, proxy) = start().await;
        proxy.add(Rule::new("GET", "/referrers/").does(response));
        let (repository, found) = query_many(&proxy).await;
        assert!(found.iter().all(|f| *f == Referrers::Unsupported), "{name}");
        assert_eq!(repository.referrers_support(), Support::No, "{name}");
        assert_eq!(proxy.count("GET", "/referrers/"), 1, "{name}");
    }
    let real = Distribution::new().start().await;
    let found = pull(&Setup::new().client(), &real.host(), "a")
        .referrers(&subject().0)
        .await;
    assert_eq!(found.unwrap(), Referrers::Unsupported);
}

#[tokio::test]
async fn unknown_repository_does_not_disable_the_referrers_api() {
    let (_registry, proxy) = start().await;
    let unknown = r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#;
    let response = Action::answer(404).body(unknown);
    proxy.add(Rule::new("GET", "/r0/referrers/").does(response));
    let client = Setup::new().client();
    let first = pull(&client, &proxy.host(), "r0");
    assert_eq!(
        first.referrers(&subject().0).await.unwrap(),
        Referrers::Unsupported
    );
    assert_eq!(first.referrers_support(), Support::Unknown);
    let second = pull(&client, &proxy.host(), "r1");
    assert!(digests(&second.referrers(&subject().0).await.unwrap()).is_empty());
    assert_eq!(
        first.referrers(&subject().0).await.unwrap(),
        Referrers::Unsupported,
        "no list is no empty list"
    );
    assert_eq!(first.referrers_support(), Support::Yes);
}

#[tokio::test]
async fn referrers_list_without_its_last_page_is_an_error() {
    let (registry, proxy) = faulty(Registry::new().page_limit(2)).await;
    let (digest, descriptor) = subject();
    for number in 0..3 {
        registry.put_manifest("a", None, MANIFEST, referrer(&descriptor, number));
    }
    let second = Rule::new("GET", "/referrers/").nth(2);
    proxy.add(second.does(Action::answer(404)));
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    let error = repository.referrers(&digest).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("a page of the referrers list is missing"),
        "{error}"
    );
    assert_eq!(repository.referrers_support(), Support::Yes);
}

#[tokio::test]
async fn null_referrers_are_an_empty_list_and_invalid_ones_an_error() {
    let (_registry, proxy) = start().await;
    let body = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":null}"#;
    let null = Action::answer(200).body(body);
    proxy.add(Rule::new("GET", "/referrers/").first(1).does(null));
    let damaged = Action::answer(200)
        .header("content-type", INDEX)
        .body("{\"manifests\":[{\"size\"");
    proxy.add(Rule::new("GET", "/referrers/").nth(2).does(damaged));
    proxy.add(
        Rule::new("GET", "/referrers/")
            .nth(3)
            .does(Action::answer(403)),
    );
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    let digest = subject().0;
    assert!(digests(&repository.referrers(&digest).await.unwrap()).is_empty());
    assert!(
        repository.referrers(&digest).await.is_err(),
        "not an empty list"
    );
    assert!(
        repository
            .referrers(&digest)
            .await
            .unwrap_err()
            .is_refused()
    );
}

#[tokio::test]
async fn referrers_list_that_programs_read_differently_is_an_error() {
    let (digest, _) = subject();
    for body in [
        r#"{"manifests":[],"Manifests":[{"digest":"sha256:0"}]}"#,
        r#"{"manifests":[],"manifests":[]}"#,
        r#"{"Manifests":[]}"#,
        r#"{"manifests":[{"digest":"sha256:0","Digest":"sha256:1"}]}"#,
        r#"{"manifests":[{"mediaType":"a/b"}]}"#,
    ] {
        let (_registry, proxy) = start().await;
        proxy.add(Rule::new("GET", "/referrers/").does(Action::answer(200).body(body)));
        let repository = pull(&Setup::new().client(), &proxy.host(), "a");
        let error = repository.referrers(&digest).await.unwrap_err().to_string();
        assert!(error.contains("is not a valid index"), "{body}: {error}");
    }
}

#[tokio::test]
async fn tag_schema_lists_referrers_without_the_subject() {
    let (registry, proxy) = faulty(Registry::new().referrers(Api::Missing)).await;
    let (digest, descriptor) = subject();
    let tag = digest.tag(DigestTagKind::Referrers);
    let repository = pull(&Setup::new().client(), &proxy.host(), "a");
    assert!(
        repository
            .referrers_by_tag(&digest)
            .await
            .unwrap()
            .is_empty(),
        "no such tag"
    );

    let list = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor]});
    registry.put_manifest("a", Some(tag.as_str()), INDEX, list.to_string().into());
    let found = repository.referrers_by_tag(&digest).await.unwrap();
    assert_eq!(found.len(), 1);

    // GitLab may send the subject, here an index.
    registry.put_manifest("a", Some(tag.as_str()), INDEX, index("subject"));
    assert!(
        repository
            .referrers_by_tag(&digest)
            .await
            .unwrap()
            .is_empty()
    );
    registry.put_manifest("a", Some(tag.as_str()), MANIFEST, referrer(&descriptor, 1));
    assert!(
        repository
            .referrers_by_tag(&digest)
            .await
            .unwrap()
            .is_empty(),
        "an image"
    );
    registry.put_manifest("a", Some(tag.as_str()), INDEX, "{\"manifests\":7}".into());
    assert!(
        repository.referrers_by_tag(&digest).await.is_err(),
        "damage"
    );
}
