//! Dependencies between the crates of the workspace, read from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use serde_json::Value;

/// A crate and the crates of the workspace that it may depend on.
struct Crate {
    name: &'static str,
    normal: &'static [&'static str],
    /// Additional dependencies of its tests.
    tests: &'static [&'static str],
}

/// Every crate of the workspace. A crate that is missing here fails the test.
const CRATES: &[Crate] = &[
    Crate {
        name: "atomic-file",
        normal: &[],
        tests: &[],
    },
    Crate {
        name: "bundle",
        normal: &["atomic-file", "image-name", "registry-client"],
        tests: &["embedded-registry", "testkit"],
    },
    Crate {
        name: "cluster-objects",
        normal: &["extraction", "image-name"],
        tests: &[],
    },
    Crate {
        name: "signatures",
        normal: &["image-name", "strict-json"],
        tests: &["embedded-registry", "testkit"],
    },
    Crate {
        name: "image-name",
        normal: &[],
        tests: &["testkit"],
    },
    Crate {
        name: "images-list",
        normal: &["image-name", "strict-json"],
        tests: &["testkit"],
    },
    Crate {
        name: "embedded-registry",
        normal: &["image-name"],
        tests: &[],
    },
    Crate {
        name: "extraction",
        normal: &["image-name"],
        tests: &["testkit"],
    },
    Crate {
        name: "once-map",
        normal: &[],
        tests: &[],
    },
    Crate {
        name: "program-runner",
        normal: &[],
        tests: &[],
    },
    Crate {
        name: "prune-plan",
        normal: &["image-name", "images-list", "strict-json"],
        tests: &["testkit"],
    },
    Crate {
        name: "registry-client",
        normal: &["atomic-file", "image-name", "once-map", "program-runner"],
        tests: &["embedded-registry", "testkit"],
    },
    Crate {
        name: "copier",
        normal: &["image-name", "once-map", "registry-client"],
        tests: &["embedded-registry", "testkit"],
    },
    Crate {
        name: "tag-retrieval",
        normal: &[
            "extraction",
            "image-name",
            "once-map",
            "program-runner",
            "registry-client",
            "strict-json",
        ],
        tests: &["embedded-registry", "testkit"],
    },
    Crate {
        name: "strict-json",
        normal: &[],
        tests: &[],
    },
    Crate {
        name: "testkit",
        normal: &["embedded-registry"],
        tests: &[],
    },
    Crate {
        name: "mirror",
        normal: &[
            "atomic-file",
            "bundle",
            "cluster-objects",
            "copier",
            "embedded-registry",
            "extraction",
            "image-name",
            "images-list",
            "once-map",
            "program-runner",
            "prune-plan",
            "registry-client",
            "signatures",
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

/// Crates that read or write the terminal: for `mirror` only.
const TERMINAL: [&str; 3] = ["clap", "indicatif", "rpassword"];

/// Crates that pure code does not depend on, directly or indirectly.
const IMPURE: [&str; 6] = ["hyper", "mio", "reqwest", "rustls", "socket2", "tokio"];

#[test]
fn crates_depend_only_on_allowed_crates() {
    let metadata = metadata();
    let members: BTreeSet<_> = packages(&metadata).map(name).collect();
    let known_names: BTreeSet<_> = CRATES.iter().map(|known| known.name).collect();
    assert_eq!(
        members, known_names,
        "workspace members and the table CRATES"
    );
    for known in CRATES {
        let package = packages(&metadata).find(|package| name(package) == known.name);
        for dependency in package.unwrap()["dependencies"].as_array().unwrap() {
            let other = name(dependency);
            if !known_names.contains(other) {
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
fn only_mirror_depends_on_terminal_crates() {
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
fn pure_crates_do_not_depend_on_input_or_output() {
    let metadata = metadata();
    for pure in [
        "cluster-objects",
        "extraction",
        "image-name",
        "images-list",
        "prune-plan",
    ] {
        let reached = normal_closure(&metadata, pure);
        assert!(
            reached.contains("oci-spec"),
            "the dependencies of {pure} were not found: {reached:?}"
        );
        let found: Vec<_> = IMPURE
            .iter()
            .filter(|name| reached.contains(**name))
            .collect();
        assert!(found.is_empty(), "{pure} depends on {found:?}");
    }
}

#[test]
fn every_crate_inherits_the_workspace_lints() {
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

/// Returns the packages of the workspace.
fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    let members = metadata["workspace_members"].as_array().unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages.filter(move |package| members.contains(&package["id"]))
}

/// Returns the name of a package, or of the package behind a dependency.
fn name(of: &Value) -> &str {
    of["name"].as_str().unwrap()
}

/// Returns the names of all packages that a crate is built from, on any platform, without tests and
/// build scripts.
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
