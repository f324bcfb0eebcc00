//! The length, names and reach of Rust files.

use std::path::{Path, PathBuf};

use crate::sources::{Line, Source, lines, rust};

/// Maximum lines of a file.
const MAX_LINES: usize = 600;
/// Nine files in ten are shorter.
const LONG: usize = 400;
/// Maximum for the median of all files.
const MEDIAN: usize = 200;

/// Names of files and directories that do not describe the content.
const VAGUE: [&str; 4] = ["common", "helpers", "misc", "utils"];

/// Beginnings of items other than modules and re-exports.
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

/// Items that the code of a path does not name. The list and the core of tag retrieval turn text into
/// text; only `mirror` reads the environment and writes to the terminal.
const FORBIDDEN: [(&str, &[&str]); 10] = [
    ("crates/images-list/src", &PURE),
    ("crates/tag-retrieval/src/config", &PURE),
    ("crates/extraction/src", &PURE),
    ("crates/tag-retrieval/src/entry", &PURE),
    ("crates/tag-retrieval/src/filters", &PURE),
    ("crates/tag-retrieval/src/new_tags.rs", &PURE),
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

#[test]
fn files_are_short() {
    let mut lengths: Vec<_> = rust()
        .into_iter()
        .map(|source| (source.text.lines().count(), source.path))
        .collect();
    lengths.sort();
    let too_long: Vec<_> = lengths
        .iter()
        .filter(|(lines, _)| *lines > MAX_LINES)
        .collect();
    assert!(too_long.is_empty(), "over {MAX_LINES} lines: {too_long:#?}");
    let long: Vec<_> = lengths.iter().filter(|(lines, _)| *lines >= LONG).collect();
    assert!(
        long.len() * 10 <= lengths.len(),
        "more than one file in ten has {LONG} lines or more: {long:#?}"
    );
    let median = lengths[lengths.len() / 2].0;
    assert!(
        median <= MEDIAN,
        "the median file has {median} lines, maximum {MEDIAN}"
    );
}

#[test]
fn file_names_describe_the_content() {
    for Source { path, .. } in rust() {
        let parts = path.with_extension("");
        let is_vague = parts
            .iter()
            .any(|part| VAGUE.iter().any(|name| part == *name));
        assert!(!is_vague, "{}: name it after its concept", path.display());
    }
}

#[test]
fn lints_are_expected_instead_of_allowed() {
    // Put together, so that this file passes.
    let allow = ["#[", "#!["].map(|opening| format!("{opening}allow("));
    for Line {
        path,
        number,
        text: line,
    } in lines(rust())
    {
        let allows = allow.iter().any(|allow| line.contains(allow));
        assert!(
            !allows,
            "{}:{number}: use #[expect(…, reason = \"…\")]",
            path.display()
        );
    }
}

#[test]
fn module_roots_hold_docs_and_re_exports_only() {
    let roots = |path: &Path| path.ends_with("lib.rs") || path.ends_with("mod.rs");
    let in_src = |path: &Path| path.iter().any(|part| part == "src");
    for Line {
        path,
        number,
        text: line,
    } in lines(rust())
    {
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
            "{}:{number}: move the item to its own file",
            path.display()
        );
    }
}

#[test]
fn code_names_only_allowed_items() {
    // Tests may name anything: in their own files, and after `#[cfg(test)]`.
    let of_tests = |path: &Path| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        stem.ends_with("tests") || stem.starts_with("test_")
    };
    let mut in_tests = PathBuf::new();
    for Line {
        path,
        number,
        text: line,
    } in lines(rust())
    {
        if line == "#[cfg(test)]" || of_tests(&path) {
            in_tests.clone_from(&path);
        }
        let reached = FORBIDDEN
            .iter()
            .filter(|(path_of, _)| path.starts_with(path_of) && in_tests != path)
            .flat_map(|(_, names)| names.iter())
            .find(|name| names(&line, name));
        assert!(
            reached.is_none(),
            "{}:{number}: this code may not name {reached:?}",
            path.display()
        );
    }
}

/// Returns true if a line names an item by its path or in `use std::{…}`.
fn names(line: &str, item: &str) -> bool {
    let imported = line.strip_prefix("use std::{").unwrap_or_default();
    let mut imported = imported.split(|c: char| !c.is_ascii_alphanumeric());
    let module = item.strip_prefix("std::");
    line.contains(item) || module.is_some_and(|module| imported.any(|name| name == module))
}
