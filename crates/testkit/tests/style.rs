//! The limits that keep every file readable in one go. What a compiler lint can hold, such as the
//! length of functions, is in the workspace's lints instead.
#![expect(clippy::unwrap_used, reason = "functions of the tests fail like tests")]

use std::fs;
use std::path::{Path, PathBuf};

/// No file is longer.
const LONGEST: usize = 600;
/// Nine in ten files are shorter.
const LONG: usize = 400;
/// Half of the files are at most as long.
const MEDIAN: usize = 200;

/// Names that say nothing about what is inside, of files and of folders.
const NAMELESS: [&str; 4] = ["common", "helpers", "misc", "utils"];

/// What begins an item that is more than a module, a re-export or documentation.
const ITEMS: [&str; 9] = [
    "const ",
    "enum ",
    "fn ",
    "impl ",
    "impl<",
    "macro_rules!",
    "static ",
    "struct ",
    "trait ",
];

/// What the code of a folder does not name: the list and the core of tag retrieval are text in and text
/// out, and only `mirror` reads the environment and writes to the terminal.
const OUT_OF_REACH: [(&str, &[&str]); 9] = [
    ("crates/images-list/src", &PURE),
    ("crates/tag-retrieval/src/config", &PURE),
    ("crates/tag-retrieval/src/extraction", &PURE),
    ("crates/tag-retrieval/src/filters", &PURE),
    ("crates/tag-retrieval/src/news.rs", &PURE),
    ("crates/tag-retrieval/src", &WORLD),
    ("crates/registry-client/src", &WORLD),
    ("crates/copier/src", &WORLD),
    ("crates/embedded-registry/src", &WORLD),
];
const PURE: [&str; 9] = [
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "std::time",
    "tokio",
    "Utc::now",
];
const WORLD: [&str; 7] = [
    "env::var",
    "env::args",
    "env::current_dir",
    "env::home_dir",
    "io::stdin",
    "io::stdout",
    "io::stderr",
];

/// A Rust file of the repository.
struct Source {
    /// From the top of the repository.
    path: PathBuf,
    text: String,
}

#[test]
fn files_stay_short() {
    let mut lengths: Vec<_> = sources()
        .into_iter()
        .map(|source| (source.text.lines().count(), source.path))
        .collect();
    lengths.sort();
    let too_long: Vec<_> = lengths
        .iter()
        .filter(|(lines, _)| *lines > LONGEST)
        .collect();
    assert!(too_long.is_empty(), "over {LONGEST} lines: {too_long:#?}");
    let long: Vec<_> = lengths.iter().filter(|(lines, _)| *lines >= LONG).collect();
    assert!(
        long.len() * 10 <= lengths.len(),
        "more than one file in ten has {LONG} lines: {long:#?}"
    );
    let median = lengths[lengths.len() / 2].0;
    assert!(
        median <= MEDIAN,
        "half of the files have {median} lines or more"
    );
}

#[test]
fn names_say_what_is_inside() {
    for Source { path, .. } in sources() {
        let parts = path.with_extension("");
        let nameless = parts
            .iter()
            .any(|part| NAMELESS.iter().any(|name| part == *name));
        assert!(!nameless, "{}: name it after its concept", path.display());
    }
}

#[test]
fn lints_are_expected_rather_than_allowed() {
    // Spelled so that this file does not find itself.
    let allow = ["#[", "#!["].map(|opening| format!("{opening}allow("));
    for (path, number, line) in lines() {
        let allows = allow.iter().any(|allow| line.contains(allow));
        assert!(
            !allows,
            "{}:{number}: #[expect(…, reason = \"…\")] it",
            path.display()
        );
    }
}

#[test]
fn roots_of_modules_hold_docs_and_exports_only() {
    let roots = |path: &Path| path.ends_with("lib.rs") || path.ends_with("mod.rs");
    let in_src = |path: &Path| path.iter().any(|part| part == "src");
    for (path, number, line) in lines() {
        if !roots(&path) || !in_src(&path) {
            continue;
        }
        let item = line
            .trim_start_matches("pub(crate) ")
            .trim_start_matches("pub ");
        let item = item.trim_start_matches("async ");
        let found = ITEMS.iter().any(|start| item.starts_with(start));
        assert!(
            !found,
            "{}:{number}: move it to a file of its own",
            path.display()
        );
    }
}

#[test]
fn each_crate_reaches_only_what_it_may() {
    // Tests may reach further: in files of their own, and in the file where they have begun.
    let of_tests = |path: &Path| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        stem.ends_with("tests") || stem.starts_with("test_")
    };
    let mut in_tests = PathBuf::new();
    for (path, number, line) in lines() {
        if line == "#[cfg(test)]" || of_tests(&path) {
            in_tests.clone_from(&path);
        }
        let reached = OUT_OF_REACH
            .iter()
            .filter(|(folder, _)| path.starts_with(folder) && in_tests != path)
            .flat_map(|(_, names)| names.iter())
            .find(|name| names(&line, name));
        assert!(
            reached.is_none(),
            "{}:{number}: not here: {reached:?}",
            path.display()
        );
    }
}

/// Whether a line names an item of the standard library, by its path or in `use std::{…}`.
fn names(line: &str, item: &str) -> bool {
    let imported = line.strip_prefix("use std::{").unwrap_or_default();
    let mut imported = imported.split(|c: char| !c.is_ascii_alphanumeric());
    let module = item.strip_prefix("std::");
    line.contains(item) || module.is_some_and(|module| imported.any(|name| name == module))
}

/// Every line of every source: file, number from 1, text.
fn lines() -> impl Iterator<Item = (PathBuf, usize, String)> {
    sources().into_iter().flat_map(|Source { path, text }| {
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        let numbered = lines.into_iter().enumerate();
        numbered.map(move |(index, line)| (path.clone(), index + 1, line))
    })
}

fn sources() -> Vec<Source> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut open: Vec<_> = ["crates", "tests", "benches"].map(PathBuf::from).into();
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(top.join(&folder)) else {
            continue;
        };
        for entry in entries {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(top.join(&path)).unwrap();
                found.push(Source { path, text });
            }
        }
    }
    assert!(found.len() > 50, "the sources are not where they were");
    found
}
