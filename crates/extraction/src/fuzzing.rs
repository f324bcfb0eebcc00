//! Properties that hold for every input, one function for each target in `fuzz/`.
//!
//! `cargo fuzz` calls them under `cfg(fuzzing)`; the tests replay the corpus with them.

use crate::formats::{
    Catalog, CatalogSelection, Kustomization, TextFormat, Variables, compose, dockerfile, hauler,
    images_lock, zarf,
};
use crate::{
    ExtractedImage, ImagesFile, ProposalRules, from_annotations, from_manifests, from_values,
    propose,
};

/// Checks that images proposed from a chart's manifests, values and annotations fit into a list.
pub fn chart_text(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut extracted = from_manifests(&text);
    extracted.extend(from_values(&text));
    extracted.extend(from_annotations(&text));
    assert_fits_list(extracted);
}

/// Checks that images proposed from an image file fit into a list.
pub fn images_file(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    assert_fits_list(ImagesFile::parse(&text).images);
}

/// Checks that images of compose files, Dockerfiles, catalogs and lists of packages fit into a list, and
/// that their lines are lines of the text.
pub fn image_texts(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = TextFormat::detect("", &text);
    let lines = text.lines().count().max(1);
    let variables = Variables::from([("TAG".to_owned(), "1".to_owned())]);
    let mut catalog = Catalog::default();
    catalog.add_file("file", &text);
    let mut transformed = from_manifests(&text);
    let added = Kustomization::parse(&text).transform(transformed.iter_mut(), false);
    transformed.extend(added.images);
    let all = [
        compose(&text, &variables).images,
        dockerfile(&text, &variables).images,
        hauler(&text).images,
        zarf(&text).images,
        images_lock(&text).images,
        catalog.images(&CatalogSelection::default()).images,
        transformed,
    ];
    for images in all {
        for image in &images {
            assert!((1..=lines).contains(&image.line), "{image:?}");
        }
    }
}

fn assert_fits_list(extracted: Vec<ExtractedImage>) {
    let not_in_a_field = |c: char| c.is_whitespace() || c.is_control();
    for image in propose(extracted, &ProposalRules::default()).images {
        for field in [&image.repository, &image.tag] {
            assert!(
                !field.is_empty() && !field.contains(not_in_a_field),
                "{field:?}"
            );
        }
        assert!(!image.repository.starts_with(['#', '/']), "{image:?}");
    }
}

#[cfg(test)]
mod tests {
    use testkit::replay_corpus;

    use super::*;

    #[test]
    fn corpus_passes() {
        replay_corpus("chart_text", chart_text);
        replay_corpus("images_file", images_file);
        replay_corpus("image_texts", image_texts);
    }
}
