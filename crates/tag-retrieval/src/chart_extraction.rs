//! The images of a rendered chart.

use extraction::formats::images_lock;
use extraction::{
    Evidence, ExtractedText, ImagePaths, from_annotations, from_subcharts, manifests, values,
};

use crate::helm::RenderedChart;

/// Extracts the images of a chart: from its rendered manifests, its values, annotations and image lock, and
/// from the values and annotations of its subcharts.
pub(crate) fn extract_chart(rendered: &RenderedChart, paths: &mut ImagePaths) -> ExtractedText {
    let mut found = ExtractedText::default();
    for manifest in &rendered.manifests {
        let mut text = manifests(&manifest.text, paths);
        for image in &mut text.images {
            image.is_test &= !manifest.tests;
        }
        add(&mut found, text);
    }
    add(&mut found, values(&rendered.values, paths));
    found.images.extend(from_annotations(&rendered.chart_yaml));
    let mut lock = images_lock(&rendered.files.images_lock);
    for image in &mut lock.images {
        image.evidence = Evidence::Announced;
        image.location = format!("Images.lock: {}", image.location);
    }
    add(&mut found, lock);
    found.images.extend(from_subcharts(&rendered.files));
    found
}

fn add(found: &mut ExtractedText, text: ExtractedText) {
    found.images.extend(text.images);
    found.suspects.extend(text.suspects);
    found.problems.extend(text.problems);
    found.notes.extend(text.notes);
}
