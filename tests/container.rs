//! What holds for the image with `mirror` and helm. `hadolint` says the rest: no engine builds it here.

use std::fs;

use crate::wrappers::top;

fn read(name: &str) -> String {
    fs::read_to_string(top().join(name)).unwrap()
}

/// The arguments of an instruction, wherever it stands.
fn instructions<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = Vec<&'a str>> {
    let of_name = text.lines().filter_map(move |line| line.strip_prefix(name));
    of_name.map(|rest| rest.split_whitespace().collect())
}

#[test]
fn what_is_copied_is_there_and_not_ignored() {
    let (container, ignored) = (read("Containerfile"), read(".dockerignore"));
    let mut let_through: Vec<_> = ignored
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
    let_through.sort_unstable();
    assert_eq!(copied, let_through);
    for name in copied {
        assert!(top().join(name).exists(), "{name}");
    }
}

#[test]
fn it_runs_mirror_and_not_as_root() {
    let container = read("Containerfile");
    let (_, last) = container.rsplit_once("\nFROM ").unwrap();
    let users: Vec<_> = instructions(last, "USER ").flatten().collect();
    assert_eq!(
        users,
        ["1000:1000"],
        "a number, so that Kubernetes can tell it from root"
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
fn helm_is_the_one_that_the_tests_run() {
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
