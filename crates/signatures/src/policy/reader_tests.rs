//! Tests of the reader of a policy file.

use super::*;
use crate::policy::describe;
use crate::policy::test_keys::{pem, policy};

/// Returns the problems of a text with `'` for `"`.
fn problems(text: &str) -> Vec<String> {
    let found = Policy::parse(&text.replace('\'', "\""), &mut pem).unwrap_err();
    let lines = found.iter();
    lines
        .map(|problem| format!("{}:{}: {problem}", problem.line, problem.column))
        .collect()
}

#[test]
fn first_match_decides_and_the_default_rejects() {
    let policy = policy(
        "{'images': [
          {'match': 'ghcr.io/fluxcd/*', 'keyless': {'issuer': 'https://i', 'identityRegexp': '^https://github\\\\.com/fluxcd/'}, 'minimumAge': 2},
          {'match': 'r.io/*', 'keys': ['a']},
          {'match': 'quay.io/secure/*', 'keys': ['a', 'b'], 'threshold': 2,
           'attestations': [{'predicateType': 'https://slsa.dev/provenance/v1'}, {'predicateType': 'p', 'keys': ['c']}]},
          {'match': 'quay.io/secure-*', 'reject': true},
          {'match': 'docker.io/library/*', 'accept': 'unsigned'}
        ]}",
    );
    for (image, want) in [
        (
            "ghcr.io/fluxcd/flux-cli",
            "requires a signature of an identity like ^https://github\\.com/fluxcd/ (issuer https://i), \
             logged at least 2 days ago",
        ),
        ("r.io/x", "requires a signature of the key a"),
        (
            "quay.io/secure/x",
            "requires a signature of 2 of the keys a, b, an attestation https://slsa.dev/provenance/v1, \
             an attestation p of the key c",
        ),
        ("quay.io/secure-x/y", "rejects"),
        ("busybox", "accepts without a signature"),
        ("quay.io/other", "rejects"),
    ] {
        let rule = policy.rule(&image.parse().unwrap(), None);
        assert_eq!(describe(rule), want, "{image}");
    }
    assert_eq!(policy.rule(&"r.io/x".parse().unwrap(), None).line(), 3);
}

#[test]
fn images_without_a_tag_are_held_to_rules_for_tags() {
    let policy = policy(
        "{'images': [
          {'match': 'q.io/a:dev', 'accept': 'unsigned'},
          {'match': 'q.io/a:*', 'keys': ['a']},
          {'match': 'q.io/b:*', 'reject': true},
          {'match': 'q.io/c:1', 'accept': 'unsigned'},
          {'match': 'q.io/c', 'keys': ['b']},
          {'match': 'q.io/*', 'accept': 'unsigned'}
        ]}",
    );
    for (image, tag, line) in [
        ("q.io/a", Some("dev"), 2),
        ("q.io/a", Some("1"), 3),
        ("q.io/a", None, 3),
        ("q.io/b", None, 4),
        ("q.io/c", Some("1"), 5),
        ("q.io/c", None, 6),
        ("q.io/d", None, 7),
    ] {
        let tag = tag.map(|tag| tag.parse().unwrap());
        let rule = policy.rule(&image.parse().unwrap(), tag.as_ref());
        assert_eq!(rule.line(), line, "{image} {tag:?}");
    }
}

/// Invalid policies with the beginnings of their problems.
const INVALID: &[(&str, &[&str])] = &[
        ("{}", &["1:1: `images` is missing"]),
        (
            "{'images': [], 'defualt': 'reject', 'default': 'accept'}",
            &[
                "1:16: unknown key `defualt`; the nearest known key is `default`",
                "1:48: `default` takes \"reject\" or \"unsigned\", not the string \"accept\"",
            ],
        ),
        (
            "{'images': [{'match': 'r.io/a'}, {'match': 'r.io/b', 'keys': ['a'], 'accept': 'unsigned'}]}",
            &[
                "1:13: entry `r.io/a`: the entry has no requirement",
                "1:69: entry `r.io/b`: `keys` and `accept` exclude each other",
            ],
        ),
        (
            "{'images': [{'match': 'redis', 'keys': ['missing', 'broken', 'a', 'again']}]}",
            &[
                "1:23: entry `redis`: `match`: patterns match full names",
                "1:41: entry `redis`: `missing`: cannot be read: No such file",
                "1:52: entry `redis`: `broken`: not one PEM block",
                "1:67: entry `redis`: `again` has the key of `a`: name it once",
            ],
        ),
        (
            "{'images': [{'match': 'r.io/*', 'keys': ['a'], 'threshold': 2}, {'match': 'q.io/*', 'keys': []}]}",
            &[
                "1:61: entry `r.io/*`: `threshold` is a number from 1 to 1",
                "1:93: `keys` is empty",
            ],
        ),
        (
            "{'images': [{'match': 'r.io/*', 'threshold': 1, 'keyless': {'issuer': 'i', 'identity': 'x'}}]}",
            &["1:46: entry `r.io/*`: `threshold` counts keys"],
        ),
        (
            "{'images': [{'match': 'r.io/*', 'keyless': {'issuer': 'i', 'identityRegexp': 'github.com/org/'}},
              {'match': 'q.io/*', 'keyless': {'issuer': 'i'}}, {'match': 's.io/*', 'keyless': {'identity': 'x'}}]}",
            &[
                "1:78: entry `r.io/*`: `identityRegexp`: the pattern does not begin with `^`",
                "2:46: entry `q.io/*`: `keyless` needs `identity` or `identityRegexp`",
                "2:95: `issuer` is missing",
            ],
        ),
        (
            "{'images': [{'match': 'r.io/*', 'accept': 'unsigned', 'minimumAge': 2}, {'match': 'q.io/*', 'reject': false}]}",
            &[
                "1:55: entry `r.io/*`: `minimumAge` needs a signature",
                "1:103: `reject` takes true, not false",
            ],
        ),
        (
            "{'images': [{'match': 'r.io/*', 'accept': 'unsigned'}, {'match': 'r.io/secure/*', 'keys': ['a']}]}",
            &["1:66: entry `r.io/secure/*`: the entry is never used: `r.io/*` in line 1 matches"],
        ),
    ];

#[test]
fn all_problems_are_reported_with_their_positions() {
    for (text, want) in INVALID {
        let found = problems(text);
        assert_eq!(found.len(), want.len(), "{text}: {found:#?}");
        for (found, want) in found.iter().zip(*want) {
            assert!(found.starts_with(want), "{found}\n{want}");
        }
    }
}

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

#[test]
fn what_a_containers_policy_says_and_cannot_be_honored_is_a_problem() {
    let with = |requirement: &str| {
        format!(
            "{{'default': [{{'type': 'reject'}}],\n'transports': {{'docker': {{'quay.io': [{requirement}]}}}}}}"
        )
    };
    for (requirement, want) in [
        (
            "{'type': 'signedBy', 'keyType': 'GPGKeys', 'keyPath': 'a'}",
            "`signedBy` (GPG signatures) cannot be verified",
        ),
        (
            "{'type': 'sigstoreSigned', 'keyPath': 'a', 'rekorPublicKeyPath': 'b'}",
            "`rekorPublicKeyPath` cannot be honored",
        ),
        (
            "{'type': 'sigstoreSigned', 'fulcio': {}}",
            "`fulcio` cannot be honored",
        ),
        ("{'type': 'sigstoreSigned'}", "`sigstoreSigned` has no keys"),
        (
            "{'type': 'sigstoreSigned', 'keyPath': 'a', 'keyData': 'x'}",
            "the keys are given in two ways",
        ),
        ("{'type': 'sigstoreSigned', 'keyData': '%'}", "not base64"),
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
    ] {
        let found = problems(&with(requirement));
        assert_eq!(found.len(), 1, "{requirement}: {found:?}");
        assert!(found[0].starts_with("2:"), "{requirement}: {found:?}");
        assert!(found[0].contains(want), "{requirement}: {found:?}");
    }
}
