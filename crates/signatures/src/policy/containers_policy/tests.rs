//! Tests of the reader of a containers-policy.json(5).

use crate::policy::describe;
use crate::policy::test_keys::{pem, policy, problems};

#[test]
fn containers_policies_are_read_for_what_can_be_honored() {
    let key = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        pem("b").unwrap(),
    );
    let policy = policy(&format!(
        "{{'default': [{{'type': 'reject'}}], 'transports': {{
          'docker-daemon': {{'': [{{'type': 'insecureAcceptAnything'}}]}},
          'docker': {{
            'quay.io': [{{'type': 'insecureAcceptAnything'}}],
            'quay.io/org': [{{'type': 'sigstoreSigned', 'keyPath': 'a', 'signedIdentity': {{'type': 'matchRepository'}}}},
                            {{'type': 'sigstoreSigned', 'keyDatas': ['{key}']}}],
            'r.io/mirror': [{{'type': 'sigstoreSigned', 'keyPaths': ['a', 'b'],
               'signedIdentity': {{'type': 'remapIdentity', 'prefix': 'r.io/mirror', 'signedPrefix': 'quay.io'}}}}],
            '*.example.com': [{{'type': 'insecureAcceptAnything'}}]
          }}}}}}"
    ));
    for (image, want) in [
        ("quay.io/other/x", "accepts without a signature"),
        (
            "quay.io/org/x",
            "requires a signature of the key a, for the repository whatever the tag and a signature of the key \
             key 1 of the policy, for the repository and tag",
        ),
        (
            "r.io/mirror/x",
            "requires a signature of 1 of the keys a, b, for quay.io instead of r.io/mirror",
        ),
        ("a.example.com/x", "accepts without a signature"),
        ("busybox", "rejects"),
    ] {
        let rule = policy.rule(&image.parse().unwrap(), None);
        assert_eq!(describe(rule), want, "{image}");
    }
}

/// Requirements that are refused, with a part of the problem.
const REFUSED: &[(&str, &str)] = &[
    (
        "{'type': 'signedBy', 'keyType': 'GPGKeys', 'keyPath': 'a'}",
        "`signedBy` (GPG signatures) cannot be verified",
    ),
    (
        "{'type': 'sigstoreSigned', 'pki': {'caRootsPath': 'ca'}}",
        "`pki` is not supported",
    ),
    (
        "{'type': 'sigstoreSigned', 'keyPath': 'a', 'keyType': 'GPGKeys'}",
        "`keyType` belongs to `signedBy`",
    ),
    (
        "{'type': 'sigstoreSigned', 'keyPath': 'a', 'rekorPublicKeyPath': 'b', 'rekorPublicKeyDatas': []}",
        "the keys are given in two ways",
    ),
    (
        "{'type': 'sigstoreSigned', 'keyPath': 'a', 'rekorPublicKeyPath': 'broken'}",
        "`broken`: not one PEM block",
    ),
    (
        "{'type': 'sigstoreSigned', 'keyPath': 'a', 'rekorPublicKeyPaths': []}",
        "the list of keys is empty",
    ),
    (
        "{'type': 'sigstoreSigned', 'fulcio': {'caPath': 'a', 'oidcIssuer': 'https://i', 'subjectEmail': 'a@b.c'}}",
        "`fulcio` needs the key of a log",
    ),
    (
        "{'type': 'sigstoreSigned', 'rekorPublicKeyPath': 'b', 'fulcio': {'caPath': 'a', 'oidcIssuer': 'https://i',
          'subjectEmail': 'a@b.c'}}",
        "unusable trusted root: not 1 to 16 certificates in PEM",
    ),
    (
        "{'type': 'sigstoreSigned', 'rekorPublicKeyPath': 'b', 'fulcio': {'caPath': 'x', 'oidcIssuer': 'https://i',
          'subjectEmail': 'a@b.c'}}",
        "`x`: cannot be read",
    ),
    (
        "{'type': 'sigstoreSigned', 'rekorPublicKeyPath': 'b', 'fulcio': {'caPath': 'a', 'caData': 'a',
          'oidcIssuer': 'https://i', 'subjectEmail': 'a@b.c'}}",
        "`caPath` and `caData` exclude each other",
    ),
    (
        "{'type': 'sigstoreSigned', 'rekorPublicKeyPath': 'b', 'fulcio': {'oidcIssuer': 'https://i',
          'subjectEmail': 'a@b.c'}}",
        "`fulcio` has neither `caPath` nor `caData`",
    ),
    (
        "{'type': 'sigstoreSigned', 'rekorPublicKeyPath': 'b', 'fulcio': {'caPath': 'a', 'oidcIssuer': 'https://i',
          'subjectEmail': 'https://b.c'}}",
        "`subjectEmail` is not an email address",
    ),
    (
        "{'type': 'sigstoreSigned', 'rekorPublicKeyPath': 'b', 'fulcio': {'caPath': 'a', 'oidcIssuer': 'https://i'}}",
        "`subjectEmail` is missing",
    ),
    (
        "{'type': 'sigstoreSigned', 'keyPath': 'a', 'fulcio': {'caPath': 'a', 'oidcIssuer': 'https://i',
          'subjectEmail': 'a@b.c'}}",
        "`fulcio` and keys exclude each other",
    ),
    (
        "{'type': 'sigstoreSigned'}",
        "`sigstoreSigned` has neither keys nor `fulcio`",
    ),
    (
        "{'type': 'sigstoreSigned', 'keyPath': 'a', 'keyData': 'x'}",
        "the keys are given in two ways",
    ),
    ("{'type': 'sigstoreSigned', 'keyData': '%'}", "not a PEM text in base64"),
    (
        "{'type': 'sigstoreSigned', 'keyPath': 'a', 'signedIdentity': {'type': 'exactRepository'}}",
        "`dockerRepository` is missing",
    ),
    (
        "{'type': 'sigstoreSigned', 'keyPath': 'a', 'signedIdentity': {'type': 'any'}}",
        "unknown signed identity `any`",
    ),
    (
        "{'type': 'sigstoresigned'}",
        "unknown requirement `sigstoresigned`",
    ),
    ("{'type': 'reject', 'extra': 1}", "unknown key `extra`"),
];

#[test]
fn what_a_containers_policy_says_and_cannot_be_honored_is_a_problem() {
    let with = |requirement: &str| {
        format!(
            "{{'default': [{{'type': 'reject'}}],\n'transports': {{'docker': {{'quay.io': [{requirement}]}}}}}}"
        )
    };
    for (requirement, want) in REFUSED {
        let found = problems(&with(requirement));
        assert_eq!(found.len(), 1, "{requirement}: {found:?}");
        let in_requirement = ["2:", "3:"].map(|line| found[0].starts_with(line));
        assert!(in_requirement.contains(&true), "{requirement}: {found:?}");
        assert!(found[0].contains(want), "{requirement}: {found:?}");
    }
}
