//! Which crate may know which, read from `cargo metadata`.
#![expect(clippy::unwrap_used, reason = "functions of the tests fail like tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use serde_json::Value;

/// A crate of the workspace and the crates of the workspace that it may depend on.
struct Crate {
    name: &'static str,
    normal: &'static [&'static str],
    /// In addition, for its tests.
    tests: &'static [&'static str],
}

/// The whole house. A crate that is not here fails the test: say first whom it may know.
const CRATES: [Crate; 9] = [
    Crate {
        name: "image-name",
        normal: &[],
        tests: &[],
    },
    Crate {
        name: "images-list",
        normal: &["image-name"],
        tests: &[],
    },
    Crate {
        name: "embedded-registry",
        normal: &[],
        tests: &[],
    },
    Crate {
        name: "registry-client",
        normal: &["image-name"],
        tests: &["embedded-registry", "testkit"],
    },
    Crate {
        name: "copier",
        normal: &["image-name", "registry-client"],
        tests: &["embedded-registry", "testkit"],
    },
    Crate {
        name: "tag-retrieval",
        normal: &["image-name", "registry-client"],
        tests: &["embedded-registry", "testkit"],
    },
    Crate {
        name: "testkit",
        normal: &["embedded-registry"],
        tests: &[],
    },
    Crate {
        name: "mirror",
        normal: &[
            "copier",
            "embedded-registry",
            "image-name",
            "images-list",
            "registry-client",
            "tag-retrieval",
        ],
        tests: &["testkit"],
    },
    Crate {
        name: "side-by-side",
        normal: &["embedded-registry", "testkit"],
        tests: &[],
    },
];

/// The terminal is `mirror`'s alone.
const TERMINAL: [&str; 3] = ["clap", "indicatif", "rpassword"];

/// What pure code cannot reach, however indirectly.
const IMPURE: [&str; 6] = ["hyper", "mio", "reqwest", "rustls", "socket2", "tokio"];

#[test]
fn crates_know_only_whom_they_may() {
    let metadata = metadata();
    let members: BTreeSet<_> = packages(&metadata).map(name).collect();
    let house: BTreeSet<_> = CRATES.iter().map(|known| known.name).collect();
    assert_eq!(members, house, "the workspace and the table of this test");
    for known in &CRATES {
        let package = packages(&metadata).find(|package| name(package) == known.name);
        for dependency in package.unwrap()["dependencies"].as_array().unwrap() {
            let other = name(dependency);
            if !house.contains(other) {
                continue;
            }
            let for_tests = dependency["kind"] == "dev" && known.tests.contains(&other);
            assert!(
                for_tests || known.normal.contains(&other),
                "{} must not depend on {other} ({})",
                known.name,
                dependency["kind"].as_str().unwrap_or("normal"),
            );
        }
    }
}

#[test]
fn only_mirror_touches_the_terminal() {
    let metadata = metadata();
    for package in packages(&metadata).filter(|package| name(package) != "mirror") {
        for dependency in package["dependencies"].as_array().unwrap() {
            let other = name(dependency);
            assert!(
                !TERMINAL.contains(&other),
                "{} depends on {other}",
                name(package)
            );
        }
    }
}

#[test]
fn names_and_the_list_are_pure() {
    let metadata = metadata();
    for pure in ["image-name", "images-list"] {
        let reached = normal_closure(&metadata, pure);
        assert!(
            reached.contains("oci-spec"),
            "the closure of {pure} was not found: {reached:?}"
        );
        let found: Vec<_> = IMPURE
            .iter()
            .filter(|name| reached.contains(**name))
            .collect();
        assert!(found.is_empty(), "{pure} reaches {found:?}");
    }
}

#[test]
fn every_crate_keeps_the_lints_of_the_workspace() {
    for package in packages(&metadata()) {
        let manifest = package["manifest_path"].as_str().unwrap();
        let text = fs::read_to_string(manifest).unwrap();
        assert!(
            text.contains("\n[lints]\nworkspace = true\n"),
            "{manifest}: `[lints] workspace = true` is missing"
        );
    }
}

fn metadata() -> Value {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    // The cargo that runs this test, else that of `PATH`.
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--locked"])
        .arg("--manifest-path")
        .arg(manifest)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo metadata: {}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The packages of the workspace.
fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    let members = metadata["workspace_members"].as_array().unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages.filter(move |package| members.contains(&package["id"]))
}

/// The name of a package, or of the package a dependency is on, whatever it is called there.
fn name(of: &Value) -> &str {
    of["name"].as_str().unwrap()
}

/// The names of all packages that a crate is built from, on any platform, tests and build scripts
/// left out.
fn normal_closure(metadata: &Value, root: &str) -> BTreeSet<String> {
    let all = metadata["packages"].as_array().unwrap().iter();
    let names: BTreeMap<_, _> = all
        .map(|package| (package["id"].as_str().unwrap(), name(package)))
        .collect();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap().iter();
    let nodes: BTreeMap<_, _> = nodes
        .map(|node| (node["id"].as_str().unwrap(), node))
        .collect();
    let root = packages(metadata)
        .find(|package| name(package) == root)
        .unwrap();
    let mut open = vec![root["id"].as_str().unwrap()];
    let mut reached = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !reached.insert(id) {
            continue;
        }
        for dependency in nodes[id]["deps"].as_array().unwrap() {
            let mut kinds = dependency["dep_kinds"].as_array().unwrap().iter();
            if kinds.any(|kind| kind["kind"].is_null()) {
                open.push(dependency["pkg"].as_str().unwrap());
            }
        }
    }
    reached.into_iter().map(|id| names[id].to_owned()).collect()
}
