use super::*;
use crate::config::{HelmLatest, RegistryTags};
use crate::filters::{MinimumAge, Newest};
use proptest::prelude::*;

/// Returns the problems of a configuration with one entry `x`, written with `'` for `"`.
fn problems(entry: &str) -> Vec<String> {
    let text = format!("{{'x': {entry}}}").replace('\'', "\"");
    let found = Config::parse(&text).err().unwrap_or_default();
    found
        .iter()
        .map(|problem| problem.message.clone())
        .collect()
}

/// Asserts that an entry has one problem, with this text in its message.
fn assert_one(entry: &str, part: &str) {
    let found = problems(entry);
    assert_eq!(found.len(), 1, "{entry}: {found:?}");
    assert!(found[0].contains(part), "{found:?}, not {part}");
}

/// Returns the source of the only entry, `x`.
fn source(entry: &str) -> Source {
    let text = format!("{{'x': {entry}}}").replace('\'', "\"");
    Config::parse(&text).unwrap().entries.remove(0).source
}

#[test]
fn unknown_key_is_reported_with_a_suggestion() {
    for (entry, problem) in [
        (
            "{'versionSource': 'registry', 'images': ['a'], 'versionFiltr': '^1'}",
            "entry `x`: unknown key `versionFiltr`; the nearest known key is `versionFilter`",
        ),
        (
            "{'versionSource': 'helm-oci', 'helmCharts': {'oci://a.b/c': {'devl': true}}}",
            "entry `x`, chart `oci://a.b/c`: unknown key `devl`; the nearest known key is `devel`",
        ),
        (
            "{'versionSource': 'helm-oci', 'helmCharts': {'oci://a.b/c': {'chartConfig': {'aws': {'value': []}}}}}",
            "entry `x`, chart `oci://a.b/c`, chartConfig `aws`: unknown key `value`; the nearest known key is `values`",
        ),
        (
            "{'versionSource': 'registry', 'images': [{'source': 'a', 'destination': 'b', 'dest': 'c'}]}",
            "entry `x`: unknown key `dest`; the nearest known key is `destination`",
        ),
        (
            "{'versionSource': 'helm-oci', 'devel': true, 'helmCharts': {'oci://a.b/c': {}}}",
            "entry `x`: `devel` does not belong here: it belongs at a chart in `helmCharts`",
        ),
        (
            "{'versionSource': 'helm-oci', 'helmCharts': {'oci://a.b/c': {'imageDenylist': ['a']}}}",
            "entry `x`, chart `oci://a.b/c`: `imageDenylist` does not belong here: it belongs at the entry",
        ),
        (
            "{'versionSource': 'helm-oci', 'helmCharts': {'oci://a.b/c': {'kubeVersion': '1.24'}}}",
            "entry `x`, chart `oci://a.b/c`: `kubeVersion` does not belong here: it belongs at one of a chart's `chartConfig`",
        ),
    ] {
        assert_eq!(problems(entry), [problem]);
    }
}

#[test]
fn value_of_the_wrong_type_is_reported() {
    let registry = |more: &str| format!("{{'versionSource': 'registry', 'images': ['a'], {more}}}");
    for (entry, problem) in [
        (
            registry("'latest': 'yes'"),
            "`latest` takes true, false or a whole number from 1 to 65535, not the string \"yes\"",
        ),
        (
            registry("'latest_entry': null"),
            "`latest_entry` takes true or false, not null",
        ),
        (
            registry("'versionFilter': 1"),
            "`versionFilter` takes a string, not the number 1",
        ),
        (registry("'versionFilter': ' '"), "`versionFilter` is empty"),
        (
            registry("'minimumAge': '7'"),
            "`minimumAge` takes a whole number from 0 to 65535, not the string \"7\"",
        ),
        (
            registry("'minimumAge': 1.5"),
            "`minimumAge` takes a whole number from 0 to 65535, not the number 1.5",
        ),
        (
            registry("'minimumAge': -1"),
            "`minimumAge` takes a whole number from 0 to 65535, not the number -1",
        ),
        (
            "{'versionSource': 'registry', 'images': 'a'}".to_owned(),
            "`images` takes a list, not the string \"a\"",
        ),
        (
            "{'versionSource': 'registry', 'images': [1]}".to_owned(),
            "`images` takes strings and objects {\"source\", \"destination\"}, not the number 1",
        ),
        (
            "'registry'".to_owned(),
            "`x` takes an object, not the string \"registry\"",
        ),
    ] {
        assert_one(&entry, &format!(": {problem}"));
    }
}

#[test]
fn value_of_the_wrong_type_in_a_chart_is_reported() {
    let helm = |more: &str| {
        format!("{{'versionSource': 'helm-directory:/c', 'helmCharts': {{'c': {more}}}}}")
    };
    for (entry, problem) in [
        (
            helm("{'devel': 1}"),
            "`devel` takes true or false, not the number 1",
        ),
        (
            helm("{'chartConfig': []}"),
            "`chartConfig` takes an object, not a list",
        ),
        (
            helm("{'chartConfig': {'a': {'kubeVersion': 1.30}}}"),
            "`kubeVersion` takes a string, not a number: write \"1.30\" (as a number 1.30 is 1.3)",
        ),
        (
            helm("{'chartConfig': {'a': {'values': 'b=c'}}}"),
            "`values` takes a list, not the string \"b=c\"",
        ),
    ] {
        assert_one(&entry, &format!(": {problem}"));
    }
}

#[test]
fn source_requires_and_rejects_keys() {
    for (entry, problem) in [
        ("{}", "`versionSource` is missing"),
        (
            "{'versionSource': 'registry'}",
            "`images` is missing: versionSource `registry` requires it",
        ),
        (
            "{'versionSource': 'registry', 'images': []}",
            "`images` is empty",
        ),
        ("{'versionSource': 'helm-oci'}", "`helmCharts` is missing"),
        (
            "{'versionSource': 'helm-oci', 'helmCharts': {}}",
            "`helmCharts` is empty",
        ),
        (
            "{'versionSource': 'github-tagged-images-file:a/b'}",
            "`imagesFilePath` is missing",
        ),
        (
            "{'versionSource': 'github-tagged-images-file:a/b', 'imagesFilePath': 'c', 'images': ['d']}",
            "versionSource `github-tagged-images-file` does not accept `images`; accepted by: github-releases,",
        ),
        (
            "{'versionSource': 'github-releases:a/b', 'images': ['d'], 'latest_entry': true}",
            "versionSource `github-releases` does not accept `latest_entry`; accepted by: registry",
        ),
        (
            "{'versionSource': 'git-tags:https://a/b', 'images': ['d'], 'minimumAge': 1}",
            "versionSource `git-tags` does not accept `minimumAge`; accepted by: github-releases,",
        ),
        (
            "{'versionSource': 'helm-latest:https://c', 'helmCharts': {'d': {}}, 'versionFilter': 'v1.4.*'}",
            "set it on a chart in `helmCharts`, as a range of chart versions",
        ),
        // helm ignores `--version` for a directory.
        (
            "{'versionSource': 'helm-directory:c', 'helmCharts': {'d': {'versionFilter': 'v1.4.*'}}}",
            "versionSource `helm-directory` does not accept `versionFilter`: a chart in a directory has one version",
        ),
        (
            "{'versionSource': 'helm-directory:c', 'helmCharts': {'d': {}}, 'additionalVersionFilter': ['1.*']}",
            "versionSource `helm-directory` does not accept `additionalVersionFilter`; accepted by: helm-latest, helm-oci",
        ),
    ] {
        assert_one(entry, problem);
    }
    let off = "{'versionSource': 'github-releases:a/b', 'images': ['d'], 'latest_entry': 'false'}";
    assert_eq!(
        problems(off),
        [""; 0],
        "every source accepts a filter that is off"
    );
}

#[test]
fn invalid_reviewers_and_labels_are_reported() {
    let registry = |more: &str| format!("{{'versionSource': 'registry', 'images': ['a'], {more}}}");
    for (entry, problem) in [
        (
            registry("'reviewers': ['a b']"),
            "`reviewers` takes names of users, and of teams",
        ),
        (registry("'reviewers': ['a/b/c']"), "not \"a/b/c\""),
        (
            registry("'labels': ['a,b']"),
            "`labels` takes names of at most 50 characters",
        ),
    ] {
        assert_one(&entry, problem);
    }
}

#[test]
fn invalid_value_is_reported() {
    let registry = |more: &str| format!("{{'versionSource': 'registry', 'images': ['a'], {more}}}");
    let source = |source: &str| format!("{{'versionSource': '{source}', 'images': ['a']}}");
    let charts = |source: &str, chart: &str| {
        format!("{{'versionSource': '{source}', 'helmCharts': {{'{chart}': {{}}}}}}")
    };
    for (entry, problem) in [
        (registry("'versionFilter': 'v(1'"), "`versionFilter`: `v(1` is not a regular expression (character 2)"),
        (registry("'versionFilter': '^(?!v)'"), "`versionFilter`: `^(?!v)` has a look-ahead"),
        (registry("'exclude': '*'"), "`exclude`: `*` is not a regular expression"),
        (registry("'versionConstraint': '=>1'"), "`versionConstraint`: `=>` is not a comparison"),
        (
            "{'versionSource': 'git-tags:https://a/b', 'images': ['d'], 'versionExtract': '^v'}".to_owned(),
            "`versionExtract`: `^v` has no capture group",
        ),
        (
            registry("'versionExtract': '^(v)(.*)$'"),
            "`versionExtract`: `^(v)(.*)$` has 2 capture groups: name one `version`",
        ),
        (
            registry("'versionExtract': '^v(.*)$', 'tagTemplate': '{1}-{2}'"),
            "`tagTemplate`: `{2}` is not a capture of `versionExtract`; available: `{0}`, `{1}`, `{name}`",
        ),
        (registry("'tagTemplate': 'latest'"), "`tagTemplate`: `latest` has no placeholder"),
        // One problem, not one for each placeholder too.
        (
            registry("'versionExtract': '^v(', 'tagTemplate': '{1}'"),
            "`versionExtract`: `^v(` is not a regular expression",
        ),
        (source("github-release:a/b"), "did you mean `github-releases`?"),
        (source("github-releases:a"), "`a` is not a GitHub project"),
        (source("gitlab-releases:a/b"), "`a/b` is not a GitLab project"),
        (source("git-tags:git@a.b:c"), "`a.b:c` is not a URL"),
        (charts("helm-latest:charts.example", "c"), "`charts.example` is not a URL"),
        (charts("helm-latest:oci://a.b", "c"), "scheme `oci`"),
        (charts("helm-oci", "c"), "its name begins with `oci://`"),
        (charts("helm-latest:https://a.b", "oci://a.b/c"), "its versionSource is `helm-oci`"),
        (
            "{'versionSource': 'registry', 'images': ['quay.io/a/b:v1']}".to_owned(),
            "`images`: `quay.io/a/b:v1` has a tag or a digest: write the repository alone, `quay.io/a/b`",
        ),
        (
            "{'versionSource': 'registry', 'images': [{'source': 'a', 'destination': 'b:1'}]}".to_owned(),
            "`images`, `destination`: `b:1` has a tag",
        ),
        (
            "{'versionSource': 'registry', 'images': [{'source': 'a'}]}".to_owned(),
            "`destination` is missing",
        ),
        (
            "{'versionSource': 'github-tagged-images-file:a/b', 'imagesFilePath': '../c'}".to_owned(),
            "`imagesFilePath`: `../c` is not a file path within a repository",
        ),
        (
            "{'versionSource': 'helm-oci', 'imageDenylist': ['a:1'], 'helmCharts': {'oci://a.b/c': {}}}".to_owned(),
            "`imageDenylist`: `a:1` has a tag",
        ),
    ] {
        assert_one(&entry, problem);
    }
}

#[test]
fn all_problems_are_reported_in_text_order() {
    let text = r#"{
  "a": {"versionSource": "github-releases:a", "images": ["x:1"], "latest": 0},
  "a": {"versionSource": "registry"},
  "b": {
    "images": [{"source": "y"}],
    "versionConstraint": ">=",
    "versionSource": "registri"
  }
}"#;
    let found = Config::parse(text).unwrap_err();
    let places: Vec<_> = found
        .iter()
        .map(|problem| (problem.line, problem.column))
        .collect();
    let expected = [
        (2, 26),
        (2, 58),
        (2, 76),
        (3, 3),
        (3, 26),
        (5, 16),
        (6, 26),
        (7, 22),
    ];
    assert_eq!(places, expected, "{found:#?}");
    assert_eq!(
        found[3].message,
        "duplicate entry `a`: already on line 2, column 3"
    );
}

#[test]
fn filters_reach_the_source() {
    let entry = "{'versionSource': 'registry', 'images': ['quay.io/a/b', {'source': 'c', 'destination': 'd/e'}],
        'versionFilter': '^v', 'versionConstraint': '>1', 'exclude': 'rc', 'minimumAge': 3, 'latest': 'true', 'latest_entry': false}";
    let Source::RegistryTags(RegistryTags { images, filters }) = source(entry) else {
        panic!("{entry}");
    };
    assert_eq!(images[0].source, "quay.io/a/b");
    assert_eq!(images[1].destination.as_deref(), Some("d/e"));
    assert_eq!(filters.pattern.unwrap().as_str(), "^v");
    assert_eq!(filters.constraint.unwrap().to_string(), ">1");
    assert_eq!(filters.exclude.unwrap().as_str(), "rc");
    assert_eq!(filters.minimum_age, Some(MinimumAge { days: 3 }));
    assert_eq!(filters.newest, Newest::HIGHEST);

    let both = "{'versionSource': 'registry', 'images': ['a'], 'latest': true, 'latest_entry': true, 'minimumAge': 0}";
    let Source::RegistryTags(RegistryTags { filters, .. }) = source(both) else {
        panic!("{both}");
    };
    assert_eq!(
        filters.newest,
        Newest::LAST_PUBLISHED,
        "`latest_entry` wins"
    );
    assert_eq!(filters.minimum_age, None);
}

#[test]
fn charts_reach_the_source() {
    let entry =
        "{'versionSource': 'helm-latest:https://a.b', 'additionalVersionFilter': ['v1.4.*'],
        'imageDenylist': ['docker.io/a/b', 'quay.io/c/d'], 'exclude': 'rc', 'helmCharts': {
        'z': {'chartConfig': {}}, 'y': {'devel': 'true', 'versionFilter': '~1', 'chartConfig': {
        'one': {'values': ['a=b', 'c={d,e}'], 'kubeVersion': '1.30'}, 'none': {'values': []}}}}}";
    let Source::HelmLatest(HelmLatest { repository, charts }) = source(entry) else {
        panic!("{entry}");
    };
    assert_eq!(repository.as_str(), "https://a.b/");
    assert_eq!(charts.additional_versions, ["v1.4.*"]);
    assert_eq!(charts.denylist, ["a/b", "quay.io/c/d"]);
    assert_eq!(charts.exclude.unwrap().as_str(), "rc");
    let [z, y] = charts.charts.as_slice() else {
        panic!("{:?}", charts.charts);
    };
    assert_eq!((z.name.as_str(), z.devel, z.configs.len()), ("z", false, 0));
    assert_eq!((y.devel, y.version.as_deref()), (true, Some("~1")));
    assert_eq!(y.configs[0].values, ["a=b", "c={d,e}"]);
    assert_eq!(y.configs[0].kube_version.as_deref(), Some("1.30"));
    assert_eq!(y.configs[1].name, "none");
    assert!(y.configs[1].values.is_empty());
}

#[test]
fn images_file_path_is_relative_to_the_root_of_the_repository() {
    let entry = "{'versionSource': 'github-tagged-images-file:a/b', 'imagesFilePath': '/c/d.txt', 'imageDenylist': ['index.docker.io/e/f']}";
    let Source::GithubTaggedImagesFile(file) = source(entry) else {
        panic!("{entry}");
    };
    assert_eq!(file.path, "c/d.txt");
    assert_eq!(file.denylist, ["e/f"]);
}

#[test]
fn schema_key_is_not_an_entry() {
    let entry =
        "'$schema': 'config.schema.json', 'e': {'versionSource': 'registry', 'images': ['a']}";
    let config = Config::parse(&format!("{{\n{entry}}}").replace('\'', "\"")).unwrap();
    let entries: Vec<_> = config
        .entries
        .iter()
        .map(|entry| (entry.name.as_str(), entry.line))
        .collect();
    assert_eq!(entries, [("e", 2)]);
}

proptest! {
    #[test]
    fn parser_never_panics(text in ".*") {
        let _ = Config::parse(&text);
    }

    #[test]
    fn parser_never_panics_on_any_value(
        key in "(versionSource|images|helmCharts|versionExtract|minimumAge|latest|x)",
        value in "(1e9|-0|true|null|\"[a-z:/@é(]{0,6}\"|\\[\"[a-z:@é]{0,3}\", \\{\\}\\]|\\{\"c\": \\{\"chartConfig\": (1|\\{\\})\\}\\})",
    ) {
        let _ = Config::parse(&format!("{{\"e\": {{\"{key}\": {value}}}}}"));
    }
}
