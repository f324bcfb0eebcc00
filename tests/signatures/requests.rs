//! The requests that a policy costs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::signed_registry::{Signed, key_requirement};

const NAMES: [&str; 3] = ["bundle", "classic", "plain"];

/// Returns a registry with signed images, and the requests of a first `sync` with a policy, or without one.
async fn requests(policy: Option<Value>, arguments: &str) -> BTreeMap<String, usize> {
    let signed = Signed::new().await;
    let host = signed.registry.host();
    let mut list = String::new();
    for name in NAMES {
        let image = signed.push(name, "1");
        match name {
            "bundle" => drop(signed.sign_bundle(name, &image, &signed.key)),
            "classic" => signed.sign_classic(name, image.digest().as_ref(), &signed.key),
            _ => {}
        }
        list.push_str(&format!("{host}/{name} {host}/m/{name} 1\n"));
    }
    let environment = &signed.environment;
    environment.write("images-list", list);
    if let Some(policy) = policy {
        environment.write("policy.json", signed.policy(&[("*", policy)]));
    }
    signed.registry.clear_requests();
    environment.mirror(&format!("sync {arguments}"));
    let mut counts = BTreeMap::new();
    for request in signed.registry.requests() {
        // The digests depend on the keys, and sessions on chance.
        let path = request.path.split('?').next().unwrap().to_owned();
        let mut parts: Vec<&str> = path.split('/').collect();
        if let Some(last) = parts.last_mut()
            && last.len() > 30
        {
            *last = match last.rsplit_once('.') {
                Some((_, "sig")) => "SIGNATURE",
                _ if last.starts_with("sha256") => "DIGEST",
                _ => "SESSION",
            };
        }
        let key = format!("{} {}", request.method, parts.join("/"));
        *counts.entry(key).or_insert(0) += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_without_a_requirement_send_the_same_requests() {
    let without = requests(None, "").await;
    assert!(without.len() > 20, "{without:#?}");
    let all = json!({"accept": "unsigned"});
    for (policy, arguments) in [
        (None, "--no-policy"),
        (Some(key_requirement()), "--no-policy"),
        // Only an entry that requires signatures costs requests.
        (Some(all), ""),
    ] {
        let found = requests(policy.clone(), arguments).await;
        assert_eq!(found, without, "{policy:?} {arguments}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requirement_costs_one_tag_and_the_documents_of_each_image() {
    let without = requests(None, "").await;
    let with = requests(Some(key_requirement()), "").await;
    let more = |path: &str| {
        let count =
            |counts: &BTreeMap<String, usize>| counts.get(path).copied().unwrap_or_default();
        count(&with) as i64 - count(&without) as i64
    };
    // The list of referrers and the bundle's manifest are those that the copy needs.
    for (path, want) in [
        ("GET /v2/bundle/manifests/SIGNATURE", 1),
        ("GET /v2/bundle/referrers/DIGEST", 0),
        ("GET /v2/bundle/manifests/DIGEST", 0),
        ("GET /v2/bundle/blobs/DIGEST", 1),
        ("GET /v2/classic/manifests/SIGNATURE", 1),
        // The manifest of the tag is copied as it was read.
        ("HEAD /v2/classic/manifests/SIGNATURE", -1),
        ("GET /v2/classic/manifests/DIGEST", -1),
        ("GET /v2/classic/blobs/DIGEST", 1),
    ] {
        assert_eq!(more(path), want, "{path}: {with:#?} {without:#?}");
    }
    assert!(
        !with
            .keys()
            .any(|path| path.contains("/m/plain/") && path.starts_with("P"))
    );
    let all = |name: &str| {
        let of = |counts: &BTreeMap<String, usize>| -> usize {
            let part = format!("/v2/{name}/");
            let own = counts.iter().filter(|(path, _)| path.contains(&part));
            own.map(|(_, count)| count).sum()
        };
        of(&with) - of(&without)
    };
    assert_eq!(
        [all("bundle"), all("classic")],
        [2, 0],
        "{with:#?} {without:#?}"
    );
}
