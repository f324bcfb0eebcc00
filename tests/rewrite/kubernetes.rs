//! Formats for clusters: OpenShift's mirror sets, Kyverno, kustomize.

use std::process::Command;

use serde::Deserialize;

use super::{environment, text, unmapped};
use crate::environment::{TestEnvironment, block, run_with_input};

/// The fields of `ImageTagMirrorSet` and `ImageDigestMirrorSet` (openshift/api, `config/v1`,
/// `0000_10_config-operator_01_imagetagmirrorset.crd.yaml`).
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct MirrorSet {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: MirrorSetSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct MirrorSetSpec {
    image_tag_mirrors: Option<Vec<Mirrors>>,
    image_digest_mirrors: Option<Vec<Mirrors>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Mirrors {
    source: String,
    mirrors: Vec<String>,
    mirror_source_policy: Option<String>,
}

/// The pattern of `mirrors` in the same file. The one of `source` also permits `*.HOST`.
const PATTERN: &str = r"^((?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))+)?(?::[0-9]+)?)(?:(?:/[a-z0-9]+(?:(?:(?:[._]|__|[-]*)[a-z0-9]+)+)?)+)?$";

fn mirror_set(yaml: &str) -> MirrorSet {
    let json = extraction::json_from_yaml(yaml).unwrap();
    let set: MirrorSet = serde_json::from_str(&json).unwrap();
    assert_eq!(set.api_version, "config.openshift.io/v1");
    let pattern = regex::Regex::new(PATTERN).unwrap();
    let spec = &set.spec;
    for entry in spec
        .image_tag_mirrors
        .iter()
        .chain(&spec.image_digest_mirrors)
        .flatten()
    {
        for name in entry.mirrors.iter().chain([&entry.source]) {
            assert!(pattern.is_match(name), "{name}");
        }
    }
    set
}

/// Rows with tags, with a digest, with a host that OpenShift does not take, and with two targets.
fn rows_of_every_kind() -> TestEnvironment {
    let digest = format!("sha256:{}", "a".repeat(64));
    let by_digest = format!("q.io/digest r.io/m/digest {digest}");
    let environment = environment(&[
        "busybox r.io:5000/m/busybox 1.36",
        "q.io/a r.io/m/a v1",
        "q.io/ipv6 [::1]:5000/a v1",
        "q.io/targets @one,two/t v1",
        &by_digest,
    ]);
    environment.write(
        "targets.json",
        r#"{"targets": {"one": {"prefix": "one.io"}, "two": {"prefix": "two.io", "platforms": ["linux/arm64"]}}}"#,
    );
    environment
}

#[test]
fn mirror_sets_have_the_schema_of_openshift() {
    let environment = rows_of_every_kind();
    let line = "rewrite --format itms --name my-mirror --no-fallback --output json";
    let document = environment.mirror(line).exits(1).json();
    let set = mirror_set(text(&document));
    assert_eq!(
        (&*set.kind, &*set.metadata.name),
        ("ImageTagMirrorSet", "my-mirror")
    );
    let entries = set.spec.image_tag_mirrors.unwrap();
    let pairs: Vec<_> = entries
        .iter()
        .map(|entry| (&*entry.source, entry.mirrors.join(",")))
        .collect();
    let expected = [
        (
            "docker.io/library/busybox",
            "r.io:5000/m/busybox".to_owned(),
        ),
        ("q.io/a", "r.io/m/a".to_owned()),
        ("q.io/targets", "one.io/t,two.io/t".to_owned()),
    ];
    assert_eq!(pairs, expected);
    let policy = entries[0].mirror_source_policy.as_deref();
    assert_eq!(policy, Some("NeverContactSource"));
    let expected = [
        "q.io/digest -> r.io/m/digest: itms is for tags, and the rows name digests: write --format idms too".to_owned(),
        "q.io/ipv6 -> [::1]:5000/a: itms takes no host such as [::1]:5000".to_owned(),
    ];
    assert_eq!(unmapped(&document), expected);

    let document = environment
        .mirror("rewrite --format idms --output json")
        .exits(1)
        .json();
    let set = mirror_set(text(&document));
    let entries = set.spec.image_digest_mirrors.unwrap();
    let sources: Vec<_> = entries.iter().map(|entry| &*entry.source).collect();
    assert_eq!(
        sources,
        [
            "docker.io/library/busybox",
            "q.io/a",
            "q.io/digest",
            "q.io/targets"
        ]
    );
    assert_eq!(
        entries[3].mirrors,
        ["one.io/t"],
        "the other target has digests of its own"
    );
    assert_eq!(unmapped(&document).len(), 2);
}

/// The fields of Kyverno's `ClusterPolicy` that are written, for policies of `kyverno.io/v1`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ForEach {
    list: String,
    preconditions: serde_json::Value,
    patch_strategic_merge: serde_json::Value,
}

/// Applies the policies to the image of a container, as Kyverno's functions do.
fn applied(policies: &str, image: &str) -> String {
    let mut image = image.to_owned();
    for policy in policies.split("---\n").skip(1) {
        let json = extraction::json_from_yaml(policy).unwrap();
        let policy: serde_json::Value = serde_json::from_str(&json).unwrap();
        let rules = policy["spec"]["rules"].as_array().unwrap();
        assert_eq!(rules.len(), 3);
        let foreach = rules[0]["mutate"]["foreach"].as_array().unwrap();
        for one in foreach {
            let one: ForEach = serde_json::from_value(one.clone()).unwrap();
            assert_eq!(one.list, "request.object.spec.containers || `[]`");
            let condition = &one.preconditions["all"][0];
            let arguments = |text: &str| text.split('\'').map(str::to_owned).collect::<Vec<_>>();
            let matched = arguments(condition["key"].as_str().unwrap());
            assert_eq!(matched[0], "{{ regex_match(");
            if !regex::Regex::new(&matched[1]).unwrap().is_match(&image) {
                continue;
            }
            let container = &one.patch_strategic_merge["spec"]["containers"][0];
            let replaced = arguments(container["image"].as_str().unwrap());
            assert_eq!(
                (&*replaced[0], &*replaced[3]),
                ("{{ regex_replace_all(", "{{element.image}}")
            );
            let pattern = regex::Regex::new(&replaced[1]).unwrap();
            image = pattern
                .replace_all(&image, replaced[5].as_str())
                .into_owned();
        }
    }
    image
}

#[test]
fn kyverno_replaces_listed_images_once() {
    let environment = environment(&[
        "busybox r.io/m/busybox 1.36",
        "q.io/a r.io/m/a v1",
        "q.io/renamed r.io/m/renamed v1.36=1.36,x",
        // The mirror of a is a source too.
        "r.io/m/a s.io/m/a v1",
    ]);
    let output = environment.mirror("rewrite --format kyverno").exits(0);
    let policies = &output.stdout;
    for (image, expected) in [
        ("busybox:1.36", "r.io/m/busybox:1.36"),
        ("docker.io/library/busybox:1.36", "r.io/m/busybox:1.36"),
        ("busybox:1.37", "busybox:1.37"),
        ("q.io/a:v1", "r.io/m/a:v1"),
        ("r.io/m/a:v1", "s.io/m/a:v1"),
        ("q.io/renamed:v1.36", "r.io/m/renamed:1.36"),
        ("q.io/renamed:x", "q.io/renamed:x"),
        ("q.io/other:v1", "q.io/other:v1"),
    ] {
        assert_eq!(applied(policies, image), expected, "{policies}");
    }
    assert!(
        policies.contains("kinds: [Pod/ephemeralcontainers]"),
        "{policies}"
    );
}

#[test]
fn policies_have_the_types_of_kyverno() {
    let environment = environment(&["busybox r.io/m/busybox 1.36", "q.io/a r.io/m/a v1=v2"]);
    let policies = environment
        .mirror("rewrite --format kyverno")
        .exits(0)
        .stdout;
    let decode = |text: &str| {
        let mut decoder = Command::new(testkit::program("kyverno-decoder"));
        run_with_input(&mut decoder, text)
    };
    let decoded = decode(&policies).exits(0);
    assert_eq!(decoded.stdout, "mirror: 3 rules, 6 foreach\n");
    let misspelled = policies.replace("preconditions:", "precondition:");
    let refused = decode(&misspelled).exits(1);
    assert!(
        refused.stderr.contains("unknown field"),
        "{}",
        refused.stderr
    );
}

#[test]
fn policies_of_a_long_list_can_be_applied() {
    let rows: Vec<String> = (0..600)
        .map(|at| format!("quay.io/team/image-{at:03} r.io/m/mirrored-team-image-{at:03} v1.{at}"))
        .collect();
    let environment = environment(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let output = environment.mirror("rewrite --format kyverno").exits(0);
    let policies: Vec<&str> = output.stdout.split("---\n").skip(1).collect();
    assert!(policies.len() > 1);
    // The limit of annotations, in which kubectl keeps a policy as JSON.
    assert!(policies.iter().all(|policy| policy.len() < 256 * 1024));
    assert!(policies[1].contains("name: 'mirror-2'"));
    for at in [0, 299, 599] {
        let image = format!("quay.io/team/image-{at:03}:v1.{at}");
        let expected = format!("r.io/m/mirrored-team-image-{at:03}:v1.{at}");
        assert_eq!(applied(&output.stdout, &image), expected);
    }
}

/// Returns the images after `kustomize build` with the component.
fn built(environment: &TestEnvironment, images: &[&str]) -> Vec<String> {
    let containers = images
        .iter()
        .enumerate()
        .map(|(at, image)| format!("  - name: c{at}\n    image: {image}\n"));
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  containers:\n{}",
        containers.collect::<String>()
    );
    environment.write("pod.yaml", pod);
    environment.write(
        "kustomization.yaml",
        "resources: [pod.yaml]\ncomponents: [mirror]\n",
    );
    let mut command = Command::new(testkit::program("kustomize"));
    command.arg("build").arg(environment.path("."));
    let output = block(|| command.output()).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let output = String::from_utf8(output.stdout).unwrap();
    let images = output
        .lines()
        .filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix("image: "));
    images.map(str::to_owned).collect()
}

#[test]
fn kustomize_builds_with_the_component() {
    let environment = environment(&[
        "busybox r.io/m/busybox 1.36",
        "bitnami/etcd r.io/m/etcd 3",
        "q.io/a r.io/m/a v1",
        "r.io/m/a s.io/m/a v1",
        "q.io/renamed r.io/m/renamed v1.36=1.36",
    ]);
    let line = "rewrite --format kustomize --directory mirror";
    let output = environment.mirror(line).exits(1);
    assert_eq!(output.stdout, "mirror/kustomization.yaml\n");
    let named = "q.io/renamed:v1.36 -> r.io/m/renamed:1.36: kustomize cannot rename tags";
    assert!(output.stderr.contains(named), "{}", output.stderr);
    let digest = format!("sha256:{}", "a".repeat(64));
    let by_digest = format!("q.io/a@{digest}");
    let images = [
        "busybox:1.36",
        "docker.io/library/busybox",
        "bitnami/etcd:3",
        "q.io/a:v1",
        &by_digest,
        "r.io/m/a:v1",
        "q.io/renamed:v1.36",
    ];
    let expected = [
        "r.io/m/busybox:1.36",
        "r.io/m/busybox",
        "r.io/m/etcd:3",
        "r.io/m/a:v1",
        &format!("r.io/m/a@{digest}"),
        "s.io/m/a:v1",
        "q.io/renamed:v1.36",
    ];
    assert_eq!(built(&environment, &images), expected);
}
