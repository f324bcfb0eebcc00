//! Bundles and image files with a policy: only a verified signature proves the source.

use embedded_registry::{Registry, RunningRegistry};
use serde_json::json;

use super::signed_registry::{Signed, key_requirement};

/// Writes the keys of the exporting side and of another author of bundles.
fn write_keys(signed: &Signed) {
    for name in ["own", "other"] {
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let (secret, public) = (pair.sk.to_box(None).unwrap(), pair.pk.to_box().unwrap());
        let environment = &signed.environment;
        environment.write(&format!("{name}.key"), secret.into_string());
        environment.write(&format!("{name}.pub"), public.into_string());
    }
}

async fn far_side() -> RunningRegistry {
    Registry::new().access_log(10_000).start().await.unwrap()
}

/// A source that the policy accepts unsigned is named in a bundle by its author.
#[tokio::test(flavor = "multi_thread")]
async fn bundle_under_a_policy_needs_a_signature_since_it_names_its_own_sources() {
    let signed = Signed::new().await;
    let far = far_side().await;
    let (from, to) = (signed.registry.host(), far.host());
    write_keys(&signed);
    let image = signed.push("signed", "1");
    signed.sign_bundle("signed", &image, &signed.key);
    for name in ["accepted", "unsigned"] {
        signed.push(name, "1");
    }
    let environment = &signed.environment;
    let list = ["accepted", "signed", "unsigned"]
        .map(|name| format!("{from}/{name} {to}/m/{name} 1\n"))
        .concat();
    environment.write("images-list", list);
    environment.mirror("export plain.tar --no-policy").exits(0);
    for name in ["own", "other"] {
        let line = format!("export {name}.tar --no-policy --sign {name}.key");
        environment.mirror(&line).exits(0);
    }
    environment
        .mirror("export own.tar.zst --no-policy --sign own.key")
        .exits(0);
    let accepted = json!({"accept": "unsigned"});
    let policy = signed.policy(&[("accepted", accepted), ("*", key_requirement())]);
    environment.write("policy.json", policy);
    let unnamed = "no verified signature proves the sources that the bundle states";
    for (line, want) in [
        ("import plain.tar", unnamed),
        ("import own.tar", unnamed),
        ("import plain.tar --dry-run", unnamed),
        ("import plain.tar --match '*/signed'", unnamed),
        ("import other.tar --verify-key own.pub", "names the key"),
        ("import plain.tar --verify-key own.pub", "is not signed"),
        (
            "import own.tar.zst --verify-key own.pub",
            "the signatures in a pipe or a compressed archive are read too late",
        ),
    ] {
        let output = environment.mirror(line).exits(2);
        assert!(output.stderr.contains(want), "{line}: {}", output.stderr);
        assert!(
            output.stderr.contains("hint: "),
            "{line}: {}",
            output.stderr
        );
        assert_eq!(far.request_count(), 0, "{line}");
    }
    let line = "import own.tar --verify-key own.pub --output json";
    let report = environment.mirror(line).exits(1).json();
    let status = [0, 1, 2].map(|at| report["rows"][at]["status"].as_str().unwrap().to_owned());
    assert_eq!(status, ["copied", "copied", "failed"], "{report:#}");
    assert_eq!(far.tags("m/unsigned"), [] as [String; 0]);
    environment.mirror("import plain.tar --no-policy").exits(0);
    assert_eq!(far.tags("m/unsigned"), ["1"]);
}

/// The name in an archive is no source.
#[tokio::test(flavor = "multi_thread")]
async fn image_file_cannot_name_an_accepted_source() {
    let signed = Signed::new().await;
    let far = far_side().await;
    let (from, to) = (signed.registry.host(), far.host());
    signed.push("accepted", "1");
    let environment = &signed.environment;
    for file in ["docker-archive:d.tar", "oci-archive:o.tar", "oci:layout"] {
        let named = format!("{file}:{from}/accepted:1");
        let line = format!("copy --no-policy {from}/accepted:1 {named} --platform linux/amd64");
        environment.mirror(&line).exits(0);
    }
    let accepted = json!({"accept": "unsigned"});
    environment.write("policy.json", signed.policy(&[("accepted*", accepted)]));
    for file in ["docker-archive:d.tar", "oci-archive:o.tar", "oci:layout"] {
        let line = format!("copy {file}:{from}/accepted:1 {to}/m/a:1");
        let output = environment.mirror(&line).exits(3);
        let all = output.stdout + &output.stderr;
        for want in [
            "is an image file, and a policy applies to registries only",
            "--no-policy",
        ] {
            assert!(all.contains(want), "{line}: {all}");
        }
        assert_eq!(far.repositories(), [] as [String; 0]);
    }
}
