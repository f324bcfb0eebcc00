//! Tests of the reader of a policy file.

use crate::policy::describe;
use crate::policy::test_keys::{policy, problems};

#[test]
fn first_match_decides_and_the_default_rejects() {
    let policy = policy(
        "{'images': [
          {'match': 'ghcr.io/fluxcd/*', 'keyless': {'issuer': 'https://i', 'identityRegexp': '^https://github\\\\.com/fluxcd/'}, 'minimumAge': 2},
          {'match': 'r.io/*', 'keys': ['a']},
          {'match': 'quay.io/secure/*', 'keys': ['a', 'b'], 'threshold': 2,
           'attestations': [{'predicateType': 'https://slsa.dev/provenance/v1'}, {'predicateType': 'p', 'keys': ['c']}]},
          {'match': 'quay.io/secure-*', 'reject': true},
          {'match': 'docker.io/library/*', 'accept': 'unsigned'},
          {'match': 'ghcr.io/built/*', 'keys': ['a'], 'signedBy': 'attestation',
           'attestations': [{'predicateType': 'p'}, {'predicateType': 'q', 'keys': ['b', 'c'], 'threshold': 2},
             {'predicateType': 'r', 'keyless': {'issuer': 'https://i', 'identity': 'ci@example.com'}}]}
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
        (
            "ghcr.io/built/x",
            "requires an attestation p of the key a in place of a signature, an attestation q of 2 of the keys b, c, \
             an attestation r of ci@example.com (issuer https://i)",
        ),
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
            "{'images': [{'match': 'r.io/*', 'keys': ['a'], 'signedBy': 'attestation'}]}",
            &["1:60: entry `r.io/*`: `signedBy` names an attestation, and `attestations` requires none"],
        ),
        (
            "{'images': [{'match': 'r.io/*', 'keys': ['a'], 'signedBy': 'attestation',
              'attestations': [{'predicateType': 'p', 'keys': ['b']}]}]}",
            &["1:60: entry `r.io/*`: the first attestation counts as the signature"],
        ),
        (
            "{'images': [{'match': 'r.io/*', 'keys': ['a'], 'signedBy': 'key'}]}",
            &["1:60: `signedBy` takes \"signature\" or \"attestation\""],
        ),
        (
            "{'images': [{'match': 'r.io/*', 'keys': ['a'], 'attestations': [{'predicateType': 'p', 'keys': ['x']},
              {'predicateType': 'q', 'keys': ['b'], 'keyless': {'issuer': 'i', 'identity': 'j'}},
              {'predicateType': 'q', 'threshold': 1}, {'predicateType': 'q', 'keys': ['b'], 'threshold': 2}]}]}",
            &[
                "1:97: entry `r.io/*`: `x`: cannot be read",
                "2:46: entry `r.io/*`: `keyless` and `keys` exclude each other",
                "3:51: entry `r.io/*`: `threshold` counts keys",
                "3:106: entry `r.io/*`: `threshold` is a number from 1 to 1",
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
