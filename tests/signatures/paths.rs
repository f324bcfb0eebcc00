//! Every command that copies an image applies the policy.

use embedded_registry::{Registry, RunningRegistry};
use serde_json::{Value, json};

use super::signed_registry::{PUBLIC_KEY, Signed, key_requirement};

/// Arguments of `sync` that change how rows are chosen and copied.
const ARGUMENTS: [&str; 15] = [
    "",
    "--dry-run",
    "--arch-tags",
    "--platform linux/amd64",
    "--platform linux/amd64 --sparse",
    "--no-referrers",
    "--foreign-layers",
    "--overwrite-signatures",
    "--check-children",
    "--shard 1/1",
    "--locked",
    "--locked --trust-lock",
    "--no-lock",
    "--changed-since HEAD",
    "--jobs 1",
];

/// Returns an unsigned image, and a mirror without it, whose list has rows of all forms.
async fn unsigned() -> (Signed, RunningRegistry) {
    let signed = Signed::new().await;
    let far = Registry::new().access_log(10_000).start().await.unwrap();
    let (from, to) = (signed.registry.host(), far.host());
    let image = signed.push("bad", "1");
    signed.push("followed", "1.0.0");
    let digest = image.digest();
    let environment = &signed.environment;
    let targets = json!({
        "targets": {"one": {"prefix": format!("{to}/one")}, "two": {"prefix": format!("{to}/two")}},
        "groups": {"both": ["one", "two"]},
    });
    environment.write("targets.json", targets.to_string());
    let followed =
        json!({"source": format!("{from}/followed"), "destination": format!("{to}/m/followed")});
    let config =
        json!({"app": {"images": [followed], "versionSource": "registry", "follow": true}});
    environment.write("config.json", config.to_string());
    environment.write("images-list", "");
    environment.write("policy.json", signed.policy(&[("*", key_requirement())]));
    environment.commit_first(&["images-list", "policy.json", PUBLIC_KEY]);
    let rows = [
        format!("{from}/bad {to}/m/tag 1"),
        format!("{from}/bad {to}/m/renamed 1=x,y"),
        format!("{from}/bad {to}/m/digest {digest}"),
        format!("{from}/bad {to}/m/pinned 1@{digest}=z"),
        format!("{from}/bad @both/targets 1"),
    ];
    environment.write("images-list", rows.join("\n") + "\n");
    environment.mirror("lock --no-policy").exits(0);
    (signed, far)
}

fn assert_nothing_written(far: &RunningRegistry, line: &str) {
    let requests = far.requests().into_iter();
    let writes = requests.filter(|request| !["GET", "HEAD"].contains(&request.method.as_str()));
    let writes: Vec<String> = writes.map(|request| request.path).collect();
    assert_eq!(writes, [] as [String; 0], "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unsigned_image_enters_by_no_row_and_no_option() {
    let (signed, far) = unsigned().await;
    let environment = &signed.environment;
    for arguments in ARGUMENTS {
        let line = format!("sync --output json {arguments}");
        let report = environment.mirror(&line).exits(3).json();
        let rows = report["rows"].as_array().unwrap();
        assert!(rows.len() >= 7, "{line}: {report:#}");
        for row in rows {
            assert_eq!(row["status"], "failed", "{line}: {row:#}");
            let message = row["error"]["message"].as_str().unwrap();
            let causes = ["no signature was found", "the tag is not locked"];
            let is_known = causes.iter().any(|cause| message.contains(cause));
            assert!(is_known, "{line}: {message}");
        }
        assert_nothing_written(&far, &line);
    }
    let (from, to) = (signed.registry.host(), far.host());
    for line in [
        format!("copy {from}/bad:1 {to}/m/c"),
        format!("copy {from}/bad:1 {to}/m/c:2 --arch-tags"),
        format!("copy {from}/bad:1 oci:layout"),
    ] {
        environment.mirror(&line).exits(3);
        assert_nothing_written(&far, &line);
    }
}

/// An image that entered before the policy.
#[tokio::test(flavor = "multi_thread")]
async fn image_that_is_there_gets_no_further_part_without_a_signature() {
    let (signed, far) = unsigned().await;
    let environment = &signed.environment;
    environment.mirror("sync --no-policy").exits(0);
    far.clear_requests();
    let report = environment.mirror("sync --output json").exits(0).json();
    assert_eq!(report["summary"]["unchanged"], report["summary"]["rows"]);
    let index = far.tagged("m/tag", "1").unwrap();
    let index: Value = serde_json::from_slice(&index.bytes).unwrap();
    let child = index["manifests"][0]["digest"].as_str().unwrap();
    assert!(far.remove_manifest("m/tag", &child.parse().unwrap()));
    for arguments in [
        "--arch-tags",
        "--check-children",
        "--platform linux/amd64 --sparse",
    ] {
        let line = format!("sync {arguments} --match */bad");
        let output = environment.mirror(&line);
        assert!(
            output.stdout.contains("no signature was found"),
            "{line}: {}",
            output.stdout
        );
        assert_nothing_written(&far, &line);
        assert_eq!(far.tags("m/tag"), ["1"], "{line}");
    }
}
