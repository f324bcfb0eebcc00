//! Every way in which a pull request can weaken the policy is a finding of `check-new`.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};
use testkit::signing::SigningKey;

use super::signed_registry::{ISSUER, PUBLIC_KEY, Signed};

const SECOND: &str = "keys/second.pub";

/// A change of the branch.
enum Change {
    /// Of the entry with that number and key, `null` to remove the key.
    Entry(usize, &'static str, Value),
    /// A new first entry.
    First(Value),
    /// Two entries change places.
    Swap(usize, usize),
    /// The whole policy.
    Policy(Value),
    /// Of the files, with the arguments of the command after it.
    Files(fn(&Signed), &'static str),
}

fn base(signed: &Signed) -> Value {
    let host = signed.registry.host();
    json!({"images": [
        {"match": format!("{host}/two"), "keys": [PUBLIC_KEY, SECOND], "threshold": 2,
         "attestations": [{"predicateType": "p"}]},
        {"match": format!("{host}/keyless"), "minimumAge": 2,
         "keyless": {"issuer": ISSUER, "identityRegexp": "^https://github\\.com/org/"}},
        {"match": format!("{host}/exact"), "keyless": {"issuer": ISSUER, "identity": "a@b.c"}},
        {"match": format!("{host}/open/*"), "accept": "unsigned"},
        {"match": format!("{host}/{{a,b}}:stable"), "keys": [SECOND]},
        {"match": format!("{host}/{{a,b,m}}"), "keys": [PUBLIC_KEY]},
        {"match": format!("{host}/gone"), "reject": true},
    ]})
}

fn keyless(issuer: &str, identity: &str, of: &str) -> Value {
    json!({"issuer": issuer, identity: of})
}

/// The changes, each with a part of its finding. `HOST` is the registry.
fn weaker_entries() -> Vec<(Change, &'static str)> {
    use Change::Entry;
    let like = |issuer, pattern: &str| keyless(issuer, "identityRegexp", pattern);
    let of_other = json!([{"predicateType": "p", "keys": [SECOND]}]);
    vec![
        (
            Entry(0, "threshold", json!(1)),
            "the signer is 1 of the keys",
        ),
        (
            Entry(0, "threshold", json!(null)),
            "the signer is 1 of the keys",
        ),
        (
            Entry(0, "attestations", json!(null)),
            "the attestation p is not required",
        ),
        (
            Entry(0, "attestations", json!([{"predicateType": "q"}])),
            "the attestation p is not required",
        ),
        (
            Entry(0, "attestations", of_other),
            "of the attestation p the signer is the key",
        ),
        (
            Entry(1, "minimumAge", json!(1)),
            "`minimumAge` is 1 day, it was 2 days",
        ),
        (
            Entry(1, "minimumAge", json!(null)),
            "`minimumAge` is 0 days",
        ),
        (
            Entry(1, "keyless", like(ISSUER, "^https://github\\.com/")),
            "the signer is",
        ),
        (
            Entry(
                1,
                "keyless",
                like("https://i.example", "^https://github\\.com/org/"),
            ),
            "the signer is",
        ),
        (
            Entry(2, "keyless", keyless(ISSUER, "identity", "x@b.c")),
            "the signer is",
        ),
        (
            Entry(2, "keyless", like(ISSUER, "^.*@b\\.c$")),
            "the signer is",
        ),
    ]
}

/// Wider and narrower patterns, with and without tags, and whole policies.
fn weaker_patterns() -> Vec<(Change, &'static str)> {
    use Change::{Entry, First, Policy, Swap};
    let unsigned = json!("unsigned");
    vec![
        (
            Entry(3, "match", json!("HOST/o*")),
            "`HOST/o*` accepts without a signature",
        ),
        (
            First(json!({"match": "HOST/two:dev-*", "accept": unsigned})),
            "the requirement of `HOST/two` (line 1 at the base) is weaker: `HOST/two:dev-*` accepts it without",
        ),
        (
            First(json!({"match": "*:1.?", "keys": [SECOND]})),
            "the requirement of `HOST/{a,b,m}` (line 1 at the base) is weaker: the signer is the key",
        ),
        (
            First(json!({"match": "HOST/a:old", "keys": [PUBLIC_KEY]})),
            "is weaker: for images named by their digest, the signer is the key",
        ),
        (
            First(json!({"match": "HOST/gone:1", "accept": unsigned})),
            "it was rejected, now `HOST/gone:1` accepts",
        ),
        (
            Swap(4, 5),
            "the requirement of `HOST/{a,b}:stable` (line 1 at the base) is weaker",
        ),
        (
            Policy(json!({"images": [], "default": unsigned})),
            "it was rejected, now `default` accepts",
        ),
        (
            Policy(json!({"default": [{"type": "insecureAcceptAnything"}]})),
            "accepts it without a signature",
        ),
    ]
}

/// Changes of files, each with a part of its finding or error.
const OF_FILES: [(Change, &str); 9] = [
    (
        Change::Files(
            |signed| {
                let other = SigningKey::p256().public_pem();
                signed.environment.write(PUBLIC_KEY, other);
            },
            "",
        ),
        "the signer is",
    ),
    (
        // The key of one entry in the file of another.
        Change::Files(
            |signed| {
                fs::copy(
                    signed.environment.path(SECOND),
                    signed.environment.path(PUBLIC_KEY),
                )
                .unwrap();
            },
            "",
        ),
        "policy.json:1: ",
    ),
    (
        Change::Files(
            |signed| fs::remove_file(signed.environment.path(SECOND)).unwrap(),
            "",
        ),
        "`keys/second.pub`: cannot be read",
    ),
    (
        Change::Files(
            |signed| {
                let path = signed.environment.path(PUBLIC_KEY);
                fs::remove_file(&path).unwrap();
                symlink(signed.environment.path(SECOND), path).unwrap();
            },
            "",
        ),
        "is a symbolic link",
    ),
    (
        Change::Files(
            |signed| fs::remove_file(signed.environment.path("policy.json")).unwrap(),
            "",
        ),
        "the policy was removed, so images need no signature",
    ),
    (
        Change::Files(
            |signed| {
                let path = signed.environment.path("policy.json");
                fs::rename(path, signed.environment.path("p.json")).unwrap();
            },
            "",
        ),
        "the policy was removed, so images need no signature",
    ),
    (
        Change::Files(
            |signed| {
                let path = signed.environment.path("policy.json");
                fs::rename(&path, signed.environment.path("p.json")).unwrap();
                symlink("p.json", path).unwrap();
            },
            "",
        ),
        "is a symbolic link",
    ),
    (
        Change::Files(|signed| signed.environment.write("policy.json", "{"), ""),
        "policy.json:1: ",
    ),
    // A workflow of the branch names another file.
    (
        Change::Files(
            |signed| {
                signed
                    .environment
                    .write("p.json", "{\"images\": [], \"default\": \"unsigned\"}");
            },
            "--policy p.json",
        ),
        "p.json:1: the requirement of `HOST/two` (policy.json:1 at the base) is weaker",
    ),
];

/// Returns a branch whose base has the policy.
async fn branch() -> Signed {
    let signed = Signed::new().await;
    let environment = &signed.environment;
    environment.write(SECOND, SigningKey::p256().public_pem());
    environment.write("policy.json", base(&signed).to_string());
    environment.write("images-list", "# empty\n");
    environment.commit_first(&["images-list", "policy.json", PUBLIC_KEY, SECOND]);
    environment.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    environment.git(&["checkout", "-qb", "topic"]);
    environment.mirror("check-new").exits(0);
    signed
}

/// Makes a change. Returns the arguments of the command.
fn apply(signed: &Signed, change: &Change) -> &'static str {
    let host = signed.registry.host();
    let mut policy = base(signed);
    match change {
        Change::Entry(at, key, Value::Null) => {
            policy["images"][at].as_object_mut().unwrap().remove(*key);
        }
        Change::Entry(at, key, value) => policy["images"][at][*key] = value.clone(),
        Change::First(entry) => policy["images"]
            .as_array_mut()
            .unwrap()
            .insert(0, entry.clone()),
        Change::Swap(one, other) => policy["images"].as_array_mut().unwrap().swap(*one, *other),
        Change::Policy(whole) => policy = whole.clone(),
        Change::Files(change, arguments) => {
            change(signed);
            return arguments;
        }
    }
    let text = policy.to_string().replace("HOST", &host);
    signed.environment.write("policy.json", text);
    ""
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_weakening_is_a_finding() {
    let signed = branch().await;
    let environment = &signed.environment;
    for (change, want) in weaker_entries()
        .into_iter()
        .chain(weaker_patterns())
        .chain(OF_FILES)
    {
        let arguments = apply(&signed, &change);
        let output = environment.mirror(&format!("check-new {arguments}"));
        assert!(matches!(output.code, Some(1 | 2)), "{want}: {output:?}");
        let want = want.replace("HOST", &signed.registry.host());
        let all = format!("{}{}", output.stdout, output.stderr);
        assert!(all.contains(&want), "{want}: {all}");
        environment.git(&["checkout", "-q", "--", "."]);
        environment.git(&["clean", "-qf", "--", "p.json"]);
        environment.mirror("check-new").exits(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stronger_policies_are_no_finding() {
    use Change::{Entry, First, Policy};
    let signed = branch().await;
    let environment = &signed.environment;
    for change in [
        Entry(0, "minimumAge", json!(3)),
        Entry(1, "minimumAge", json!(9)),
        Entry(3, "match", json!("HOST/open/a/*")),
        Entry(5, "threshold", json!(1)),
        First(json!({"match": "HOST/open/*:1", "keys": [SECOND]})),
        First(json!({"match": "HOST/*:2", "reject": true})),
        Policy(json!({"images": []})),
    ] {
        apply(&signed, &change);
        let output = environment.mirror("check-new");
        assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
    }
}
