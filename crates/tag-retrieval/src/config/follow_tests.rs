//! Tests of `follow`, and of the numbers in `latest`.

use std::num::{NonZeroU16, NonZeroUsize};

use super::{Config, Source};
use crate::filters::Newest;

#[test]
fn latest_is_a_number_of_versions_by_version_or_time() {
    let newest = |keys: &str| {
        let text =
            format!(r#"{{"x": {{"versionSource": "registry", "images": ["a/b"], {keys}}}}}"#);
        let config = Config::parse(&text).unwrap();
        match &config.entries[0].source {
            Source::RegistryTags(registry) => registry.filters.newest,
            other => panic!("{other:?}"),
        }
    };
    let three = NonZeroUsize::new(3).unwrap();
    let filter = "latest";
    for (keys, want) in [
        (r#""latest": true"#, Newest::HIGHEST),
        (r#""latest": 3"#, Newest::Highest(three)),
        (
            r#""latest": 3, "latestBy": "version""#,
            Newest::Highest(three),
        ),
        (
            r#""latest": 3, "latestBy": "pushed""#,
            Newest::LastPublished {
                count: three,
                filter,
            },
        ),
        (r#""latest": "false""#, Newest::All),
    ] {
        assert_eq!(newest(keys), want, "{keys}");
    }
}

const WITH: &str = r#"[{"source": "a/b", "destination": "r.io/b"}]"#;

/// Returns a configuration with an entry `x` that has these images and more keys.
fn entry(keys: &str, images: &str) -> String {
    format!(r#"{{"x": {{"versionSource": "registry", "images": {images}, {keys}}}}}"#)
}

#[test]
fn keys_that_do_not_fit_a_followed_entry_are_problems() {
    for (keys, images, problem) in [
        (
            r#""follow": true"#,
            r#"["a/b"]"#,
            "`images`: a followed entry names the destination",
        ),
        (r#""maximum": 5"#, WITH, "`maximum` is for followed entries"),
        (
            r#""follow": "false", "maximum": 5"#,
            WITH,
            "`maximum` is for followed entries",
        ),
        (
            r#""follow": true, "maximum": 0"#,
            WITH,
            "`maximum` takes a whole number from 1",
        ),
        (
            r#""follow": true, "labels": ["a"]"#,
            WITH,
            "`labels` has no effect",
        ),
        (
            r#""latest": 0"#,
            WITH,
            "`latest` takes true, false or a whole number from 1",
        ),
        (
            r#""latestBy": "pushed""#,
            WITH,
            "`latestBy` has no effect without `latest`",
        ),
        (
            r#""latest": 1, "latestBy": "name""#,
            WITH,
            "`latestBy` takes \"version\" or \"pushed\"",
        ),
        (
            r#""latest_entry": true, "latestBy": "pushed""#,
            WITH,
            "exclude each other",
        ),
    ] {
        let problems = Config::parse(&entry(keys, images)).unwrap_err();
        assert_eq!(problems.len(), 1, "{keys}: {problems:#?}");
        assert!(
            problems[0].message.contains(problem),
            "{keys}: {}",
            problems[0]
        );
    }
}

#[test]
fn name_and_source_of_a_followed_entry_are_checked() {
    let named = entry(r#""follow": true"#, WITH).replace("\"x\"", "\"x y\"");
    let problems = Config::parse(&named).unwrap_err();
    assert!(
        problems[0]
            .message
            .contains("use a name without whitespace"),
        "{}",
        problems[0]
    );
    let charts = r#"{"x": {"versionSource": "helm-oci", "follow": true, "helmCharts": {"oci://r.io/a": {}}}}"#;
    let problems = Config::parse(charts).unwrap_err();
    let want = "does not accept `follow`; accepted by: github-releases, github-latest-release, \
                gitlab-releases, git-tags, registry";
    assert!(problems[0].message.contains(want), "{}", problems[0]);
    let config = Config::parse(&entry(r#""follow": true, "maximum": 9"#, WITH));
    let follow = config.unwrap().entries[0].follow.unwrap();
    assert_eq!(follow.maximum.map(NonZeroU16::get), Some(9));
}

#[test]
fn destination_may_name_targets() {
    let with = |destination: &str, keys: &str| {
        let images = format!(r#"[{{"source": "a/b", "destination": "{destination}"}}]"#);
        let problems = Config::parse(&entry(keys, &images)).err();
        let first = problems.and_then(|problems| problems.into_iter().next());
        first.map(|problem| problem.message).unwrap_or_default()
    };
    let follow = r#""follow": true"#;
    for valid in ["@all/b", "@hub,prime/x/b", "r.io/b"] {
        assert_eq!(with(valid, follow), "");
        assert_eq!(with(valid, r#""latest": true"#), "");
    }
    for invalid in ["@all", "@/b", "@all/", "@all/b c", "@all/b\\nq.io/x r.io/x"] {
        let found = with(invalid, follow);
        assert!(
            found.contains("does not name targets"),
            "{invalid}: {found}"
        );
    }
}
