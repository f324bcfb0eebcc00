//! The container image with `mirror` and helm. No test builds it: these checks and `hadolint` read
//! the Containerfile.

use std::fs;

use crate::environment::repository_root;

fn read(name: &str) -> String {
    fs::read_to_string(repository_root().join(name)).unwrap()
}

/// Returns the arguments of every instruction of that name.
fn instructions<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = Vec<&'a str>> {
    let of_name = text.lines().filter_map(move |line| line.strip_prefix(name));
    of_name.map(|rest| rest.split_whitespace().collect())
}

#[test]
fn dockerignore_admits_exactly_the_copied_files() {
    let (container, ignored) = (read("Containerfile"), read(".dockerignore"));
    let mut admitted: Vec<_> = ignored
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    assert!(ignored.lines().any(|line| line == "*"), "{ignored}");
    let mut copied: Vec<&str> = Vec::new();
    for copy in instructions(&container, "COPY ") {
        if !copy[0].starts_with("--from=") {
            copied.extend(&copy[..copy.len() - 1]);
        }
    }
    copied.sort_unstable();
    admitted.sort_unstable();
    assert_eq!(copied, admitted);
    for name in copied {
        assert!(repository_root().join(name).exists(), "{name}");
    }
}

#[test]
fn image_runs_mirror_as_a_non_root_user() {
    let container = read("Containerfile");
    let (_, last) = container.rsplit_once("\nFROM ").unwrap();
    let users: Vec<_> = instructions(last, "USER ").flatten().collect();
    assert_eq!(
        users,
        ["1000:1000"],
        "Kubernetes checks runAsNonRoot against a numeric user only"
    );
    assert!(last.ends_with("\nENTRYPOINT [\"mirror\"]\n"), "{last}");
    let bases: Vec<_> = instructions(&container, "FROM ").collect();
    let tagged =
        |base: &&Vec<&str>| base[0].starts_with("docker.io/library/") && base[0].contains(':');
    assert_eq!(
        bases.iter().filter(tagged).count(),
        bases.len(),
        "{bases:?}"
    );
}

#[test]
fn helm_version_is_the_same_in_image_workflow_and_tests() {
    let tools = read("scripts/test-tools");
    let version = tools
        .lines()
        .find_map(|line| line.strip_prefix("helm_version="));
    let version = version.unwrap();
    for (file, wanted) in [
        ("Containerfile", format!("HELM_VERSION={version}\n")),
        (
            ".github/workflows/retrieve-tags.yml",
            format!("VERSION: {version}\n"),
        ),
        (
            ".github/workflows/retrieve-tags.yml",
            format!("mirror-helm-{version}-"),
        ),
    ] {
        assert!(read(file).contains(&wanted), "{file}: {wanted}");
    }
}
