//! The modules of one crate, read from its source directory, and the imports between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::imports::Imports;

/// A path of modules from the root of the crate, without `crate`.
type ModulePath = Vec<String>;

/// The modules of one crate by their path. Modules for tests are left out.
#[derive(Debug)]
pub(crate) struct Tree {
    modules: BTreeMap<ModulePath, Module>,
}

#[derive(Debug)]
struct Module {
    imports: Imports,
    children: BTreeSet<String>,
    /// True if it contains only documentation and re-exports: `lib.rs` and `mod.rs`.
    re_exports_only: bool,
}

/// The imports between the modules of one directory: importer, imported and one example.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) edges: BTreeMap<(String, String), String>,
}

impl Tree {
    /// Reads a source directory such as `crates/copier/src`.
    pub(crate) fn read(directory: &Path) -> Self {
        let mut tree = Self {
            modules: BTreeMap::new(),
        };
        let root = ["lib.rs", "main.rs"].map(|name| directory.join(name));
        let root = root.iter().find(|path| path.exists());
        tree.read_module(root.unwrap(), directory, &[]);
        tree
    }

    fn read_module(&mut self, file: &Path, directory: &Path, path: &[String]) {
        let imports = Imports::parse(&fs::read_to_string(file).unwrap());
        let mut children = BTreeSet::new();
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let child = entry.unwrap().path();
            let name = child.file_stem().unwrap().to_string_lossy().into_owned();
            let subdirectory = directory.join(&name);
            let file = if child.is_dir() {
                child.join("mod.rs")
            } else {
                child
            };
            let is_module = file.extension().is_some_and(|extension| extension == "rs")
                && file.exists()
                && !["lib", "main", "mod"].contains(&&*name);
            let for_tests = name.ends_with("tests")
                || name.starts_with("test_")
                || imports.test_modules.contains(&name);
            if is_module && !for_tests {
                self.read_module(
                    &file,
                    &subdirectory,
                    &[path, std::slice::from_ref(&name)].concat(),
                );
                children.insert(name);
            }
        }
        let re_exports_only = file.ends_with("lib.rs") || file.ends_with("mod.rs");
        let module = Module {
            imports,
            children,
            re_exports_only,
        };
        self.modules.insert(path.to_vec(), module);
    }

    /// Returns one graph for each directory of the crate, by its path in the source directory.
    pub(crate) fn graphs(&self) -> BTreeMap<String, Graph> {
        let mut graphs: BTreeMap<String, Graph> = BTreeMap::new();
        for (importer, module) in &self.modules {
            let used = module.imports.used.iter().map(|import| &import.path);
            for written in used.chain(&module.imports.inline) {
                let Some(imported) = self.resolve(importer, written, 0) else {
                    continue;
                };
                let Some((directory, from, to)) = self.edge(importer, &imported) else {
                    continue;
                };
                let example = format!("{}: {}", importer.join("/"), written.join("::"));
                let graph = graphs.entry(directory).or_default();
                graph.edges.entry((from, to)).or_insert(example);
            }
            if !module.re_exports_only && !module.children.is_empty() {
                let graph = graphs.entry(importer.join("/")).or_default();
                for child in &module.children {
                    let edge = (own_name(importer), child.clone());
                    graph
                        .edges
                        .entry(edge)
                        .or_insert_with(|| "declares it".into());
                }
            }
        }
        graphs
    }

    /// Returns the top-level modules, with `main` for code in the root of a binary.
    pub(crate) fn top_level(&self) -> BTreeSet<String> {
        let root = &self.modules[&Vec::new()];
        let mut names = root.children.clone();
        if !root.re_exports_only {
            names.insert(own_name(&[]));
        }
        names
    }

    /// Returns the directory in which an import crosses from one module to another.
    fn edge(&self, importer: &[String], imported: &[String]) -> Option<(String, String, String)> {
        let both = importer.iter().zip(imported);
        let shared = both.take_while(|(one, other)| one == other).count();
        let from = importer.get(shared)?.clone();
        let parent = &imported[..shared];
        let to = match imported.get(shared) {
            Some(name) => name.clone(),
            // An item of the parent's own.
            None if self.modules[parent].re_exports_only => return None,
            None => own_name(parent),
        };
        Some((parent.join("/"), from, to))
    }

    /// Returns the module that defines the item of a path, following re-exports. `None` outside the crate.
    fn resolve(&self, from: &[String], path: &[String], depth: usize) -> Option<ModulePath> {
        let (first, mut rest) = path.split_first()?;
        let mut module = match first.as_str() {
            "crate" => Vec::new(),
            "super" => from.split_last()?.1.to_vec(),
            name if self.modules[from].children.contains(name) => {
                rest = path;
                from.to_vec()
            }
            _ => return None,
        };
        while let Some((name, after)) = rest.split_first() {
            let here = self.modules.get(&module)?;
            if name == "super" {
                module.pop();
            } else if here.children.contains(name) {
                module.push(name.clone());
            } else {
                let used = here.imports.used.iter();
                let mut used = used.filter(|import| import.name == *name && depth < 8);
                let found = used.find_map(|import| {
                    let path = [&import.path, after].concat();
                    self.resolve(&module, &path, depth + 1)
                });
                return found.or(Some(module));
            }
            rest = after;
        }
        Some(module)
    }
}

/// Returns the name of a module in the graph of its own directory.
fn own_name(path: &[String]) -> String {
    path.last().map_or("main", String::as_str).to_owned()
}

impl Graph {
    /// Returns the shortest cycle through each module that is in one, as a line of text each.
    pub(crate) fn circles(&self) -> Vec<String> {
        let modules: BTreeSet<_> = self.edges.keys().map(|(from, _)| from).collect();
        let mut reported = BTreeSet::new();
        let mut circles = Vec::new();
        for module in modules {
            let Some(circle) = self.circle(module) else {
                continue;
            };
            let members: BTreeSet<_> = circle.iter().copied().collect();
            if reported.insert(members) {
                circles.push(self.describe(&circle));
            }
        }
        circles
    }

    /// Returns the shortest path from a module back to itself, breadth first.
    fn circle<'a>(&'a self, start: &'a str) -> Option<Vec<&'a str>> {
        let mut ways = vec![vec![start]];
        let mut reached = BTreeSet::new();
        let mut next = 0;
        while let Some(way) = ways.get(next).cloned() {
            next += 1;
            let last = way[way.len() - 1];
            for (_, to) in self.edges.keys().filter(|(from, _)| from == last) {
                if to == start {
                    return Some(way);
                }
                if reached.insert(to) {
                    ways.push([&way[..], &[to]].concat());
                }
            }
        }
        None
    }

    fn describe(&self, circle: &[&str]) -> String {
        let mut text = String::new();
        for (index, from) in circle.iter().enumerate() {
            let to = circle[(index + 1) % circle.len()];
            let example = &self.edges[&((*from).to_owned(), to.to_owned())];
            text.push_str(&format!("{from} → {to} ({example}); "));
        }
        text.trim_end_matches("; ").to_owned()
    }
}
