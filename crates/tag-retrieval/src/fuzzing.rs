//! What no text may do to this crate: one function for each target of `fuzz/`.
//!
//! Here for `cargo fuzz` (`cfg(fuzzing)`) and for the tests, which run what fuzzing has found before.

use crate::config::Config;
use crate::extraction::{
    Mention, Rules, choose, in_annotations, in_images_file, in_manifests, in_values,
};

/// What a chart renders, its values and its annotations: what is proposed of them can stand in a list.
pub fn chart_text(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut mentions = in_manifests(&text);
    mentions.extend(in_values(&text));
    mentions.extend(in_annotations(&text));
    proposable(mentions);
}

/// A file of images, the same.
pub fn images_file(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    proposable(in_images_file(&text).mentions);
}

fn proposable(mentions: Vec<Mention>) {
    let in_no_field = |c: char| c.is_whitespace() || c.is_control();
    for image in choose(mentions, &Rules::default()).images {
        for field in [&image.image, &image.tag] {
            assert!(
                !field.is_empty() && !field.contains(in_no_field),
                "{field:?}"
            );
        }
        assert!(!image.image.starts_with(['#', '/']), "{image:?}");
    }
}

/// A configuration is read, or what is wrong with it stands somewhere in it.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Err(problems) = Config::parse(&text) {
        assert!(!problems.is_empty());
        let lines = text.split('\n').count();
        for problem in problems {
            assert!((1..=lines).contains(&problem.line), "{problem:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs what is in the corpus of a target.
    fn replay(target: &str, run: fn(&[u8])) {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");
        let entries = std::fs::read_dir(format!("{corpus}/{target}")).unwrap();
        let ran = entries.map(|entry| run(&std::fs::read(entry.unwrap().path()).unwrap()));
        assert!(ran.count() > 0, "{target} has no corpus");
    }

    #[test]
    fn what_fuzzing_knows_breaks_nothing() {
        replay("chart_text", chart_text);
        replay("config", config);
        replay("images_file", images_file);
    }
}
