use std::num::NonZeroUsize;

use super::*;
use crate::candidate::Origin;
use crate::filters::pattern;

/// Parses candidates written as `NAME` or `NAME@DAY`, published at noon on that day of January 2026.
fn candidates(text: &str) -> Vec<Candidate> {
    let candidate = |text: &str| {
        let (name, day) = text.split_once('@').unwrap_or((text, ""));
        let time = format!("2026-01-{day}T12:00:00Z");
        let origin = Origin::Repository {
            repository: "example.com/app".to_owned(),
        };
        Candidate::new(name, time.parse().ok(), origin)
    };
    text.split(' ')
        .filter(|text| !text.is_empty())
        .map(candidate)
        .collect()
}

fn now() -> DateTime<Utc> {
    "2026-01-31T12:00:00Z".parse().unwrap()
}

fn tags(selection: &Selection) -> String {
    let tags: Vec<_> = selection
        .kept
        .iter()
        .map(|kept| kept.tag.as_str())
        .collect();
    tags.join(" ")
}

fn reasons(selection: &Selection) -> Vec<String> {
    let dropped = selection.dropped.iter();
    dropped
        .map(|dropped| format!("{}: {}", dropped.item, dropped.reason))
        .collect()
}

fn filters(extract: &str, exclude: &str, pattern: &str, constraint: &str) -> FilterSet {
    let regex = |text: &str| (!text.is_empty()).then(|| pattern::compile_pattern(text).unwrap());
    FilterSet {
        extract: (!extract.is_empty()).then(|| VersionExtractor::parse(extract, true).unwrap()),
        exclude: regex(exclude),
        pattern: regex(pattern),
        constraint: (!constraint.is_empty()).then(|| constraint.parse().unwrap()),
        ..FilterSet::default()
    }
}

#[test]
fn each_filter_drops_candidates() {
    for (filters, given, kept) in [
        (filters("", "", "", ""), "v1 latest 1.2", "v1 latest 1.2"),
        (filters("", "", "1", ""), "v1 latest 1.2", "v1 1.2"),
        (filters("", "-rc", "", ""), "v1 v1-rc1", "v1"),
        (filters("", "", "", ">1"), "v1 v2 latest v3", "v2 v3"),
        (filters("^v(.*)$", "", "", ""), "v1 2 v3", "1 3"),
        (filters("^v(.*)$", "v", "^1", "<1.5"), "v1.1 v1.6 v2", "1.1"),
        (filters("", "", "", ""), "v1 v1", "v1"),
        (filters("^v?(.*)$", "", "", ""), "v1 1 2", "1 2"),
    ] {
        let selection = filters.narrow(candidates(given));
        assert_eq!(tags(&selection), kept, "{filters:?}");
        assert_eq!(
            selection.kept.len() + selection.dropped.len(),
            candidates(given).len()
        );
    }
}

#[test]
fn every_dropped_candidate_has_a_reason() {
    let filters = filters("^r(.*)$", "b$", "^\\d", ">=1.4.0");
    let selection = filters.narrow(candidates("r1.5 x r1.5b rnine r1.3 r1.5.x r1.5"));
    assert_eq!(
        reasons(&selection),
        [
            "x: `versionExtract` \"^r(.*)$\" does not match",
            "r1.5b: `exclude` \"b$\" (version 1.5b)",
            "rnine: `versionFilter` \"^\\d\" (version nine)",
            "r1.3: `versionConstraint` \">=1.4.0\" (version 1.3)",
            "r1.5.x: `versionConstraint` \">=1.4.0\": not a comparable version (version 1.5.x)",
            "r1.5: same tag as r1.5: 1.5",
        ]
    );
}

#[test]
fn incomparable_names_are_counted() {
    let filters = filters("", "", "^[a-z0-9]", ">=24.04");
    let selection = filters.narrow(candidates("24.04 24.10 latest edge 1.2.3.4 main sha-1 -x"));
    assert_eq!(tags(&selection), "24.04 24.10");
    assert_eq!(
        selection.warnings,
        [
            "`versionConstraint` \">=24.04\" cannot compare 4 of the names that pass \
          `versionFilter` and `exclude`, and drops them: latest, edge, main and 1 more"
        ]
    );
}

#[test]
fn filters_that_leave_nothing_are_a_warning() {
    let warnings = |filters: &FilterSet, given: &str| filters.narrow(candidates(given)).warnings;
    let strict = filters("", "", "^x", "");
    assert_eq!(
        warnings(&strict, "1 2 3"),
        ["the filters drop all 3 versions: `versionFilter` \"^x\" drops 3, such as 1"]
    );
    let both = filters("", "-rc", "", "<1");
    assert_eq!(
        warnings(&both, "1 2 3-rc"),
        [
            "the filters drop all 3 versions: `versionConstraint` \"<1\" drops 2, such as 1; \
          `exclude` \"-rc\" drops 3-rc"
        ]
    );
    // The source announces the latest release alone, or nothing.
    assert!(warnings(&strict, "1").is_empty());
    assert!(warnings(&strict, "").is_empty());
}

#[test]
fn version_and_tag_are_parts_of_the_name() {
    let template = |pattern: &str, template: &str| {
        let filters = filters(pattern, "", "", "");
        let template = TagTemplate::parse(template, filters.extract.as_ref()).unwrap();
        TagForm::Template(template)
    };
    let main = "^main-[0-9a-f]+-(\\d+)$";
    let k3s = "^(v[0-9.]+)\\+(k3s\\d+)$";
    let autoscaler = "^cluster-autoscaler-(.*)$";
    for (pattern, tag, constraint, given, kept) in [
        // As announced by releases: the tag is the capture.
        ("^v(.*)$", TagForm::Version, "<2", "v1.9 v1.10 v2", "1.10"),
        // As in a registry: the tag is the name.
        (
            main,
            TagForm::Name,
            "",
            "main-f00-1700000009 main-a1b2c3-1700000010 latest",
            "main-a1b2c3-1700000010",
        ),
        (
            "^version-(.*)$",
            TagForm::Name,
            ">=5.10",
            "version-5.9.0 version-5.10.0",
            "version-5.10.0",
        ),
        ("^V(.*)$", TagForm::Name, "", "V1.9.0 V1.10.0", "V1.10.0"),
        (
            k3s,
            template(k3s, "{1}-{2}"),
            "<1.30",
            "v1.29.13+k3s1 v1.29.13+k3s2 v1.30.0+k3s1",
            "v1.29.13-k3s2",
        ),
        (
            autoscaler,
            template(autoscaler, "v{1}"),
            "",
            "cluster-autoscaler-1.9.0 cluster-autoscaler-1.30.0 chart-9.9.9",
            "v1.30.0",
        ),
        ("", template("", "v{name}"), "", "1.9 1.10", "v1.10"),
    ] {
        let filters = FilterSet {
            tag,
            newest: Newest::HIGHEST,
            ..filters(pattern, "", "", constraint)
        };
        let selection = filters.select(candidates(given), now()).unwrap();
        assert_eq!(tags(&selection), kept, "{pattern}");
    }
}

#[test]
fn latest_keeps_the_highest_version_that_passes() {
    let highest = |filters: FilterSet| FilterSet {
        newest: Newest::HIGHEST,
        ..filters
    };
    for (pattern, given, kept) in [
        ("", "3.9 3.10 3.2", "3.10"),
        ("", "1.2.0 1.2", "1.2.0"),
        ("", "v1.2 1.1", "v1.2"),
        ("", "1.2.0-rc1 1.1 1.2.0", "1.2.0"),
        ("^3\\.9", "3.9 3.10", "3.9"),
        ("", "1.0 v1.0", "1.0"),
    ] {
        let selection = highest(filters("", "", pattern, "")).select(candidates(given), now());
        assert_eq!(tags(&selection.unwrap()), kept, "{given}");
    }
    let given = candidates("latest edge 1.1 main stable 1.2");
    let selection = highest(filters("", "", "", ""))
        .select(given, now())
        .unwrap();
    assert_eq!(tags(&selection), "1.2");
    assert_eq!(
        selection.warnings,
        ["dropped latest, edge, main and 1 more: `latest`: not a comparable version"]
    );
    assert_eq!(
        reasons(&selection)[1..3],
        [
            "edge: `latest`: not a comparable version",
            "1.1: `latest`: 1.2 is higher"
        ]
    );
}

#[test]
fn latest_entry_keeps_the_last_published_version_that_passes() {
    let filters = FilterSet {
        newest: Newest::LAST_PUBLISHED,
        ..filters("", "", "^[^x]", "")
    };
    let selection = filters
        .select(candidates("a@03 9 b@20 x@30 1.0@20"), now())
        .unwrap();
    assert_eq!(
        tags(&selection),
        "1.0",
        "on the same day, the higher version wins"
    );
    assert_eq!(
        selection.warnings,
        ["dropped 9: `latest_entry`: unknown publication time"]
    );
    assert_eq!(
        reasons(&selection)[1],
        "a: `latest_entry`: 1.0 was published last, 2026-01-20T12:00:00Z"
    );
}

#[test]
fn minimum_age_applies_before_the_choice() {
    let filters = |newest| FilterSet {
        minimum_age: Some(MinimumAge { days: 7 }),
        newest,
        ..FilterSet::default()
    };
    for (newest, given, kept) in [
        (Newest::All, "1@20 2@24 3@25 4", "1 2"),
        (Newest::HIGHEST, "1@20 2@24 3@25 4", "2"),
        (Newest::LAST_PUBLISHED, "5@20 2@24 3@25 4", "2"),
        (Newest::HIGHEST, "3@25", ""),
        (Newest::LAST_PUBLISHED, "3@25", ""),
    ] {
        let selection = filters(newest).select(candidates(given), now()).unwrap();
        assert_eq!(tags(&selection), kept, "{newest:?} of {given}");
    }
    let selection = filters(Newest::All)
        .select(candidates("3@25 4"), now())
        .unwrap();
    assert_eq!(
        reasons(&selection),
        [
            "3: `minimumAge` 7: published 2026-01-25T12:00:00Z",
            "4: `minimumAge` 7: unknown publication time",
        ]
    );
    assert_eq!(
        selection.warnings,
        ["dropped 4: `minimumAge` 7: unknown publication time"]
    );
}

#[test]
fn choice_among_no_versions_is_an_error() {
    for (newest, given, message) in [
        (
            Newest::HIGHEST,
            "",
            "`latest` has nothing to choose from: there are no versions",
        ),
        (
            Newest::HIGHEST,
            "x1 x2",
            "the other filters drop all 2 versions; `versionFilter` \"^[^x]\" drops x1",
        ),
        (
            Newest::HIGHEST,
            "a x b",
            "none of the 2 tags that pass the filters is a comparable version, such as a",
        ),
        (
            Newest::LAST_PUBLISHED,
            "x1",
            "`latest_entry` has nothing to choose from: the other filters drop all 1 versions",
        ),
        (
            Newest::LAST_PUBLISHED,
            "1 2",
            "none of the 2 tags that pass the filters has a known publication time, such as 1",
        ),
    ] {
        let filters = FilterSet {
            newest,
            ..filters("", "", "^[^x]", "")
        };
        let error = filters
            .select(candidates(given), now())
            .unwrap_err()
            .to_string();
        assert!(error.contains(message), "{given}: {error}");
    }
    let all = filters("", "", "^[^x]", "")
        .select(candidates("x1"), now())
        .unwrap();
    assert_eq!(tags(&all), "", "without `latest`, an empty result is valid");
}

#[test]
fn only_minimum_age_and_latest_entry_need_times() {
    for (minimum_age, newest, needed) in [
        (None, Newest::All, false),
        (None, Newest::HIGHEST, false),
        (None, Newest::LAST_PUBLISHED, true),
        (Some(MinimumAge { days: 1 }), Newest::All, true),
    ] {
        let filters = FilterSet {
            minimum_age,
            newest,
            ..FilterSet::default()
        };
        assert_eq!(filters.needs_times(), needed, "{filters:?}");
    }
}

#[test]
fn several_newest_versions_are_kept_by_version_or_time() {
    let two = NonZeroUsize::new(2).unwrap();
    let by_time = Newest::LastPublished {
        count: two,
        filter: "latest",
    };
    for (newest, given, kept, lower) in [
        (
            Newest::Highest(two),
            "3.9 3.10 edge 3.2 3.11",
            "3.10 3.11",
            "3.9: `latest` 2: 3.10 and others are higher",
        ),
        (Newest::Highest(two), "2", "2", ""),
        (
            by_time,
            "9@03 1@20 3@10 2@20",
            "1 2",
            "9: `latest` 2: 1 and others were published later, 2026-01-20T12:00:00Z",
        ),
    ] {
        let filters = FilterSet {
            newest,
            ..FilterSet::default()
        };
        let selection = filters.select(candidates(given), now()).unwrap();
        assert_eq!(tags(&selection), kept, "{given}");
        let reason = reasons(&selection).into_iter().next().unwrap_or_default();
        assert_eq!(reason, lower, "{given}");
    }
}
