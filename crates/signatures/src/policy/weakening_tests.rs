//! Tests of the comparison of policies.

use super::*;
use crate::policy::test_keys::policy;

const BASE: &str = "{'images': [
  {'match': 'r.io/secure/*', 'keys': ['a', 'b'], 'threshold': 2, 'attestations': [{'predicateType': 'p'}]},
  {'match': 'ghcr.io/*', 'keyless': {'issuer': 'i', 'identityRegexp': '^https://g/org/'}, 'minimumAge': 2},
  {'match': 'r.io/*', 'accept': 'unsigned'}
]}";

/// Returns the findings of a changed policy as `BEFORE -> NOW: DIFFERENCES`.
fn findings(now: &str) -> Vec<String> {
    let (before, now) = (policy(BASE), policy(now));
    let found = weakened(&before, &now).into_iter();
    found
        .map(|it| format!("{} -> {}: {}", it.before, it.now, it.differences.join("; ")))
        .collect()
}

#[test]
fn unchanged_and_stronger_policies_have_no_findings() {
    for (from, to) in [
        ("", ""),
        ("'threshold': 2", "'threshold': 2, 'minimumAge': 3"),
        ("'minimumAge': 2", "'minimumAge': 5"),
        (
            "'keys': ['a', 'b'], 'threshold': 2",
            "'keys': ['b', 'a', 'c'], 'threshold': 3",
        ),
        (
            "'identityRegexp': '^https://g/org/'",
            "'identity': 'https://g/org/repo'",
        ),
        ("'accept': 'unsigned'", "'reject': true"),
        ("'match': 'ghcr.io/*'", "'match': 'ghcr.io/org/*'"),
        (
            "{'predicateType': 'p'}",
            "{'predicateType': 'p'}, {'predicateType': 'q'}",
        ),
        // A new entry before others that asks for more.
        (
            "{'images': [",
            "{'images': [{'match': 'r.io/a', 'keys': ['a']},",
        ),
    ] {
        let now = BASE.replace(from, to);
        assert_eq!(findings(&now), [] as [String; 0], "{to}");
    }
}

/// Changes of the base, each with the beginning of a finding.
const WEAKER: &[(&str, &str, &str)] = &[
    (
        "'threshold': 2",
        "'threshold': 1",
        "`r.io/secure/*` -> `r.io/secure/*`: the signer is 1 of the keys a, b, it was 2 of the keys a, b",
    ),
    (
        "['a', 'b']",
        "['a', 'c']",
        "`r.io/secure/*` -> `r.io/secure/*`: the signer is",
    ),
    (
        "['a', 'b']",
        "['a', 'b', 'c']",
        "`r.io/secure/*` -> `r.io/secure/*`: the signer is 2 of the keys a, b, c",
    ),
    (
        ", 'attestations': [{'predicateType': 'p'}]",
        "",
        "`r.io/secure/*` -> `r.io/secure/*`: the attestation p is not required",
    ),
    (
        "{'predicateType': 'p'}",
        "{'predicateType': 'p', 'keys': ['c']}",
        "`r.io/secure/*` -> `r.io/secure/*`: of the attestation p the signer is the key c",
    ),
    (
        ", 'attestations'",
        ", 'signedBy': 'attestation', 'attestations'",
        "`r.io/secure/*` -> `r.io/secure/*`: an attestation counts as the signature",
    ),
    (
        "'minimumAge': 2",
        "'minimumAge': 1",
        "`ghcr.io/*` -> `ghcr.io/*`: `minimumAge` is 1 day, it was 2 days",
    ),
    (
        "'issuer': 'i'",
        "'issuer': 'other'",
        "`ghcr.io/*` -> `ghcr.io/*`: the signer is",
    ),
    (
        "^https://g/org/",
        "^https://g/",
        "`ghcr.io/*` -> `ghcr.io/*`: the signer is",
    ),
    (
        "'match': 'ghcr.io/*'",
        "'match': 'g*.io/*'",
        "`default` -> `g*.io/*`: it was rejected, now `g*.io/*` requires",
    ),
    // An entry before another one takes its images.
    (
        "{'images': [",
        "{'images': [{'match': '*/secure/x', 'accept': 'unsigned'},",
        "`r.io/secure/*` -> `*/secure/x`: `*/secure/x` accepts it without",
    ),
];

#[test]
fn every_weakened_requirement_is_a_finding() {
    for (from, to, want) in WEAKER {
        let now = BASE.replace(from, to);
        let found = findings(&now);
        {
            assert!(
                found.iter().any(|found| found.starts_with(want)),
                "{to}: {found:#?}"
            );
        }
    }
    let now = BASE.replace("unsigned'}\n]}", "unsigned'}\n], 'default': 'unsigned'}");
    assert_eq!(
        findings(&now),
        ["`default` -> `default`: it was rejected, now `default` accepts without a signature"]
    );
    // Without its entry, an image falls to the next one.
    let now = BASE.replace("  {'match': 'r.io/secure/*', 'keys': ['a', 'b'], 'threshold': 2, 'attestations': [{'predicateType': 'p'}]},\n", "");
    assert_eq!(
        findings(&now),
        ["`r.io/secure/*` -> `r.io/*`: `r.io/*` accepts it without a signature"]
    );
}

#[test]
fn patterns_with_and_without_tag_are_compared() {
    const KEYS: &str = "'keys': ['a']";
    const UNSIGNED: &str = "'accept': 'unsigned'";
    for (base, first) in [
        ("q.io/a", "q.io/a:9"),
        ("q.io/a:9", "q.io/a"),
        ("q.io/a", "*:9"),
        ("q.io/{a,b}", "q.io/b:*"),
    ] {
        let base_entry = format!("{{'match': '{base}', {KEYS}}}");
        let before = policy(&format!("{{'images': [{base_entry}]}}"));
        let now = format!("{{'images': [{{'match': '{first}', {UNSIGNED}}}, {base_entry}]}}");
        let now = policy(&now);
        let found = weakened(&before, &now);
        let want = format!("`{base}` -> `{first}`");
        let is_found = |it: &Weakening<'_>| format!("{} -> {}", it.before, it.now) == want;
        assert!(found.iter().any(is_found), "{want}: {found:#?}");
        assert!(weakened(&now, &now).is_empty(), "{want}");
    }
}

/// A rule for one tag decides about images that are named by their digest.
#[test]
fn images_without_a_tag_are_compared() {
    const BASE: [&str; 2] = [
        "{'match': 'q.io/a:x', 'keys': ['b']}",
        "{'match': 'q.io/*', 'keys': ['a']}",
    ];
    let of = |entries: &[&str]| policy(&format!("{{'images': [{}]}}", entries.join(", ")));
    let y = |with| format!("{{'match': 'q.io/{with}', 'keys': ['a']}}");
    let accepted = "{'match': 'q.io/a:y', 'accept': 'unsigned'}";
    let before = of(&BASE);
    for (first, is_found) in [
        (y("a:y"), true),
        (y("*:y"), true),
        (y("b:y"), false),
        (
            y("a:y").replace("['a']", "['a', 'b'], 'threshold': 2"),
            false,
        ),
    ] {
        let now = of(&[&first, BASE[0], BASE[1]]);
        let found = weakened(&before, &now);
        let found = found
            .iter()
            .find(|it| it.before.to_string() == "`q.io/a:x`");
        assert_eq!(found.is_some(), is_found, "{first}: {found:#?}");
        if let Some(found) = found {
            let differences = found.differences.concat();
            let want = "the signer is the key a, it was the key b";
            assert!(differences.ends_with(want), "{first}: {differences}");
        }
        assert!(weakened(&now, &now).is_empty());
    }
    // A port is no tag.
    let port = |path| format!("{{'match': 'q.io:80/{path}', 'keys': ['a']}}");
    let (before, now) = (of(&[&port("b:x")]), of(&[&port("c:y"), &port("b:x")]));
    let found = weakened(&before, &now).into_iter();
    let found: Vec<String> = found.map(|it| it.before.to_string()).collect();
    assert_eq!(found, ["`default`"]);
    let before = of(&BASE);
    // It accepts only what has that tag.
    let now = of(&[accepted, BASE[0], BASE[1]]);
    let found = weakened(&before, &now);
    let of_x = found
        .iter()
        .find(|it| it.before.to_string() == "`q.io/a:x`");
    assert!(of_x.is_none(), "{of_x:#?}");
    assert_eq!(found.len(), 1, "{found:#?}");
}

#[test]
fn attestation_in_the_place_of_a_signature_is_weaker() {
    let (before, mut now) = (policy(BASE), policy(BASE));
    let Decision::Signed(requirements) = &mut now.rules[0].decision else {
        unreachable!("{now:#?}");
    };
    requirements[0].signed_by = SignedBy::Attestation;
    let found = weakened(&before, &now);
    let want = "an attestation counts as the signature";
    assert_eq!(found[0].differences, [want], "{found:#?}");
}

#[test]
fn rule_without_requirements_is_weaker_than_one() {
    let (before, mut now) = (policy(BASE), policy(BASE));
    now.rules[0].decision = Decision::Signed(Vec::new());
    let found = weakened(&before, &now);
    assert_eq!(
        found[0].differences,
        ["`r.io/secure/*` requires nothing"],
        "{found:#?}"
    );
}
