//! Tests of exported policies.

use super::*;
use crate::policy::export::KeylessForm;
use crate::policy::test_keys::policy;

const POLICY: &str = "{'images': [
  {'match': 'quay.io/team/old:1', 'accept': 'unsigned'},
  {'match': 'quay.io/team/*', 'keys': ['a']},
  {'match': 'quay.io/two/*', 'keys': ['a', 'b'], 'threshold': 2},
  {'match': 'quay.io/some/*', 'keys': ['a', 'b', 'c'], 'threshold': 2},
  {'match': 'ghcr.io/*', 'keyless': {'issuer': 'https://i', 'identityRegexp': '^https://g/org/'},
   'attestations': [{'predicateType': 'p'}]},
  {'match': 'docker.io/library/*', 'accept': 'unsigned'}
]}";

/// Returns a copy of `SOURCE:TAG` as `DESTINATION:TAG`.
fn copies(names: &[(&str, &str)]) -> Vec<Copy> {
    let split = |name: &str| {
        let (repository, tag) = name.rsplit_once(':').unwrap();
        (repository.parse().unwrap(), Some(tag.parse().unwrap()))
    };
    let copies = names.iter().map(|(source, destination)| {
        let (source, source_tag) = split(source);
        let (destination, destination_tag) = split(destination);
        Copy {
            source,
            source_tag,
            destination,
            destination_tag,
        }
    });
    copies.collect()
}

#[test]
fn containers_policy_names_the_source_of_each_copy() {
    let copies = copies(&[
        ("quay.io/team/a:1", "r.io/m/a:1"),
        ("quay.io/team/a:2", "r.io/m/a:2"),
        ("quay.io/team/old:1", "r.io/m/old:1"),
        ("quay.io/team/old:2", "r.io/m/old:2"),
        ("quay.io/two/b:1", "r.io/m/b:1"),
        ("busybox:1", "r.io/m/busybox:1"),
    ]);
    let text = export(&policy(POLICY), &copies, ExportFormat::ContainersPolicy).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["default"][0]["type"], "reject");
    let docker = document["transports"]["docker"].as_object().unwrap();
    let scopes: Vec<&String> = docker.keys().collect();
    assert_eq!(
        scopes,
        [
            "r.io/m/a",
            "r.io/m/b",
            "r.io/m/busybox",
            "r.io/m/old:1",
            "r.io/m/old:2"
        ]
    );
    let identity = &docker["r.io/m/a"][0]["signedIdentity"];
    assert_eq!(identity["type"], "exactRepository");
    assert_eq!(identity["dockerRepository"], "quay.io/team/a");
    assert_eq!(docker["r.io/m/b"].as_array().unwrap().len(), 2);
    assert_eq!(
        docker["r.io/m/busybox"][0]["type"],
        "insecureAcceptAnything"
    );
    assert_eq!(docker["r.io/m/old:1"][0]["type"], "insecureAcceptAnything");
    assert_eq!(docker["r.io/m/old:2"][0]["type"], "sigstoreSigned");
}

#[test]
fn what_a_format_cannot_express_is_a_problem() {
    let copies = copies(&[
        ("ghcr.io/org/a:1", "r.io/m/a:1"),
        ("quay.io/some/b:1", "r.io/m/b:1"),
        ("evil.io/c:1", "r.io/m/c:1"),
    ]);
    for (format, want) in [
        (
            ExportFormat::ContainersPolicy,
            &[
                "r.io/m/a (line 6 of the policy): containers-policy.json(5) cannot name the identity",
                "r.io/m/b (line 5 of the policy): containers-policy.json(5) cannot require 2 of 3 keys",
            ][..],
        ),
        (
            ExportFormat::Kyverno(KeylessForm::Bundle),
            &["r.io/m/c (line 1 of the policy): the policy rejects the source"],
        ),
        (
            ExportFormat::PolicyController,
            &["r.io/m/b (line 5 of the policy): policy-controller cannot require 2 of 3 keys"],
        ),
    ] {
        let problems = export(&policy(POLICY), &copies, format).unwrap_err();
        assert_eq!(problems.len(), want.len(), "{format}: {problems:?}");
        for (problem, want) in problems.iter().zip(want) {
            assert!(problem.to_string().starts_with(want), "{problem}");
        }
    }
}

#[test]
fn kyverno_gets_one_rule_for_each_rule_of_the_policy() {
    let copies = copies(&[
        ("ghcr.io/org/a:1", "r.io/m/a:1"),
        ("ghcr.io/org/b:1", "r.io/m/b:1"),
        ("quay.io/some/c:1", "r.io/m/c:1"),
    ]);
    let format = ExportFormat::Kyverno(KeylessForm::Bundle);
    let text = export(&policy(POLICY), &copies, format).unwrap();
    for want in [
        "kind: \"ClusterPolicy\"\n",
        "            - \"r.io/m/a:*\"\n            - \"r.io/m/a@*\"\n            - \"r.io/m/b:*\"\n",
        "          type: \"SigstoreBundle\"\n",
        "                    subjectRegExp: \"^https://g/org/\"\n",
        "            - type: \"p\"\n",
        "          type: \"Cosign\"\n",
        "            - count: 2\n",
    ] {
        assert!(text.contains(want), "{want}\n{text}");
    }
    assert_eq!(text.matches("- name: ").count(), 2);
    let classic = export(
        &policy(POLICY),
        &copies,
        ExportFormat::Kyverno(KeylessForm::Classic),
    );
    assert!(!classic.unwrap().contains("SigstoreBundle"));
}

#[test]
fn policy_controller_gets_a_policy_for_each_signer_that_must_sign() {
    let copies = copies(&[
        ("quay.io/two/b:1", "r.io/m/b:1"),
        ("ghcr.io/org/a:1", "docker.io/m/a:1"),
    ]);
    let text = export(&policy(POLICY), &copies, ExportFormat::PolicyController).unwrap();
    let documents: Vec<&str> = text.split("---\n").collect();
    assert_eq!(documents.len(), 4, "{text}");
    assert!(
        documents[0].contains("- glob: \"index.docker.io/m/a:*\"\n"),
        "{text}"
    );
    assert!(documents[1].contains("predicateType: \"p\"\n"), "{text}");
    assert!(
        documents[2].contains("hashAlgorithm: \"sha256\"\n"),
        "{text}"
    );
}

#[test]
fn an_attestation_that_stands_for_the_signature_needs_no_signature_of_copies() {
    let policy = policy(
        "{'images': [{'match': '*', 'signedBy': 'attestation', 'attestations': [{'predicateType': 'p'}],
          'keyless': {'issuer': 'https://i', 'identity': 'ci@example.com'}}]}",
    );
    let copies = copies(&[("ghcr.io/org/a:1", "r.io/m/a:1")]);
    for (format, attestors) in [
        (ExportFormat::Kyverno(KeylessForm::Bundle), "attestors:"),
        (ExportFormat::PolicyController, "authorities:"),
    ] {
        let text = export(&policy, &copies, format).unwrap();
        assert_eq!(text.matches(attestors).count(), 1, "{text}");
        assert_eq!(text.matches("\"p\"").count(), 1, "{text}");
    }
}
