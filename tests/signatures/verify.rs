//! `mirror verify`.

use serde_json::json;

use super::signed_registry::{
    IDENTITY, ISSUER, PUBLIC_KEY, Signed, key_requirement, keyless_requirement,
};

/// Pushes images and writes a list and a policy for them.
fn write_list(signed: &Signed) {
    let host = signed.registry.host();
    let keyless = signed.push("keyless", "1");
    signed.sign_keyless("keyless", &keyless, IDENTITY, 3);
    signed.attest(
        "keyless",
        &keyless,
        "https://slsa.dev/provenance/v1",
        IDENTITY,
        3,
    );
    let classic_keyless = signed.push("classic-keyless", "1");
    let digest = classic_keyless.digest().as_ref();
    signed.sign_classic_keyless("classic-keyless", digest, IDENTITY);
    let classic = signed.push("classic", "1");
    signed.sign_classic("classic", classic.digest().as_ref(), &signed.key);
    signed.push("unsigned", "1");
    let mut with_provenance = keyless_requirement();
    with_provenance["attestations"] = json!([{"predicateType": "https://slsa.dev/provenance/v1"}]);
    let policy = signed.policy(&[
        ("keyless", with_provenance),
        ("classic-keyless", keyless_requirement()),
        ("accepted/*", json!({"accept": "unsigned"})),
        ("*", key_requirement()),
    ]);
    signed.environment.write("policy.json", policy);
    let list = ["classic", "classic-keyless", "keyless", "unsigned"]
        .map(|name| format!("{host}/{name} {host}/m/{name} 1\n"))
        .concat();
    signed.environment.write("images-list", list);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_and_images_are_checked_against_the_policy_and_nothing_is_written() {
    let signed = Signed::new().await;
    let host = signed.registry.host();
    write_list(&signed);
    signed.registry.clear_requests();
    let verify = "verify --trusted-root root.json";
    let document = signed
        .environment
        .mirror(&format!("{verify} --output json"))
        .exits(1)
        .json();
    assert_eq!(document["summary"]["verified"], 3, "{document:#}");
    assert_eq!(document["summary"]["rejected"], 1);
    let unsigned = &document["images"][3];
    assert_eq!(unsigned["status"], "rejected");
    let message = unsigned["message"].as_str().unwrap();
    assert!(message.ends_with("no signature was found"), "{message}");
    let text = signed
        .environment
        .mirror(&format!("{verify} {host}/keyless:1"))
        .exits(0)
        .stdout;
    let want = format!(
        "verified   {host}/keyless:1\n           signed by {IDENTITY} (issuer {ISSUER}, logged "
    );
    assert!(text.starts_with(&want), "{text}");
    // The signature is missing under the embedded root of the public instance.
    let text = signed
        .environment
        .mirror(&format!("verify {host}/keyless:1"))
        .exits(1)
        .stdout;
    assert!(text.contains("which is not in the trusted root"), "{text}");
    let requests = signed.registry.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.method == "GET" || request.method == "HEAD")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn options_name_the_signers_where_there_is_no_policy() {
    let signed = Signed::new().await;
    let host = signed.registry.host();
    let image = signed.push("a", "1");
    signed.sign_classic("a", image.digest().as_ref(), &signed.key);
    signed.sign_keyless("a", &image, IDENTITY, 3);
    let verify = format!("verify --trusted-root root.json {host}/a:1");
    let mirror = |options: &str| signed.environment.mirror(&format!("{verify} {options}"));
    mirror(&format!("--key {PUBLIC_KEY}")).exits(0);
    let issuer = format!("--issuer {ISSUER}");
    mirror(&format!("{issuer} --identity {IDENTITY}")).exits(0);
    mirror(&format!(
        "{issuer} --identity-regexp ^https://github\\.com/org/"
    ))
    .exits(0);
    let text = mirror(&format!("{issuer} --identity https://github.com/evil"))
        .exits(1)
        .stdout;
    assert!(
        text.contains(&format!("signed by \"{IDENTITY}\", not by")),
        "{text}"
    );
    let refused = mirror(&format!("{issuer} --identity-regexp github.com")).exits(2);
    assert!(
        refused.stderr.contains("does not begin with `^`"),
        "{}",
        refused.stderr
    );
    mirror(&format!(
        "--key {PUBLIC_KEY} --attestation https://slsa.dev/provenance/v1"
    ))
    .exits(1);
    // Without a requirement, the signers are listed, with the entry that requires them.
    let text = mirror("").exits(0).stdout;
    assert!(
        text.contains(&format!("signed by \"{IDENTITY}\" (issuer \"{ISSUER}\")")),
        "{text}"
    );
    assert!(
        text.contains("\"identityRegexp\":\"^https://github"),
        "{text}"
    );
    signed
        .environment
        .write("images-list", format!("{host}/a {host}/m/a 1\n"));
    let output = signed.environment.mirror("verify").exits(2);
    assert!(
        output.stderr.contains("there is no policy"),
        "{}",
        output.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn attestations_have_signers_of_their_own_or_stand_for_the_signature() {
    const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
    let signed = Signed::new().await;
    let host = signed.registry.host();
    let built = signed.push("built", "1");
    signed.attest("built", &built, PROVENANCE, IDENTITY, 3);
    for repository in ["scanned", "forged"] {
        let image = signed.push(repository, "1");
        signed.sign_keyless(repository, &image, IDENTITY, 3);
        match repository {
            "scanned" => {
                signed.attest_with_key(repository, &image, PROVENANCE, &signed.key);
            }
            _ => signed.attest(repository, &image, PROVENANCE, IDENTITY, 3),
        }
    }
    let mut of_key = keyless_requirement();
    of_key["attestations"] = json!([{"predicateType": PROVENANCE, "keys": [PUBLIC_KEY]}]);
    let mut standing = keyless_requirement();
    standing["attestations"] = json!([{"predicateType": PROVENANCE}]);
    let without = standing.clone();
    standing["signedBy"] = "attestation".into();
    let verify = |requirement, name: &str| {
        let policy = signed.policy(&[("*", requirement)]);
        signed.environment.write("own.json", policy);
        let verify = "verify --trusted-root root.json --policy own.json";
        signed
            .environment
            .mirror(&format!("{verify} {host}/{name}:1"))
    };
    verify(of_key.clone(), "scanned").exits(0);
    let text = verify(of_key, "forged").exits(1).stdout;
    assert!(
        text.contains("with a certificate, not with a key"),
        "{text}"
    );
    verify(standing, "built").exits(0);
    let text = verify(without, "built").exits(1).stdout;
    assert!(text.contains("not a signature"), "{text}");
    let options = format!(
        "--issuer {ISSUER} --identity {IDENTITY} --attestation {PROVENANCE} {host}/built:1"
    );
    let mirror = |switch: &str| {
        let verify = "verify --trusted-root root.json --no-policy";
        signed
            .environment
            .mirror(&format!("{verify} {switch} {options}"))
    };
    mirror("--signed-by-attestation").exits(0);
    mirror("").exits(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_containers_policy_names_its_authority_and_log() {
    let signed = Signed::new().await;
    let host = signed.registry.host();
    let image = signed.push("a", "1");
    signed.sign_classic_keyless("a", image.digest().as_ref(), "ci@example.com");
    let environment = &signed.environment;
    environment.write("ca.pem", signed.authority.root_pem());
    environment.write("rekor.pub", signed.authority.log().key().public_pem());
    let verify = |change: fn(&mut serde_json::Value)| {
        let mut requirement = json!({
            "type": "sigstoreSigned",
            "fulcio": {"caPath": "ca.pem", "oidcIssuer": ISSUER, "subjectEmail": "ci@example.com"},
            "rekorPublicKeyPath": "rekor.pub",
            "signedIdentity": {"type": "matchRepository"},
        });
        change(&mut requirement);
        let policy = json!({
            "default": [{"type": "reject"}],
            "transports": {"docker": {(&host): [requirement]}},
        });
        environment.write("containers.json", policy.to_string());
        environment.mirror(&format!("verify --policy containers.json {host}/a:1"))
    };
    verify(|_| {}).exits(0);
    for (change, want) in [
        (
            (|it| it["fulcio"]["subjectEmail"] = "other@example.com".into())
                as fn(&mut serde_json::Value),
            "signed by \"ci@example.com\", not by other@example.com",
        ),
        (
            |it| it["signedIdentity"] = json!({"type": "matchExact"}),
            "made for tag none, not for 1",
        ),
        (
            |it| {
                it["signedIdentity"] =
                    json!({"type": "exactRepository", "dockerRepository": "q.io/b"});
            },
            "not for q.io/b",
        ),
    ] {
        let text = verify(change).exits(1).stdout;
        assert!(text.contains(want), "{want}\n{text}");
    }
    let refused = verify(|it| it["type"] = "signedBy".into()).exits(2).stderr;
    assert!(refused.contains("`signedBy` (GPG signatures)"), "{refused}");
}
