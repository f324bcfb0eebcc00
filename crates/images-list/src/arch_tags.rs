//! Rows whose `TAG-ARCH` tags are tags of other rows.

use std::collections::HashMap;
use std::hash::Hash;

use image_name::Tag;

/// The tag that a row writes.
#[derive(Debug, Clone, Copy)]
pub struct WrittenTag<'a, R, I> {
    /// The destination repository.
    pub repository: R,
    /// The tag.
    pub tag: &'a Tag,
    /// The row, for the result.
    pub row: I,
}

/// Returns the pairs of a row of `rows` and a row of `all` where a `TAG-ARCH` tag of the first may
/// be the tag of the second. The platforms of an image are not known beforehand: every
/// architecture and variant counts.
pub fn arch_tag_conflicts<'a, R: Copy + Eq + Hash, I: Clone>(
    rows: impl IntoIterator<Item = WrittenTag<'a, R, I>>,
    all: impl IntoIterator<Item = WrittenTag<'a, R, I>>,
) -> Vec<(I, I)> {
    let mut bases = HashMap::new();
    for WrittenTag {
        repository,
        tag,
        row,
    } in rows
    {
        bases.entry((repository, tag.as_str())).or_insert(row);
    }
    let mut conflicts = Vec::new();
    for WrittenTag {
        repository,
        tag,
        row,
    } in all
    {
        let of_base = |base| bases.get(&(repository, base)).cloned();
        let found = tag.without_architecture().filter_map(of_base);
        conflicts.extend(found.map(|base| (base, row.clone())));
    }
    conflicts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicts_are_within_a_repository() {
        let tags: Vec<(&str, Tag)> = [
            ("a", "v1"),
            ("a", "v1-arm64"),
            ("b", "v1-amd64"),
            ("a", "v1-amd64-windows-1809"),
            ("a", "v1-prod"),
            ("a", "v2-amd64"),
            ("a", "v1"),
        ]
        .into_iter()
        .map(|(repository, tag)| (repository, tag.parse().unwrap()))
        .collect();
        let written: Vec<_> = tags
            .iter()
            .enumerate()
            .map(|(row, (repository, tag))| WrittenTag {
                repository: *repository,
                tag,
                row,
            })
            .collect();
        let found = arch_tag_conflicts(written.iter().copied(), written.iter().copied());
        assert_eq!(found, [(0, 1), (0, 3)]);
        // A row that is not part of the run overwrites nothing.
        let found = arch_tag_conflicts(written[1..6].iter().copied(), written.iter().copied());
        assert_eq!(found, []);
    }
}
