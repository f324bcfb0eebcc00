//! Properties that hold for every input, one function for each target in `fuzz/`.
//!
//! `cargo fuzz` calls them under `cfg(fuzzing)`; the tests replay the corpus with them.

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
    }
}
