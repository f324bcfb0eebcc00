//! Tests of patterns for sources.

use super::*;

fn pattern(text: &str) -> SourcePattern {
    text.parse().unwrap()
}

#[test]
fn patterns_match_full_names_with_or_without_tag() {
    for (text, name, tag, matches) in [
        ("*", "busybox", None, true),
        ("docker.io/library/*", "busybox", None, true),
        ("docker.io/library/busybox", "busybox", Some("1"), true),
        ("docker.io/library/busybox:1", "busybox", Some("1"), true),
        ("docker.io/library/busybox:1", "busybox", Some("1.2"), false),
        ("docker.io/library/busybox:1", "busybox", None, false),
        ("*:latest", "quay.io/a/b", Some("latest"), true),
        ("quay.io/{a,c}/?", "quay.io/c/d", None, true),
        ("quay.io/a", "quay.io/a/b", None, false),
        ("quay.io/a/*", "evil.io/quay.io/a/b", None, false),
        ("quay.io/a*", "quay.io/abc", None, true),
        // Another form of the host is the same registry.
        ("quay.io/a/*", "quay.io:443/a/b", None, true),
        ("quay.io/a/*", "QUAY.IO:0443/a/b", None, true),
        (
            "docker.io/library/*",
            "index.docker.io:443/library/a",
            None,
            true,
        ),
        ("quay.io/a/*", "quay.io:80/a/b", None, false),
    ] {
        let tag = tag.map(|tag| tag.parse().unwrap());
        let found = pattern(text).matches(&name.parse().unwrap(), tag.as_ref());
        assert_eq!(found, matches, "{text} {name} {tag:?}");
    }
}

#[test]
fn patterns_match_names_with_some_tag() {
    for (text, matches) in [
        ("quay.io/a:*", true),
        ("quay.io/{a,b}:1", true),
        ("*:latest", true),
        ("quay.io/?:??", true),
        ("quay.io/b:1", false),
        ("quay.io/a/*", false),
        ("quay.io/a", false),
    ] {
        let found = pattern(text).matches_some_tag(&"quay.io/a".parse().unwrap());
        assert_eq!(found, matches, "{text}");
    }
    for (scope, matches) in [
        ("quay.io/a:1", true),
        ("quay.io/b:1", false),
        ("*.com", false),
    ] {
        let found = SourcePattern::for_scope(scope);
        let found = found.matches_some_tag(&"quay.io/a".parse().unwrap());
        assert_eq!(found, matches, "{scope}");
    }
}

#[test]
fn scopes_match_whole_components() {
    for (scope, name, tag, matches) in [
        ("", "busybox", None, true),
        ("docker.io/library/busybox", "busybox", Some("1"), true),
        ("docker.io/library/busybox:1", "busybox", Some("1"), true),
        ("docker.io/library/busybox:1", "busybox", Some("2"), false),
        ("quay.io/org", "quay.io/org/a", None, true),
        ("quay.io/org", "quay.io/organization/a", None, false),
        ("quay.io", "quay.io/a", None, true),
        ("quay.io:443/a", "quay.io/a", None, true),
        ("quay.io", "quay.io:443/a", None, true),
        ("*.example.com", "a.b.example.com/x", None, true),
        ("*.example.com", "example.com/x", None, false),
        ("*.example.com", "evil.io/a.example.com/x", None, false),
    ] {
        let tag = tag.map(|tag| tag.parse().unwrap());
        let found = SourcePattern::for_scope(scope).matches(&name.parse().unwrap(), tag.as_ref());
        assert_eq!(found, matches, "{scope} {name} {tag:?}");
    }
}

#[test]
fn patterns_that_match_no_full_name_are_refused() {
    for (text, want) in [
        ("busybox", "write `docker.io/library/busybox`"),
        ("library/*", "write `docker.io/library/*`"),
        ("docker.io/busybox", "write `docker.io/library/busybox`"),
        ("index.docker.io/org/*", "write `docker.io/org/*`"),
        ("quay.io:443/a", "write `quay.io/a`"),
        ("quay.io/[ab]", "`[` is not supported"),
        ("quay.io/{a", "is not a pattern"),
        ("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", "more than 64 texts"),
    ] {
        let error = text.parse::<SourcePattern>().unwrap_err().to_string();
        assert!(error.contains(want), "{text}: {error}");
    }
}

#[test]
fn names_are_the_part_before_a_tag() {
    for (text, want) in [
        ("quay.io/a:1*", Some("quay.io/a")),
        ("quay.io:80/a", Some("quay.io:80/a")),
        ("quay.io:80/a:*", Some("quay.io:80/a")),
        ("quay.io/*", Some("quay.io/*")),
        ("*:1", Some("*")),
        ("*", Some("*")),
        ("quay.io/*a", None),
        ("quay.io/a??", None),
        ("host:5000*", None),
    ] {
        let tokens_of = tokens(text);
        let want = want.map(tokens);
        assert_eq!(name_of(&tokens_of), want.as_deref(), "{text}");
    }
}

#[test]
fn overlaps_and_covers_compare_what_patterns_match() {
    // one, other, an image that both match exists, one matches all that other matches
    for (one, other, overlaps, covers) in [
        ("*", "quay.io/a", true, true),
        ("quay.io/*", "quay.io/a/*", true, true),
        ("quay.io/a/*", "quay.io/*", true, false),
        ("quay.io/*", "ghcr.io/*", false, false),
        ("*/evil", "quay.io/*", true, false),
        ("quay.io/{a,b}/*", "quay.io/b/*", true, true),
        ("quay.io/{a,b}/*", "quay.io/{b,c}/*", true, false),
        ("quay.io/?", "quay.io/a", true, true),
        ("quay.io/?", "quay.io/*", true, false),
        ("quay.io/?", "quay.io/ab", false, false),
        ("quay.io/a*c", "quay.io/ab*bc", true, true),
        ("quay.io/a", "quay.io/a", true, true),
        ("quay.io/*a", "quay.io/a*", true, false),
        ("quay.io/a", "quay.io/a:9", true, false),
        ("quay.io/{a,b}", "quay.io/b:9*", true, false),
        ("quay.io/a", "quay.io/ab:9", false, false),
        ("quay.io:80/a", "quay.io/a", false, false),
    ] {
        let (one, other) = (pattern(one), pattern(other));
        assert_eq!(one.overlaps(&other), overlaps, "{one} {other}");
        assert_eq!(other.overlaps(&one), overlaps, "{other} {one}");
        assert_eq!(one.covers(&other), covers, "{one} {other}");
    }
}
