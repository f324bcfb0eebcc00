//! Patches of the files that commands change.

use similar::TextDiff;

/// Returns the difference between two texts of a file as a patch for `git apply`.
pub(crate) fn unified_diff(name: &str, old: &str, new: &str) -> String {
    let name = name.trim_start_matches("./");
    let (before, after) = if name.starts_with('/') {
        (name.to_owned(), name.to_owned())
    } else {
        (format!("a/{name}"), format!("b/{name}"))
    };
    let diff = TextDiff::from_lines(old, new);
    diff.unified_diff().header(&before, &after).to_string()
}
