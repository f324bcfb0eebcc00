//! Imports between the modules of a crate: no circle, and none against the declared layers.

use std::collections::BTreeSet;
use std::path::Path;

use crate::tree::Tree;

/// The layers of a source directory, the uppermost first. A module imports from its own layer and
/// from lower ones. `main` is the root of a binary.
const LAYERS: [(&str, &[&[&str]]); 1] = [(
    "crates/mirror/src",
    &[
        &["main"],
        &["commands"],
        &["rows"],
        &["registries"],
        &["git"],
        &["files"],
        &["session"],
        &["terminal"],
        &["cli"],
    ],
)];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    Circles,
    Layers,
}

/// Directories that break a rule today, with the reason. An entry that is no longer needed fails the
/// test, so that this list only shrinks.
const NOT_YET: &[(Rule, &str, &str)] = &[];

/// One broken rule in one directory.
struct Finding {
    rule: Rule,
    directory: String,
    text: String,
}

#[test]
fn modules_import_without_circles_and_along_the_layers() {
    let findings = findings();
    let is_known = |finding: &&Finding| {
        let mut known = NOT_YET.iter();
        known.any(|(rule, directory, _)| *rule == finding.rule && directory == &finding.directory)
    };
    let unknown: Vec<_> = findings
        .iter()
        .filter(|finding| !is_known(finding))
        .collect();
    let lines = unknown.iter().map(|finding| {
        format!(
            "{}: {:?}: {}",
            finding.directory, finding.rule, finding.text
        )
    });
    let lines: Vec<_> = lines.collect();
    assert!(
        lines.is_empty(),
        "imports in the wrong direction:\n{}",
        lines.join("\n")
    );
    let is_stale = |(rule, directory, _): &&(Rule, &str, &str)| {
        let mut findings = findings.iter();
        !findings.any(|finding| finding.rule == *rule && finding.directory == *directory)
    };
    let stale: Vec<_> = NOT_YET.iter().filter(is_stale).collect();
    assert!(
        stale.is_empty(),
        "no finding is left, remove these entries from NOT_YET: {stale:?}"
    );
}

#[test]
fn commands_do_not_import_each_other() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mirror/src");
    let tree = Tree::read(&source);
    let graphs = tree.graphs();
    let edges = graphs["commands"].edges.iter();
    let between: Vec<_> = edges
        // These two know every command.
        .filter(|((from, _), _)| from != "command_line" && from != "dispatch")
        // The demo compares, and prints as `compare` does.
        .filter(|((from, to), _)| (from.as_str(), to.as_str()) != ("demo", "compare"))
        .collect();
    assert!(between.is_empty(), "{between:#?}");
}

fn findings() -> Vec<Finding> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let crates = std::fs::read_dir(top.join("crates")).unwrap();
    let names = crates.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut sources: Vec<_> = names.map(|name| format!("crates/{name}/src")).collect();
    sources.push("benches/src".to_owned());
    sources.sort();
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| top.join(source).exists()) {
        let tree = Tree::read(&top.join(source));
        for (directory, graph) in tree.graphs() {
            let directory = format!("{source}/{directory}");
            let directory = directory.trim_end_matches('/');
            findings.extend(graph.circles().into_iter().map(|text| Finding {
                rule: Rule::Circles,
                directory: directory.to_owned(),
                text,
            }));
        }
        let layers = LAYERS.iter().find(|(layered, _)| layered == source);
        if let Some((_, layers)) = layers {
            findings.extend(against(layers, &tree).into_iter().map(|text| Finding {
                rule: Rule::Layers,
                directory: source.clone(),
                text,
            }));
        }
    }
    findings
}

/// Returns top-level modules without a layer, and imports from an upper layer.
fn against(layers: &[&[&str]], tree: &Tree) -> Vec<String> {
    let layer_of = |name: &str| layers.iter().position(|layer| layer.contains(&name));
    let modules: BTreeSet<_> = tree.top_level();
    let unlisted = modules.iter().filter(|name| layer_of(name).is_none());
    let mut findings: Vec<_> = unlisted
        .map(|name| format!("{name} has no layer; add it to LAYERS"))
        .collect();
    let graphs = tree.graphs();
    for ((from, to), example) in graphs.get("").into_iter().flat_map(|graph| &graph.edges) {
        if let (Some(lower), Some(upper)) = (layer_of(from), layer_of(to))
            && upper < lower
        {
            findings.push(format!("{from} is below {to} and imports it ({example})"));
        }
    }
    findings
}
