//! Images in what a chart renders.

use super::documents::documents;
use super::mention::{Mention, shown};
use super::tree::{Map, Node};
use super::walk::{Above, Text, Walk};

/// The images in what `helm template` gives: any number of documents, in the order of the text, an
/// image as often as it stands there.
///
/// A document that does not parse falls back to its `image:` lines; the others stand. The
/// definitions of custom resources are skipped.
#[must_use]
pub fn in_manifests(rendered: &str) -> Vec<Mention> {
    let mut walk = Walk::new(Text::Rendered);
    for (document, number) in documents(rendered).into_iter().zip(1usize..) {
        match walk.parse(document.text) {
            Some(roots) => {
                let unnamed = format!("document {number}");
                roots
                    .iter()
                    .for_each(|root| object(&mut walk, root, &unnamed));
            }
            None => walk.lines("rendered", document.text, document.line - 1),
        }
    }
    walk.mentions()
}

/// Walks one object, or the objects of a list of them.
fn object(walk: &mut Walk, node: &Node, unnamed: &str) {
    let Node::Map(map) = node else {
        return walk.root(&format!("{unnamed}: "), node, Above::ROOT);
    };
    let kind = map.text("kind");
    match map.get("items") {
        Some(Node::List(items)) if kind.is_some_and(|kind| kind.ends_with("List")) => {
            items.iter().for_each(|item| object(walk, item, unnamed));
        }
        _ => {
            let kind = kind.map_or_else(|| unnamed.to_owned(), |kind| shown(kind, &[]));
            // Names of roles have colons.
            let name = name(map).map(|name| format!("/{}", shown(name, &['.', ':'])));
            let name = format!("{kind}{}: ", name.unwrap_or_default());
            walk.root(&name, node, Above::ROOT);
        }
    }
}

fn name(object: &Map) -> Option<&str> {
    match object.get("metadata")? {
        Node::Map(metadata) => metadata
            .text("name")
            .or_else(|| metadata.text("generateName")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lead_to_the_image() {
        let rendered = r#"
kind: Deployment
metadata: {name: web}
spec:
  containers:
  - image: a/a:1
    args: [-v, --image=a/b:1]
    env: [{name: THE_IMAGE, value: "a/c:1"}]
  volumes: [{image: {reference: "a/d:1"}}]
---
kind: ConfigMapList
items:
- kind: ConfigMap
  metadata: {name: config}
  data:
    pod.yaml: |
      spec: [{image: {repository: a/e, tag: v1}}]
---
{kind: Pod, metadata: {generateName: some-}, image: "a/h:1"}
---
image: a/f:1
---
broken: [
image: a/g:1
"#;
        let found = in_manifests(rendered);
        let found: Vec<_> = found.iter().map(|one| (&*one.image, &*one.place)).collect();
        let expected = [
            ("a/a", "Deployment/web: spec.containers[0].image"),
            ("a/b", "Deployment/web: spec.containers[0].args"),
            (
                "a/c",
                "Deployment/web: spec.containers[0].env[0].value of THE_IMAGE",
            ),
            ("a/d", "Deployment/web: spec.volumes[0].image.reference"),
            ("a/e", "ConfigMap/config: data.\"pod.yaml\" > spec[0].image"),
            ("a/h", "Pod/some-: image"),
            ("a/f", "document 4: image"),
            ("a/g", "rendered line 24"),
        ];
        assert_eq!(found, expected);
    }
}
