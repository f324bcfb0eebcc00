use std::num::NonZeroU16;

use super::*;
use crate::targets_file::RepositoryCreation;

const FULL: &str = r#"{
  "$schema": "targets.schema.json",
  "targets": {
    "hub":   {"prefix": "docker.io/rancher", "jobs": 16, "description": true},
    "prime": {"prefix": "registry.example.com/rancher", "create": "push", "requestsPerSecond": 0.5},
    "ecr":   {"prefix": "1.dkr.ecr.eu-central-1.amazonaws.com/rancher", "create": "ecr",
              "platforms": ["linux/amd64", "linux/arm64/v8"], "referrers": false,
              "description": "From {source}"}
  },
  "groups": {"all": ["hub", "prime", "ecr"], "public": ["ecr", "hub"]},
  "default": ["public", "prime"],
  "naming": [
    {"match": "dp.apps.example.io/*", "name": "appco-{name}"},
    {"match": "quay.io/*", "name": "mirrored-{org}-{name}"}
  ]
}"#;

fn problems(text: &str) -> Vec<String> {
    let found = Targets::parse(text).err().unwrap_or_default();
    let line = |problem: &JsonProblem| format!("{}:{}: {problem}", problem.line, problem.column);
    found.iter().map(line).collect()
}

#[test]
fn every_key_is_read() {
    let targets = Targets::parse(FULL).unwrap();
    let [hub, prime, ecr] = targets.all() else {
        panic!("{targets:?}");
    };
    assert_eq!((hub.name.as_str(), hub.line), ("hub", 4));
    assert_eq!(hub.jobs.map(NonZeroU16::get), Some(16));
    assert_eq!(hub.description, Some(DescriptionTemplate::default()));
    assert_eq!(hub.create, RepositoryCreation::No);
    assert_eq!(hub.referrers, None);
    assert_eq!(prime.create, RepositoryCreation::Push);
    let interval = prime.requests_per_second.map(RequestRate::interval_micros);
    assert_eq!(interval, Some(2_000_000));
    assert_eq!(ecr.create, RepositoryCreation::Ecr);
    assert_eq!(
        ecr.platforms.as_deref(),
        Some(&["linux/amd64".to_owned(), "linux/arm64/v8".to_owned()][..])
    );
    assert_eq!(ecr.referrers, Some(false));
    let description = ecr.description.as_ref().unwrap();
    assert_eq!(
        description.render(&"busybox".parse().unwrap()),
        "From docker.io/library/busybox"
    );
    let groups = targets.groups().iter();
    let groups: Vec<_> = groups
        .map(|(name, targets)| (name.as_str(), targets.len()))
        .collect();
    assert_eq!(groups, [("all", 3), ("public", 2)]);
}

#[test]
fn destinations_expand_to_each_target_once_in_written_order() {
    let targets = Targets::parse(FULL).unwrap();
    for (destination, want) in [
        ("@all/a", "hub prime ecr"),
        ("@public/a", "ecr hub"),
        ("@prime,all/a/b", "prime hub ecr"),
        ("@ecr/a", "ecr"),
    ] {
        let written = targets.expand(&destination.parse().unwrap()).unwrap();
        let names = written.iter().filter_map(|written| written.target.as_ref());
        let names: Vec<_> = names.map(|target| target.name.as_str()).collect();
        assert_eq!(names.join(" "), want, "{destination}");
    }
    let repository = "quay.io/a/b".parse().unwrap();
    let written = targets.expand(&repository).unwrap();
    assert_eq!(written[0].repository.full(), "quay.io/a/b");
    assert_eq!(written[0].target, None);
    let long = format!("@all/{}", "a".repeat(250));
    let errors = targets.expand(&long.parse().unwrap()).unwrap_err();
    assert_eq!(errors.len(), 3, "{errors:?}");
}

#[test]
fn new_destinations_have_the_default_targets_and_the_name_of_the_first_rule() {
    let targets = Targets::parse(FULL).unwrap();
    for (source, want) in [
        ("dp.apps.example.io/charts/etcd", "@public,prime/appco-etcd"),
        ("quay.io/coreos/etcd", "@public,prime/mirrored-coreos-etcd"),
        // No rule matches.
        ("busybox", "@public,prime/mirrored-library-busybox"),
    ] {
        let new = targets.new_destination(&source.parse().unwrap()).unwrap();
        assert_eq!(new.unwrap().to_string(), want);
    }
    let none = Targets::parse(r#"{"targets": {"a": {"prefix": "a.io"}}}"#).unwrap();
    assert_eq!(none.new_destination(&"a/b".parse().unwrap()), Ok(None));
}

#[test]
fn all_problems_are_reported_with_their_positions() {
    let text = r#"{
  "target": {},
  "targets": {
    "hub": {"prefix": "rancher", "jobs": 0, "create": "yes", "descripton": true},
    "Bad name": {"prefix": "a.io", "jobs": "4"},
    "a": {"prefix": "a.io", "requestsPerSecond": 0, "platforms": ["arm64", "linux/arm"]},
    "b": {"prefix": "a.io", "description": "{sorce}", "referrers": null},
    "c": {}
  },
  "groups": {"all": ["hub", "d", "a", "a"], "b": ["a"], "none": []},
  "default": ["al"],
  "naming": [{"match": "{a", "name": "{name}"}, {"match": "*", "name": "X"}, {"name": "x", "prefix": 1}]
}"#;
    let want = [
        "2:3: unknown key `target`; the nearest known key is `targets`",
        "4:23: target `hub`: `prefix`: `rancher` is not a host: write HOST/PATH, such as `docker.io/rancher`",
        "4:42: target `hub`: `jobs` takes a whole number from 1 to 1024, not the number 0",
        "4:55: target `hub`: `create` takes one of \"no\", \"push\", \"ecr\", \"harbor\", \"gitlab\", \"quay\", not the string \"yes\"",
        "4:62: target `hub`: unknown key `descripton`; the nearest known key is `description`",
        "5:5: target `Bad name`: `Bad name` is not the name of a target: ",
        "5:44: target `Bad name`: `jobs` takes a whole number from 1 to 1024, not the string \"4\"",
        "6:50: target `a`: `requestsPerSecond` is a number from 0.01 to 10000, not 0",
        "7:5: the targets `a` and `b` have the same prefix `a.io`: remove one of them",
        "7:44: target `b`: `description`: unknown placeholder `{sorce}`: ",
        "7:68: target `b`: `referrers` takes true or false, not null",
        "8:10: target `c`: `prefix` is missing",
        "10:29: group `all`: `d` is not a target; the nearest name is ",
        "10:39: group `all`: `a` is named twice",
        "10:45: group `b`: a target has this name too: rename one of them",
        "10:65: group `none`: `none` is empty: it needs at least one item",
        "11:15: `default`: `al` is not a target or group; the nearest name is `all`",
        "12:24: `naming`: `{a` is not a pattern: ",
        "12:72: `naming`: the name `X` is not a repository: ",
        "12:78: `match` is missing",
        "12:92: unknown key `prefix`",
    ];
    let found = problems(text);
    for (found, want) in found.iter().zip(want) {
        assert!(found.starts_with(want), "{found}\nnot {want}");
    }
    assert_eq!(found.len(), want.len(), "{found:#?}");
}

#[test]
fn other_documents_are_refused() {
    for (text, problem) in [
        (
            "[]",
            "1:1: the file is an object, `{\"targets\": {\"NAME\": ",
        ),
        ("{}", "1:1: `targets` is missing"),
        (r#"{"targets": {}}"#, "1:13: `targets` is empty"),
        (
            r#"{"targets": {"a": 1}}"#,
            "1:19: target `a`: `a` takes an object, not the number 1",
        ),
        (
            r#"{"targets": {"a": {"prefix": "a.io"}}, "jobs": 1}"#,
            "1:40: `jobs` does not belong here: it belongs at a target",
        ),
        (
            r#"{"targets": {"a": {"prefix": "a.io"}, "a": {"prefix": "b.io"}}}"#,
            "1:39: `targets`: duplicate key `a`: already on line 1, column 14",
        ),
        (
            r#"{"targets": {"a": {"prefix": "a.io"},}}"#,
            "1:37: not valid JSON",
        ),
    ] {
        let found = problems(text);
        assert!(found[0].starts_with(problem), "{found:?}, not {problem}");
    }
}
