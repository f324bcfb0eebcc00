//! The branch of a proposal.

use super::Marker;

/// The prefix of the branches of proposals. No other branch has it.
pub(super) const PREFIX: &str = "mirror/";
/// Maximum characters of the entry's name in the branch name.
const LONGEST: usize = 60;
/// Number of digits of the hash in the branch name.
const DIGITS: usize = 12;

/// Returns `mirror/ENTRY-HASH`, a valid name by git-check-ref-format(1) for any entry. The hash
/// separates entries whose names become equal.
pub(super) fn branch(entry: &str, marker: &Marker) -> String {
    let safe = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '.' => c,
        _ => '-',
    };
    let mut name: String = entry.chars().take(LONGEST).map(safe).collect();
    while name.contains("..") {
        name = name.replace("..", ".");
    }
    let name = name.trim_matches(['.', '-']);
    let name = if name.is_empty() { "entry" } else { name };
    let digits: String = marker.set.chars().take(DIGITS).collect();
    format!("{PREFIX}{name}-{digits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branch_name_is_valid_for_any_entry() {
        let marker = Marker {
            entry: String::new(),
            set: "0123456789abcdef".to_owned(),
            rows: Vec::new(),
            is_done: false,
        };
        let table = [
            ("csi-release-syncer", "csi-release-syncer"),
            ("a b/c:d~^*?[\\", "a-b-c-d"),
            ("...a...b.lock", "a.b.lock"),
            ("-f", "f"),
            ("@{é}", "entry"),
            ("", "entry"),
        ];
        for (entry, want) in table {
            let name = branch(entry, &marker);
            assert_eq!(name, format!("mirror/{want}-0123456789ab"), "{entry}");
        }
        assert!(branch(&"x".repeat(500), &marker).len() < 100);
    }
}
