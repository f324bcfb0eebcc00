//! The examples in the documentation of the original configuration format.

use super::{Config, Source};
use crate::filters::Newest;

const FILES: [(&str, &str, usize); 6] = [
    (
        "GitHub and registries",
        include_str!("../../test-data/old-documentation/github-and-registry.json"),
        7,
    ),
    (
        "a tagged file",
        include_str!("../../test-data/old-documentation/github-tagged-images-file.json"),
        1,
    ),
    (
        "Helm",
        include_str!("../../test-data/old-documentation/helm-latest.json"),
        5,
    ),
    (
        "Helm, an older version",
        include_str!("../../test-data/old-documentation/helm-latest-longhorn-1.4.json"),
        1,
    ),
    (
        "Helm, OCI",
        include_str!("../../test-data/old-documentation/helm-oci.json"),
        1,
    ),
    (
        "Helm, a directory",
        include_str!("../../test-data/old-documentation/helm-directory.json"),
        1,
    ),
];

#[test]
fn every_example_parses() {
    for (name, text, entries) in FILES {
        let config = Config::parse(text).unwrap_or_else(|problems| panic!("{name}: {problems:#?}"));
        assert_eq!(config.entries.len(), entries, "{name}");
    }
}

#[test]
fn config_of_this_repository_parses() {
    let text = include_str!("../../../../config.json");
    assert!(Config::parse(text).is_ok_and(|config| !config.entries.is_empty()));
}

fn source(file: usize, entry: &str) -> Source {
    let mut entries = Config::parse(FILES[file].1).unwrap().entries.into_iter();
    entries.find(|found| found.name == entry).unwrap().source
}

#[test]
fn filters_of_the_examples_match() {
    let Source::RegistryTags(registry) = source(0, "bci-busybox") else {
        panic!("bci-busybox");
    };
    assert!(registry.filters.pattern.unwrap().is_match("15.4.27.14.5"));
    assert_eq!(registry.filters.newest, Newest::HIGHEST);

    let Source::GithubReleases(releases) = source(0, "vsphere-cpi") else {
        panic!("vsphere-cpi");
    };
    let constraint = releases.filters.constraint.unwrap();
    assert!(constraint.allows("v1.30.0") && !constraint.allows("v1.21.0"));
}

#[test]
fn charts_of_the_examples_keep_file_order() {
    let Source::HelmLatest(cilium) = source(2, "cilium") else {
        panic!("cilium");
    };
    let chart = &cilium.charts.charts[0];
    assert!(chart.devel);
    let configs = chart.configs.iter();
    let configs: Vec<_> = configs
        .map(|config| {
            (
                config.name.as_str(),
                config.values.len(),
                config.kube_version.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        configs,
        [
            ("aws", 1, Some("1.24")),
            ("azure", 1, None),
            ("generic", 5, None),
            ("kubeversiononly", 0, Some("1.28")),
        ]
    );
    let Source::HelmLatest(longhorn) = source(3, "longhorn") else {
        panic!("longhorn");
    };
    assert_eq!(longhorn.charts.charts[0].version.as_deref(), Some("v1.4.*"));
}
