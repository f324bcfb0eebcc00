//! Mappings that a format cannot express are named, and the exit code is 1.

use super::{environment, unmapped};

/// The formats with rules for repositories.
const OF_REPOSITORIES: [&str; 5] = [
    "registries-conf",
    "k3s",
    "itms",
    "kustomize",
    "containerd-hosts",
];

#[test]
fn renamed_tags_are_named_where_rules_are_for_repositories() {
    let environment = environment(&["q.io/a r.io/a v1.36=1.36,latest", "q.io/a r.io/a v2"]);
    for format in OF_REPOSITORIES {
        let line = format!("rewrite --format {format} --output json");
        let document = environment.mirror(&line).exits(1).json();
        let expected = [
            format!("q.io/a:v1.36 -> r.io/a:1.36: {format} cannot rename tags"),
            format!(
                "q.io/a:1.36 -> r.io/a:1.36: {format} would serve the copy of v1.36 under this name"
            ),
            format!(
                "q.io/a:latest -> r.io/a:latest: {format} would serve the copy of v1.36 under this name"
            ),
        ];
        assert_eq!(unmapped(&document), expected, "{format}");
        let text = document["files"][0]["text"].as_str().unwrap();
        assert!(text.contains("q.io"), "the other tag is mapped: {text}");
        let output = environment
            .mirror(&format!("rewrite --format {format}"))
            .exits(1);
        assert!(
            output.stderr.contains("q.io/a:v1.36 -> r.io/a:1.36"),
            "{}",
            output.stderr
        );
    }
    // Digests have no tags, and Kyverno renames.
    for format in ["idms", "kyverno"] {
        environment
            .mirror(&format!("rewrite --format {format}"))
            .exits(0);
    }
}

#[test]
fn rows_by_digest_are_named_where_a_format_is_for_tags() {
    let (one, two) = (format!("sha256:{:064x}", 1), format!("sha256:{:064x}", 2));
    let rows = [
        "q.io/a r.io/a v1".to_owned(),
        format!("q.io/a r.io/a {one}"),
        format!("q.io/a r.io/a {two}=two"),
    ];
    let environment = environment(&rows.each_ref().map(String::as_str));
    for format in [
        "registries-conf",
        "k3s",
        "itms",
        "idms",
        "kyverno",
        "kustomize",
        "containerd-hosts",
    ] {
        let line = format!("rewrite --format {format} --output json");
        let document = environment.mirror(&line);
        let document: serde_json::Value = serde_json::from_str(&document.stdout).unwrap();
        // A pull of q.io/a:two would get an image that the source does not have under this name.
        let tag = format!(
            "q.io/a:two -> r.io/a:two: {format} would serve the copy of {two} under this name"
        );
        let digest = |digest: &str| {
            format!(
                "q.io/a@{digest} -> r.io/a@{digest}: {format} is for tags, and this row names a digest: write --format idms too"
            )
        };
        let expected = match format {
            "idms" | "kyverno" => vec![],
            "itms" => vec![tag, digest(&one), digest(&two)],
            _ => vec![tag],
        };
        assert_eq!(unmapped(&document), expected, "{format}");
    }
}

#[test]
fn several_mirrors_are_named_where_a_format_takes_one() {
    let environment = environment(&["q.io/a @one,two/a v1"]);
    environment.write(
        "targets.json",
        r#"{"targets": {"one": {"prefix": "one.io"}, "two": {"prefix": "two.io"}}}"#,
    );
    for format in ["k3s", "kyverno", "kustomize"] {
        let document = environment
            .mirror(&format!("rewrite --format {format} --output json"))
            .exits(1)
            .json();
        let expected = format!(
            "q.io/a -> one.io/a, two.io/a: {format} takes one repository: select it with --target"
        );
        assert_eq!(unmapped(&document), [expected]);
        environment
            .mirror(&format!("rewrite --format {format} --target two"))
            .exits(0);
    }
    for format in ["registries-conf", "itms", "idms", "containerd-hosts"] {
        environment
            .mirror(&format!("rewrite --format {format}"))
            .exits(0);
    }
}

#[test]
fn repositories_below_a_rule_never_get_another_image_unnamed() {
    // A pull of q.io/a/b, which no row has, would get the copy of x.io/other.
    let environment = environment(&["q.io/a r.io/m v1", "x.io/other r.io/m/b v1"]);
    let reason = "would serve the copy of x.io/other under this name";
    for format in ["registries-conf", "itms", "idms"] {
        let document = environment
            .mirror(&format!("rewrite --format {format} --output json"))
            .exits(1)
            .json();
        let expected = format!("q.io/a/b -> r.io/m/b: {format} {reason}");
        assert_eq!(unmapped(&document), [expected]);
    }
}

#[test]
fn circles_are_named_where_rules_apply_one_after_the_other() {
    let environment = environment(&["q.io/a r.io/a v1", "r.io/a q.io/a v1"]);
    for format in ["kyverno", "kustomize"] {
        let document = environment
            .mirror(&format!("rewrite --format {format} --output json"))
            .exits(1)
            .json();
        assert_eq!(unmapped(&document).len(), 2, "{format}");
    }
}

#[test]
fn usage_errors_write_nothing() {
    let environment = environment(&["q.io/a r.io/a v1"]);
    for (arguments, message) in [
        ("--format k3s --name x --target gone", "is not a target"),
        ("--format itms --name A_b", "lower-case letters"),
        ("--format puppet", "possible values"),
        ("", "--format <FORMAT>"),
    ] {
        let output = environment.mirror(&format!("rewrite {arguments}")).exits(2);
        assert!(output.stderr.contains(message), "{}", output.stderr);
        assert_eq!(output.stdout, "");
    }
    environment.write("blocked", "");
    let output = environment
        .mirror("rewrite --format k3s --directory blocked")
        .exits(2);
    assert!(
        output.stderr.contains("cannot create blocked"),
        "{}",
        output.stderr
    );
}
