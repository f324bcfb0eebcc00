//! Properties that hold for every input, one function for each target in `fuzz/`.
//!
//! `cargo fuzz` calls them under `cfg(fuzzing)`; the tests replay the corpus with them.

use crate::config::Config;
use crate::image_sources;

/// Checks that each problem of an invalid configuration has a line within the text.
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

/// Checks that a layer of an image is read within its bounds.
pub fn layer(data: &[u8]) {
    image_sources::fuzz_layer(data);
}

#[cfg(test)]
mod tests {
    use testkit::replay_corpus;

    use super::*;

    #[test]
    fn corpus_passes() {
        replay_corpus("config", config);
        replay_corpus("layer", layer);
    }
}
