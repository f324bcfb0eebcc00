//! The corpora of the fuzz targets.

use std::fs;

/// Runs a fuzz target's function on every file of its corpus.
///
/// # Panics
///
/// If the function panics, or the target has no corpus.
pub fn replay_corpus(target: &str, run: fn(&[u8])) {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");
    let files: Vec<_> = fs::read_dir(format!("{corpus}/{target}"))
        .into_iter()
        .flatten()
        .collect();
    assert!(!files.is_empty(), "no corpus for the fuzz target {target}");
    for file in files {
        let path = file.expect("an entry of the corpus").path();
        run(&fs::read(path).expect("a file of the corpus"));
    }
}
