//! The order in which manifests are deleted.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use image_name::Digest;

use crate::manifest_graph::ManifestGraph;

/// Returns manifests in the order of their deletion: each after its parents and its subject.
///
/// A manifest cannot contain its own digest, so there are no circles. Should a graph have one, its
/// manifests come last.
pub(crate) fn deletion_order<'a>(
    graph: &'a ManifestGraph,
    going: &HashSet<&'a Digest>,
) -> Vec<&'a Digest> {
    let mut waits_for: BTreeMap<&str, usize> = BTreeMap::new();
    for digest in going {
        waits_for.entry(digest.as_str()).or_default();
        for below in below(graph, digest).filter(|below| going.contains(below)) {
            *waits_for.entry(below.as_str()).or_default() += 1;
        }
    }
    let by_text: BTreeMap<&str, &Digest> = going
        .iter()
        .map(|digest| (digest.as_str(), *digest))
        .collect();
    let mut ready: BTreeSet<&str> = waits_for
        .iter()
        .filter(|(_, count)| **count == 0)
        .map(|(digest, _)| *digest)
        .collect();
    let mut ordered = Vec::new();
    while let Some(next) = ready.pop_first() {
        let Some(digest) = by_text.get(next) else {
            continue;
        };
        ordered.push(*digest);
        waits_for.remove(next);
        for below in below(graph, digest).filter(|below| going.contains(below)) {
            if let Some(count) = waits_for.get_mut(below.as_str()) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    ready.insert(below.as_str());
                }
            }
        }
    }
    ordered.extend(waits_for.keys().filter_map(|digest| by_text.get(digest)));
    ordered
}

/// Returns the manifests that are deleted after a manifest: its children and its referrers.
fn below<'a>(graph: &'a ManifestGraph, digest: &Digest) -> impl Iterator<Item = &'a Digest> {
    let children = graph.get(digest).map_or(&[][..], |node| &node.children);
    let each: HashSet<&Digest> = children.iter().chain(graph.referrers(digest)).collect();
    each.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest_graph::ManifestNode;

    fn digest(letter: char) -> Digest {
        let text = format!("sha256:{}", letter.to_string().repeat(64));
        text.parse().unwrap()
    }

    #[test]
    fn parents_come_before_children_and_subjects_before_referrers() {
        let mut graph = ManifestGraph::default();
        let mut add = |letter: char, children: &str, subject: Option<char>| {
            let node = ManifestNode {
                children: children.chars().map(digest).collect(),
                subject: subject.map(digest),
                ..ManifestNode::default()
            };
            graph.insert(digest(letter), node);
        };
        // f lists a and e, e lists a twice; b refers to f, c to b.
        add('f', "ae", None);
        add('e', "aa", None);
        add('a', "", None);
        add('b', "", Some('f'));
        add('c', "", Some('b'));
        let all: Vec<Digest> = "abcef".chars().map(digest).collect();
        let going: HashSet<&Digest> = all.iter().collect();
        let ordered: String = deletion_order(&graph, &going)
            .iter()
            .map(|digest| &digest.hex()[..1])
            .collect();
        assert_eq!(ordered, "fbcea");
    }
}
