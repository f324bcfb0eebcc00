//! Images in the annotations of a chart.

use super::keys::Key;
use super::mention::Mention;
use super::tree::{Map, Node};
use super::walk::{Above, Text, Walk};

/// The annotations that list a chart's images: Artifact Hub's, Helm's and the one of old.
const ANNOTATIONS: [&str; 3] = ["artifacthub.io/images", "helm.sh/images", "images"];

/// The images that a `Chart.yaml` lists in its annotations, all of them
/// [`Evidence::Announced`](super::Evidence::Announced). Nothing where it does not parse.
///
/// The annotations are YAML in a string, as
/// <https://artifacthub.io/docs/topics/annotations/helm/> has it: a list of `{name, image}`. Lists
/// of strings and plain lines are understood too.
#[must_use]
pub fn in_annotations(chart_yaml: &str) -> Vec<Mention> {
    let mut walk = Walk::new(Text::Annotation);
    let roots = walk.parse(chart_yaml).unwrap_or_default();
    for root in roots {
        let Some(annotations) = annotations(&root) else {
            continue;
        };
        for key in ANNOTATIONS {
            if let Some(annotation) = annotations.get(key) {
                let place = format!("Chart.yaml: annotations.{key:?}");
                images(&mut walk, annotation, &place);
            }
        }
    }
    walk.mentions()
}

fn annotations(chart: &Node) -> Option<&Map> {
    let Node::Map(chart) = chart else { return None };
    match chart.get("annotations")? {
        Node::Map(annotations) => Some(annotations),
        _ => None,
    }
}

fn images(walk: &mut Walk, annotation: &Node, place: &str) {
    let Node::Scalar(text) = annotation else {
        return list(walk, annotation, place);
    };
    let roots = walk.parse(text).unwrap_or_default();
    let is_tree = |root: &Node| matches!(root, Node::List(_) | Node::Map(_));
    if roots.iter().any(|root| is_tree(root)) {
        roots.iter().for_each(|root| list(walk, root, place));
        return;
    }
    for word in text.split([',', ' ', '\t', '\r', '\n']) {
        let word = Node::Scalar(word.to_owned());
        walk.root(place, &word, ABOVE_IMAGE);
    }
}

const ABOVE_IMAGE: Above = Above {
    key: Key::Image,
    below_image: true,
    ..Above::ROOT
};

/// A list of images: strings, which need nothing else to be images here, or mappings.
fn list(walk: &mut Walk, node: &Node, place: &str) {
    let Node::List(items) = node else {
        let above = Above {
            key: Key::Images,
            below_images: true,
            ..ABOVE_IMAGE
        };
        return walk.root(place, node, above);
    };
    for (item, at) in items.iter().zip(0usize..) {
        walk.root(&format!("{place}[{at}]"), item, ABOVE_IMAGE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lead_to_the_image() {
        let chart = "annotations:\n  images: 'a/b:1, c:1'\n  artifacthub.io/images: |\n    - {name: x, image: 'a/d:1'}\n    - e:1\n";
        let found = in_annotations(chart);
        let found: Vec<_> = found.iter().map(|one| (&*one.image, &*one.place)).collect();
        let expected = [
            (
                "a/d",
                "Chart.yaml: annotations.\"artifacthub.io/images\"[0].image",
            ),
            ("e", "Chart.yaml: annotations.\"artifacthub.io/images\"[1]"),
            ("a/b", "Chart.yaml: annotations.\"images\""),
            ("c", "Chart.yaml: annotations.\"images\""),
        ];
        assert_eq!(found, expected);
    }
}
