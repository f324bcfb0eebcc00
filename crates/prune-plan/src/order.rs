//! The order in which manifests are deleted.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use image_name::Digest;

use crate::manifest_graph::ManifestGraph;

/// Returns manifests in the order of their deletion: each after the indexes that list it and after its subject.
///
/// An index may be a referrer of its own child. Such manifests come last, children after indexes.
pub(crate) fn deletion_order<'a>(
    graph: &'a ManifestGraph,
    going: &HashSet<&'a Digest>,
) -> Vec<&'a Digest> {
    let mut ordered = Vec::new();
    let mut left: HashSet<&Digest> = going.clone();
    add_in_order(&mut ordered, &mut left, |digest| {
        let children = graph.get(digest).map_or(&[][..], |node| &node.children);
        children.iter().chain(graph.referrers(digest)).collect()
    });
    add_in_order(&mut ordered, &mut left, |digest| {
        let children = graph.get(digest).map_or(&[][..], |node| &node.children);
        children.iter().collect()
    });
    ordered.extend(ManifestGraph::sorted(left));
    ordered
}

/// Moves digests from `left` to `ordered`, each after all those that it is below. Those in circles stay.
fn add_in_order<'a>(
    ordered: &mut Vec<&'a Digest>,
    left: &mut HashSet<&'a Digest>,
    below: impl Fn(&Digest) -> HashSet<&'a Digest>,
) {
    let mut waits_for: BTreeMap<&Digest, usize> = left.iter().map(|digest| (*digest, 0)).collect();
    for digest in left.iter() {
        for below in below(digest) {
            if let Some(count) = waits_for.get_mut(below) {
                *count += 1;
            }
        }
    }
    let free = waits_for.iter().filter(|(_, count)| **count == 0);
    let mut ready: BTreeSet<&Digest> = free.map(|(digest, _)| *digest).collect();
    while let Some(digest) = ready.pop_first() {
        ordered.push(digest);
        left.remove(digest);
        for below in below(digest) {
            if let Some(count) = waits_for.get_mut(below) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    ready.insert(below);
                }
            }
        }
    }
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
