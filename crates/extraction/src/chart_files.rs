//! Images in the values and annotations of a chart.

use crate::context::Context;
use crate::extracted_image::ExtractedImage;
use crate::extracted_text::{ExtractedText, ImagePaths};
use crate::key_kind::KeyKind;
use crate::tree_extractor::{TextKind, TreeExtractor};
use crate::yaml::{Map, Node, Scalar, split_documents};

/// Annotations that list the images of a chart: Artifact Hub's, Helm's and an older one.
const IMAGE_ANNOTATIONS: [&str; 3] = ["artifacthub.io/images", "helm.sh/images", "images"];

/// Extracts the images from the output of `helm show values`, all with
/// [`Evidence::Weak`](crate::Evidence::Weak).
#[must_use]
pub fn from_values(text: &str) -> Vec<ExtractedImage> {
    values(text, &mut ImagePaths::default()).images
}

/// Extracts the images from chart values, and those at further paths. Also returns the strings that may be
/// images, and a problem for each document that does not parse.
#[must_use]
pub fn values(text: &str, paths: &mut ImagePaths) -> ExtractedText {
    let mut extractor = TreeExtractor::new(TextKind::Values);
    let mut problems = Vec::new();
    for document in split_documents(text) {
        match extractor.parse(document.text) {
            Some(roots) => {
                extractor.lines_before(document.line - 1);
                for root in roots {
                    extractor.extract("values: ", &root, Context::ROOT);
                    paths.extract(&mut extractor, "values: ", &root);
                }
            }
            None => {
                extractor.extract_lines("values:", document.text, document.line - 1);
                let line = document.line;
                let problem = "the values are not YAML: only their `image:` lines were read";
                problems.push(format!("line {line}: {problem}"));
            }
        }
    }
    let (images, suspects) = extractor.finish();
    ExtractedText {
        images,
        suspects,
        problems,
        ..ExtractedText::default()
    }
}

/// Extracts the images from the annotations of a `Chart.yaml`, all with
/// [`Evidence::Announced`](crate::Evidence::Announced). Returns none if the file does not parse.
///
/// An annotation is YAML in a string: a list of `{name, image}`, as in
/// <https://artifacthub.io/docs/topics/annotations/helm/>. Lists of strings and plain lines work too.
#[must_use]
pub fn from_annotations(chart_yaml: &str) -> Vec<ExtractedImage> {
    let mut extractor = TreeExtractor::new(TextKind::Annotation);
    extract_annotations(&mut extractor, chart_yaml, "Chart.yaml: ");
    extractor.into_images()
}

/// Extracts the images from the annotations of a `Chart.yaml`. Locations begin with `file`.
pub(crate) fn extract_annotations(extractor: &mut TreeExtractor, chart_yaml: &str, file: &str) {
    let roots = extractor.parse(chart_yaml).unwrap_or_default();
    for root in roots {
        let Some(annotations) = annotations(&root) else {
            continue;
        };
        for key in IMAGE_ANNOTATIONS {
            if let Some(annotation) = annotations.get(key) {
                let location = format!("{file}annotations.{key:?}");
                extract_annotation(extractor, annotation, &location);
            }
        }
    }
}

fn annotations(chart: &Node) -> Option<&Map> {
    let Node::Map(chart) = chart else { return None };
    chart.map("annotations")
}

fn extract_annotation(extractor: &mut TreeExtractor, annotation: &Node, location: &str) {
    let Node::Scalar(scalar) = annotation else {
        return extract_list(extractor, annotation, location);
    };
    let text = scalar.text.as_str();
    extractor.lines_before(scalar.line.saturating_sub(1));
    let roots = extractor.parse(text).unwrap_or_default();
    let is_collection = |root: &Node| matches!(root, Node::List(_) | Node::Map(_));
    if roots.iter().any(|root| is_collection(root)) {
        for root in roots {
            extract_list(extractor, &root, location);
        }
        return;
    }
    for word in text.split([',', ' ', '\t', '\r', '\n']) {
        let word = Node::Scalar(Scalar {
            text: word.to_owned(),
            line: 1,
            is_literal: false,
        });
        extractor.extract(location, &word, Context::IMAGE);
    }
}

/// Extracts a list of images. Its items are strings or mappings; here a string needs no further
/// evidence to be an image.
fn extract_list(extractor: &mut TreeExtractor, node: &Node, location: &str) {
    let Node::List(items) = node else {
        let context = Context {
            key: KeyKind::Images,
            below_images: true,
            ..Context::IMAGE
        };
        return extractor.extract(location, node, context);
    };
    for (item, at) in items.iter().zip(0usize..) {
        extractor.extract(&format!("{location}[{at}]"), item, Context::IMAGE);
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
