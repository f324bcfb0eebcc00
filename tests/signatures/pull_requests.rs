//! The signers in pull requests that `retrieve-tags` opens, and in the annotations of their checks.

use serde_json::json;
use testkit::github::{FakeGithub, RunningGithub};
use testkit::signing::SigningKey;

use super::signed_registry::{IDENTITY, PUBLIC_KEY, Signed, key_requirement, keyless_requirement};

const REPOSITORY: &str = "us/mirror";

/// Returns a checkout with new tags: signed, not signed, and signed by another key.
async fn checkout() -> (Signed, RunningGithub) {
    let mut signed = Signed::new().await;
    let github = FakeGithub::new().token(testkit::CANARY).start().await;
    signed.environment = signed
        .environment
        .with_env("GITHUB_API_URL", &github.url())
        .with_env("GITHUB_TOKEN", testkit::CANARY)
        .with_env("GITHUB_REPOSITORY", REPOSITORY);
    let host = signed.registry.host();
    let (other, environment) = (SigningKey::p256(), &signed.environment);
    for tag in ["1.0.0", "1.1.0", "1.2.0", "1.3.0"] {
        let image = signed.push("a", tag);
        let digest = image.digest().as_ref();
        match tag {
            "1.2.0" => {}
            "1.3.0" => signed.sign_classic("a", digest, &other),
            _ => signed.sign_classic("a", digest, &signed.key),
        }
    }
    for tag in ["1.0.0", "1.1.0"] {
        let image = signed.push("keyless", tag);
        signed.sign_keyless("keyless", &image, IDENTITY, 3);
    }
    let policy = [("keyless", keyless_requirement()), ("*", key_requirement())];
    environment.write("policy.json", signed.policy(&policy));
    let entry =
        |name: &str| json!({"images": [format!("{host}/{name}")], "versionSource": "registry"});
    let config = json!({"a": entry("a"), "keyless": entry("keyless")});
    environment.write("config.json", config.to_string());
    let list = format!("{host}/a {host}/m/a 1.0.0\n{host}/keyless {host}/m/keyless 1.0.0\n");
    environment.write("images-list", &list);
    environment.mirror("lock --trusted-root root.json").exits(0);
    let lock = environment.read("images-list.lock");
    environment.git(&["init", "-q", "-b", "main"]);
    github.commit(
        REPOSITORY,
        "main",
        &[("images-list", &list), ("images-list.lock", &lock)],
    );
    (signed, github)
}

/// Returns the text of a body: nothing in it is Markdown.
fn text_of(body: &str) -> String {
    (33_u8..127).fold(body.to_owned(), |text, byte| {
        text.replace(&format!("&#{byte};"), &char::from(byte).to_string())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn pull_request_names_the_signers_and_the_reasons_of_what_is_left_out() {
    let (signed, github) = checkout().await;
    let (host, environment) = (signed.registry.host(), &signed.environment);
    let line = "retrieve-tags --open-prs --trusted-root root.json";
    let output = environment.mirror(line).exits(0);
    let pulls = github.pulls(REPOSITORY);
    assert_eq!(pulls.len(), 2, "{}", output.stderr);
    let of = |name: &str| {
        pulls
            .iter()
            .find(|pull| pull.head.starts_with(name))
            .unwrap()
    };
    let (keyed, keyless) = (of("mirror/a-"), of("mirror/keyless-"));
    let (keyed_body, keyless_body) = (text_of(&keyed.body), text_of(&keyless.body));
    for want in [
        "\n### Signatures\n\n- ",
        &format!("{host}/a:1.1.0</code>: <code>signed by key:sha256:"),
        "\n### Left out\n\n- ",
        &format!("{host}/a:1.2.0</code>: <code>does not satisfy"),
        "no signature was found",
        &format!("{host}/a:1.3.0</code>: <code>does not satisfy"),
        "not signed by keys/team.pub",
    ] {
        assert!(keyed_body.contains(want), "{want}: {keyed_body}");
    }
    let want = format!("{host}/keyless:1.1.0</code>: <code>signed by {IDENTITY} (issuer ");
    assert!(keyless_body.contains(&want), "{want}: {keyless_body}");
    assert!(!keyless.body.contains("Left out"), "{}", keyless.body);
    let files = github.files(REPOSITORY, &keyed.head);
    let new = format!("{host}/a {host}/m/a 1.0.0\n{host}/a {host}/m/a 1.1.0\n");
    assert!(
        files["images-list"].starts_with(&new),
        "{}",
        files["images-list"]
    );
    assert_eq!(files["images-list"].lines().count(), 3);
    // The lock of the pull request has the signers.
    let lock = &files["images-list.lock"];
    assert_eq!(lock.matches(" signer=key:sha256:").count(), 2, "{lock}");
    for tag in ["1.2.0", "1.3.0"] {
        let want = format!("{host}/a:{tag} is left out: does not satisfy");
        assert!(output.stderr.contains(&want), "{want}: {}", output.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn annotations_and_summary_of_the_check_name_the_signer() {
    let mut signed = Signed::new().await;
    signed.environment = signed.environment.with_github_actions();
    let host = signed.registry.host();
    let environment = &signed.environment;
    let image = signed.push("a", "1");
    signed.sign_bundle("a", &image, &signed.key);
    for name in ["unsigned", "m"] {
        signed.push(name, "1");
    }
    environment.write("policy.json", signed.policy(&[("*", key_requirement())]));
    environment.write("images-list", "# empty\n");
    environment.commit_first(&["images-list", "policy.json", PUBLIC_KEY]);
    environment.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    let list = format!("{host}/a {host}/m 1\n{host}/unsigned {host}/m 1=2\n");
    environment.write("images-list", list);
    let output = environment.mirror("check-new").exits(1);
    let all = format!("{}{}", output.stdout, output.stderr);
    for (level, message) in [
        ("notice", "a:1 is signed by key:sha256:"),
        ("error", "unsigned:1 does not satisfy"),
    ] {
        let is_annotated = |line: &str| {
            line.starts_with(&format!("::{level} file=images-list,line=")) && line.contains(message)
        };
        assert!(all.lines().any(is_annotated), "{level}: {all}");
    }
    let summary = environment.read("summary.md");
    assert!(summary.contains("does not satisfy"), "{summary}");
}
