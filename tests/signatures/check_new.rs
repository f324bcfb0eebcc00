//! Pull requests: `check-new`, `add-tag` and the lock with a policy.

use serde_json::{Value, json};
use testkit::signing::{SigningAuthority, SigningKey};

use super::signed_registry::{IDENTITY, PUBLIC_KEY, Signed, key_requirement, keyless_requirement};
use crate::environment::TestEnvironment;

/// Commits the files as the base of a branch.
fn commit_base(signed: &Signed) {
    let environment = &signed.environment;
    environment.commit_first(&["images-list", "policy.json", PUBLIC_KEY, "root.json"]);
    environment.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    environment.git(&["checkout", "-qb", "topic"]);
}

/// Commits a file to the base and the branch.
fn commit(environment: &TestEnvironment, file: &str) {
    environment.git(&["add", file]);
    let author = ["-c", "user.name=a", "-c", "user.email=a@b"];
    environment.git(&[&author[..], &["commit", "-qm", file]].concat());
    environment.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
}

/// Returns a branch whose base has one signed row, and images of several signers.
async fn branch() -> Signed {
    let signed = Signed::new().await;
    let host = signed.registry.host();
    for name in ["a", "b"] {
        let image = signed.push(name, "1");
        signed.sign_classic(name, image.digest().as_ref(), &signed.key);
    }
    let image = signed.push("keyless", "1");
    signed.sign_keyless("keyless", &image, IDENTITY, 3);
    signed.push("unsigned", "1");
    // The repositories of the destinations exist.
    signed.push("m", "0");
    let policy = [("keyless", keyless_requirement()), ("*", key_requirement())];
    let environment = &signed.environment;
    environment.write("policy.json", signed.policy(&policy));
    environment.write(
        "images-list",
        format!("{host}/a {host}/m 1-a\n").replace("1-a", "1"),
    );
    commit_base(&signed);
    signed
}

#[tokio::test(flavor = "multi_thread")]
async fn new_rows_have_their_signers_or_are_findings() {
    let signed = branch().await;
    let host = signed.registry.host();
    let list = format!(
        "{host}/a {host}/m 1\n{host}/b {host}/m 1=b\n{host}/keyless {host}/m 1=keyless\n{host}/unsigned {host}/m 1=unsigned\n"
    );
    signed.environment.write("images-list", list);
    let line = "check-new --trusted-root root.json";
    let document = signed
        .environment
        .mirror(&format!("{line} --output json"))
        .exits(1)
        .json();
    let added = document["added"].as_array().unwrap();
    let status: Vec<&str> = added
        .iter()
        .map(|row| row["status"].as_str().unwrap())
        .collect();
    assert_eq!(status, ["ok", "ok", "rejected"], "{document:#}");
    assert_eq!(added[1]["verification"]["signed_by"], IDENTITY);
    let message = added[2]["message"].as_str().unwrap();
    assert!(
        message.contains("does not satisfy") && message.contains("no signature was found"),
        "{message}"
    );
    let output = signed.environment.mirror(line).exits(1);
    let want = format!("images-list:3: note: {host}/keyless:1 is signed by {IDENTITY}");
    assert!(output.stdout.contains(&want), "{}", output.stdout);
    assert!(
        output.stdout.contains("1 rejected by the policy"),
        "{}",
        output.stdout
    );
}

/// Asserts that a changed or removed file weakens the policy, unless that is allowed.
fn assert_weaker(signed: &Signed, (file, text): (&str, Option<&str>), want: &str) {
    let environment = &signed.environment;
    match text {
        Some(text) => environment.write(file, text),
        None => std::fs::remove_file(environment.path(file)).unwrap(),
    }
    let output = environment.mirror("check-new").exits(1);
    let stdout = &output.stdout;
    assert!(stdout.contains("policy.json:1: "), "{stdout}");
    assert!(stdout.contains(want), "{want}: {stdout}");
    environment
        .mirror("check-new --allow-policy-changes")
        .exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn branch_cannot_weaken_the_policy_that_its_rows_are_checked_with() {
    let signed = branch().await;
    let host = signed.registry.host();
    let environment = &signed.environment;
    let base = environment.read("policy.json");
    environment.mirror("check-new").exits(0);
    let row = format!("{host}/a {host}/m 1\n{host}/unsigned {host}/m 1=unsigned\n");
    let other = SigningKey::p256().public_pem();
    let open: Value = json!({"images": [], "default": "unsigned"});
    let hidden = base.replacen(
        '[',
        &format!("[{{\"match\":\"{host}/un*\",\"accept\":\"unsigned\"}},"),
        1,
    );
    let table: [(&str, Option<&str>, &str); 4] = [
        (
            "policy.json",
            Some(&open.to_string()),
            "`default` accepts it without a signature; restore the file, or run with --allow-policy-changes",
        ),
        (
            "policy.json",
            Some(&hidden),
            "the requirement of `HOST/*` (line 1 at the base) is weaker: `HOST/un*` accepts it without a signature",
        ),
        (
            "policy.json",
            None,
            "the policy was removed, so images need no signature",
        ),
        (
            PUBLIC_KEY,
            Some(&other),
            "the signer is the key keys/team.pub, it was the key keys/team.pub",
        ),
    ];
    for (file, text, want) in table {
        let before = environment.read(file);
        assert_weaker(&signed, (file, text), &want.replace("HOST", &host));
        // A new row is held to the policy of the base.
        environment.write("images-list", &row);
        let output = environment.mirror("check-new").exits(1);
        assert!(
            output.stdout.contains("no signature was found"),
            "{}",
            output.stdout
        );
        environment.write("images-list", format!("{host}/a {host}/m 1\n"));
        environment.write(file, before);
    }
    environment.mirror("check-new").exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn branch_cannot_bring_its_own_trusted_root() {
    let signed = branch().await;
    let host = signed.registry.host();
    let environment = &signed.environment;
    let own = environment.read("root.json");
    let other = SigningAuthority::new("other").trusted_root().to_string();
    environment.write("root.json", &other);
    commit(environment, "root.json");
    // The image is signed by the authority of the branch.
    environment.write("root.json", &own);
    let list = format!("{host}/a {host}/m 1\n{host}/keyless {host}/m 1=keyless\n");
    environment.write("images-list", list);
    let line = "check-new --trusted-root root.json";
    let output = environment.mirror(line).exits(1);
    for want in [
        "root.json:1: the trusted root is not that of the base",
        "in policy.json of the base:1",
    ] {
        assert!(output.stdout.contains(want), "{want}: {}", output.stdout);
    }
    let allowed = format!("{line} --allow-policy-changes");
    environment.mirror(&allowed).exits(0);
    // A file that the base does not have.
    environment.write("new.json", &own);
    let output = environment
        .mirror("check-new --trusted-root new.json")
        .exits(1);
    let want = "new.json:1: the base has no such trusted root";
    assert!(output.stdout.contains(want), "{}", output.stdout);
    // A file outside the repository is not part of the branch.
    let outside = TestEnvironment::new();
    outside.write("root.json", &own);
    let path = outside.path("root.json");
    let line = format!("check-new --trusted-root {}", path.display());
    environment.mirror(&line).exits(0);
    std::fs::remove_file(environment.path("root.json")).unwrap();
    std::os::unix::fs::symlink(&path, environment.path("root.json")).unwrap();
    let output = environment
        .mirror("check-new --trusted-root root.json")
        .exits(2);
    assert!(
        output.stderr.contains("is a symbolic link"),
        "{}",
        output.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn policy_of_the_base_is_compared_wherever_its_keys_are() {
    let signed = branch().await;
    let environment = &signed.environment;
    let open = json!({"images": [], "default": "unsigned"}).to_string();
    let outside = TestEnvironment::new();
    outside.write("team.pub", signed.key.public_pem());
    let unreadable =
        "policy.json:1: the policy of the base cannot be read, so changes cannot be compared";
    let weaker = "policy.json:1: the requirement of";
    for (key, want) in [
        ("keys/gone.pub".into(), unreadable),
        (outside.path("team.pub"), weaker),
        (environment.path(PUBLIC_KEY), weaker),
    ] {
        let requirement = json!({"keys": [key]});
        environment.write("policy.json", signed.policy(&[("*", requirement)]));
        commit(environment, "policy.json");
        environment.write("policy.json", &open);
        let output = environment.mirror("check-new").exits(1);
        assert!(
            output.stdout.contains(want),
            "{key:?} {want}: {}",
            output.stdout
        );
        environment
            .mirror("check-new --allow-policy-changes")
            .exits(0);
    }
    // The policy names the key in the repository by its full path.
    environment.git(&["checkout", "-q", "--", "policy.json"]);
    environment.mirror("check-new").exits(0);
    environment.write(PUBLIC_KEY, SigningKey::p256().public_pem());
    let output = environment.mirror("check-new").exits(1);
    assert!(output.stdout.contains(weaker), "{}", output.stdout);
}

/// Locks the list. Returns the lock and the signer in it.
fn lock(signed: &Signed) -> (String, String) {
    signed.environment.mirror("lock").exits(0);
    let lock = signed.environment.read("images-list.lock");
    let signer = lock.split(" signer=").nth(1).unwrap();
    let signer = signer.split_whitespace().next().unwrap().to_owned();
    (lock, signer)
}

#[tokio::test(flavor = "multi_thread")]
async fn add_tag_refuses_unsigned_images_and_locks_the_signer() {
    let signed = branch().await;
    let host = signed.registry.host();
    let environment = &signed.environment;
    let (before, signer) = lock(&signed);
    assert!(signer.starts_with("key:sha256:"), "{before}");
    let new = format!("add-tag --new --dest {host}/m --full-images");
    let output = environment
        .mirror(&format!("{new} {host}/unsigned:1"))
        .exits(1);
    let stdout = &output.stdout;
    assert!(stdout.contains("no signature was found"), "{stdout}");
    let image = signed.push("c", "2");
    signed.sign_classic("c", image.digest().as_ref(), &signed.key);
    let output = environment.mirror(&format!("{new} {host}/c:2")).exits(0);
    let stdout = &output.stdout;
    assert!(stdout.contains(&format!("signed by {signer}")), "{stdout}");
    let lock = environment.read("images-list.lock");
    assert_eq!(lock.matches(" signer=key:sha256:").count(), 2, "{lock}");
}

#[tokio::test(flavor = "multi_thread")]
async fn change_of_signer_is_a_finding() {
    let signed = branch().await;
    let environment = &signed.environment;
    let (lock, signer) = lock(&signed);
    commit(environment, "images-list.lock");
    // Another signer in the lock, with the same digest.
    let other_signer = lock.replacen(&signer, "key:sha256:00", 1);
    environment.write("images-list.lock", other_signer);
    let output = environment.mirror("check-new").exits(1);
    let want = format!("was changed from {signer} to key:sha256:00");
    assert!(output.stdout.contains(&want), "{}", output.stdout);
    environment.write("images-list.lock", &lock);
    environment.mirror("check-new").exits(0);
    // Another signer at the source, which the policy accepts.
    let other = SigningKey::p256();
    environment.write("keys/other.pub", other.public_pem());
    let both = json!({"keys": [PUBLIC_KEY, "keys/other.pub"]});
    environment.write("policy.json", signed.policy(&[("*", both)]));
    let image = signed.push_again("a", "1");
    signed.sign_classic("a", image.digest().as_ref(), &other);
    let output = environment.mirror("lock --update").exits(1);
    let want = format!(
        "keeps its approval: its image was signed by {signer}, and {}",
        image.digest()
    );
    assert!(output.stdout.contains(&want), "{}", output.stdout);
    assert_eq!(environment.read("images-list.lock"), lock);
}
