//! `mirror policy export`, with the real skopeo as a consumer of the mirror.

use std::process::Output;

use serde_json::{Value, json};
use testkit::signing::SigningKey;

use super::signed_registry::{PUBLIC_KEY, Signed, key_requirement, keyless_requirement};

/// Pulls an image with skopeo, which verifies it with `exported.json`.
fn pull(signed: &Signed, image: &str) -> Output {
    let environment = &signed.environment;
    let policy = environment.path("exported.json");
    let registries = environment.path("registries.d");
    let target = format!("dir:{}", environment.path("pulled").display());
    let mut skopeo = environment.command_for("skopeo");
    skopeo.args(["--policy", policy.to_str().unwrap()]);
    skopeo.args(["--registries.d", registries.to_str().unwrap()]);
    skopeo.args([
        "copy",
        "--src-tls-verify=false",
        "--override-os=linux",
        "--override-arch=amd64",
    ]);
    skopeo.args([
        &format!("docker://{}/{image}", signed.registry.host()),
        &target,
    ]);
    skopeo.output().unwrap()
}

fn message(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn skopeo_accepts_exactly_the_signed_copies_with_the_exported_policy() {
    let signed = Signed::new().await;
    let host = signed.registry.host();
    let environment = &signed.environment;
    let other = SigningKey::p256();
    let mut list = String::new();
    for name in ["a", "foreign", "open"] {
        let image = signed.push(name, "1");
        let key = if name == "foreign" {
            &other
        } else {
            &signed.key
        };
        if name != "open" {
            // containers/image verifies the index and the manifest of its platform: `cosign sign --recursive`.
            for manifest in image.manifests() {
                signed.sign_classic(name, manifest.digest().as_ref(), key);
            }
        }
        list += &format!("{host}/{name} {host}/m/{name} 1\n");
    }
    environment.write("images-list", list);
    environment.mirror("sync").exits(0);
    let open = json!({"accept": "unsigned"});
    let policy = signed.policy(&[("open", open), ("*", key_requirement())]);
    environment.write("policy.json", policy);
    let exported = environment
        .mirror("policy export --format containers-policy")
        .exits(0)
        .stdout;
    environment.write("exported.json", &exported);
    std::fs::create_dir_all(environment.path("registries.d")).unwrap();
    environment.write(
        "registries.d/mirror.yaml",
        format!("docker:\n  {host}:\n    use-sigstore-attachments: true\n"),
    );
    // Scopes without a signature are decided by every build of skopeo.
    for (image, is_accepted) in [("m/open:1", true), ("m/foreign:1", false), ("a:1", false)] {
        let output = pull(&signed, image);
        let message = message(&output);
        assert_eq!(output.status.success(), is_accepted, "{image}: {message}");
    }
    // The package of Debian reads the policy and cannot verify.
    let output = pull(&signed, "m/a:1");
    if message(&output).contains("sigstore disabled") {
        return;
    }
    assert!(output.status.success(), "{}", message(&output));
    // The signature names the source: a policy for the name of the copy itself accepts nothing.
    let own = exported.replace(&format!("{host}/a\""), &format!("{host}/m/a\""));
    assert_ne!(own, exported);
    environment.write("exported.json", own);
    let output = pull(&signed, "m/a:1");
    assert!(!output.status.success(), "{}", message(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn requirements_that_a_format_cannot_express_are_named_and_nothing_is_exported() {
    let signed = Signed::new().await;
    let host = signed.registry.host();
    let environment = &signed.environment;
    environment.write(
        "images-list",
        format!("{host}/a {host}/m/a 1\n{host}/b {host}/m/b 1\n"),
    );
    let output = environment
        .mirror("policy export --format kyverno")
        .exits(2);
    assert!(
        output.stderr.contains("there is no policy to export"),
        "{}",
        output.stderr
    );
    let policy = signed.policy(&[("a", keyless_requirement()), ("*", key_requirement())]);
    environment.write("policy.json", policy);
    let output = environment
        .mirror("policy export --format containers-policy")
        .exits(1);
    let want = format!(
        "policy.json:1: {host}/m/a: containers-policy.json(5) cannot name the identity of a workflow"
    );
    assert!(output.stderr.contains(&want), "{}", output.stderr);
    assert_eq!(output.stdout, "");
    let line = "policy export --format containers-policy --exclude */a --output json";
    let document = environment.mirror(line).exits(0).json();
    let policy: Value = serde_json::from_str(document["policy"].as_str().unwrap()).unwrap();
    assert_eq!(policy["transports"]["docker"].as_object().unwrap().len(), 1);
    let yaml = environment
        .mirror("policy export --format kyverno")
        .exits(0)
        .stdout;
    assert!(
        yaml.contains(&format!("- \"{host}/m/a:*\"")) && yaml.contains("BEGIN PUBLIC KEY"),
        "{yaml}"
    );
    assert!(environment.path(PUBLIC_KEY).exists());
    assert_eq!(signed.registry.request_count(), 0);
}
