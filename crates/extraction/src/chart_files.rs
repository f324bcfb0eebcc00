//! Images in the values and annotations of a chart.

use crate::extracted_image::ExtractedImage;
use crate::key_kind::KeyKind;
use crate::tree_extractor::{Context, TextKind, TreeExtractor};
use crate::yaml::{Map, Node, split_documents};

/// Annotations that list the images of a chart: Artifact Hub's, Helm's and an older one.
const IMAGE_ANNOTATIONS: [&str; 3] = ["artifacthub.io/images", "helm.sh/images", "images"];

/// Extracts the images from the output of `helm show values`, all with
/// [`Evidence::Weak`](crate::Evidence::Weak).
#[must_use]
pub fn from_values(values: &str) -> Vec<ExtractedImage> {
    let mut extractor = TreeExtractor::new(TextKind::Values);
    for document in split_documents(values) {
        match extractor.parse(document.text) {
            Some(roots) => {
                for root in roots {
                    extractor.extract("values: ", &root, Context::ROOT);
                }
            }
            None => extractor.extract_lines("values:", document.text, document.line - 1),
        }
    }
    extractor.into_images()
}

/// Extracts the images from the annotations of a `Chart.yaml`, all with
/// [`Evidence::Announced`](crate::Evidence::Announced). Returns none if the file does not parse.
///
/// An annotation is YAML in a string: a list of `{name, image}`, as in
/// <https://artifacthub.io/docs/topics/annotations/helm/>. Lists of strings and plain lines work too.
#[must_use]
pub fn from_annotations(chart_yaml: &str) -> Vec<ExtractedImage> {
    let mut extractor = TreeExtractor::new(TextKind::Annotation);
    let roots = extractor.parse(chart_yaml).unwrap_or_default();
    for root in roots {
        let Some(annotations) = annotations(&root) else {
            continue;
        };
        for key in IMAGE_ANNOTATIONS {
            if let Some(annotation) = annotations.get(key) {
                let location = format!("Chart.yaml: annotations.{key:?}");
                extract_annotation(&mut extractor, annotation, &location);
            }
        }
    }
    extractor.into_images()
}

fn annotations(chart: &Node) -> Option<&Map> {
    let Node::Map(chart) = chart else { return None };
    match chart.get("annotations")? {
        Node::Map(annotations) => Some(annotations),
        _ => None,
    }
}

fn extract_annotation(extractor: &mut TreeExtractor, annotation: &Node, location: &str) {
    let Node::Scalar(text) = annotation else {
        return extract_list(extractor, annotation, location);
    };
    let roots = extractor.parse(text).unwrap_or_default();
    let is_collection = |root: &Node| matches!(root, Node::List(_) | Node::Map(_));
    if roots.iter().any(|root| is_collection(root)) {
        for root in roots {
            extract_list(extractor, &root, location);
        }
        return;
    }
    for word in text.split([',', ' ', '\t', '\r', '\n']) {
        let word = Node::Scalar(word.to_owned());
        extractor.extract(location, &word, IMAGE_CONTEXT);
    }
}

const IMAGE_CONTEXT: Context = Context {
    key: KeyKind::Image,
    below_image: true,
    ..Context::ROOT
};

/// Extracts a list of images. Its items are strings or mappings; here a string needs no further
/// evidence to be an image.
fn extract_list(extractor: &mut TreeExtractor, node: &Node, location: &str) {
    let Node::List(items) = node else {
        let context = Context {
            key: KeyKind::Images,
            below_images: true,
            ..IMAGE_CONTEXT
        };
        return extractor.extract(location, node, context);
    };
    for (item, at) in items.iter().zip(0usize..) {
        extractor.extract(&format!("{location}[{at}]"), item, IMAGE_CONTEXT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn location_is_the_path_to_the_image() {
        let chart = "annotations:\n  images: 'a/b:1, c:1'\n  artifacthub.io/images: |\n    - {name: x, image: 'a/d:1'}\n    - e:1\n";
        let found = from_annotations(chart);
        let found: Vec<_> = found
            .iter()
            .map(|one| (&*one.repository, &*one.location))
            .collect();
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
