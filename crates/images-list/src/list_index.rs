//! An index of the rows of a list.

use crate::list::List;
use crate::row::{NumberedRow, Row};
use image_name::{ManifestReference, RepositoryName};
use std::collections::{HashMap, HashSet};

/// An index of the rows of a list by source, and by destination and tag.
#[derive(Debug)]
pub struct ListIndex<'a> {
    sources: Vec<Source<'a>>,
    /// Indexes into `sources`.
    by_source: HashMap<&'a RepositoryName, usize>,
    by_destination:
        HashMap<&'a RepositoryName, HashMap<&'a ManifestReference, Vec<NumberedRow<'a>>>>,
}

/// A source of the list with its destinations and rows.
#[derive(Debug)]
pub struct Source<'a> {
    /// The source, as the first row spells it.
    pub repository: &'a RepositoryName,
    /// The destinations, each once, in the order of the list.
    pub destinations: Vec<&'a RepositoryName>,
    /// The rows in the order of the list.
    pub rows: Vec<NumberedRow<'a>>,
    tags: HashSet<&'a ManifestReference>,
}

impl<'a> ListIndex<'a> {
    /// Indexes the rows of a list.
    #[must_use]
    pub fn new(list: &'a List) -> Self {
        let mut index = Self {
            sources: Vec::new(),
            by_source: HashMap::new(),
            by_destination: HashMap::new(),
        };
        for numbered in list.rows() {
            index.add(numbered);
        }
        index
    }

    fn add(&mut self, numbered: NumberedRow<'a>) {
        let Row {
            source,
            destination,
            tag,
        } = numbered.row;
        let position = *self.by_source.entry(source).or_insert_with(|| {
            self.sources.push(Source::new(source));
            self.sources.len() - 1
        });
        if let Some(source) = self.sources.get_mut(position) {
            source.add(numbered);
        }
        let tags = self.by_destination.entry(destination).or_default();
        for tag in tag.destinations() {
            tags.entry(tag).or_default().push(numbered);
        }
    }

    /// Returns the sources in the order of their first rows.
    #[must_use]
    pub fn sources(&self) -> &[Source<'a>] {
        &self.sources
    }

    /// Returns a source, `None` if the list does not have it.
    #[must_use]
    pub fn source(&self, repository: &RepositoryName) -> Option<&Source<'a>> {
        self.sources.get(*self.by_source.get(repository)?)
    }

    /// Checks whether a row copies this image to any destination.
    #[must_use]
    pub fn contains(&self, source: &RepositoryName, tag: &ManifestReference) -> bool {
        self.source(source)
            .is_some_and(|source| source.tags.contains(tag))
    }

    /// Returns the rows that write `destination:tag`, in the order of the list. More than one is a
    /// duplicate or a conflict.
    #[must_use]
    pub fn rows_to(
        &self,
        destination: &RepositoryName,
        tag: &ManifestReference,
    ) -> &[NumberedRow<'a>] {
        let rows = self.by_destination.get(destination);
        rows.and_then(|tags| tags.get(tag))
            .map_or(&[], Vec::as_slice)
    }
}

impl<'a> Source<'a> {
    fn new(repository: &'a RepositoryName) -> Self {
        Self {
            repository,
            destinations: Vec::new(),
            rows: Vec::new(),
            tags: HashSet::new(),
        }
    }

    fn add(&mut self, numbered: NumberedRow<'a>) {
        if !self.destinations.contains(&&numbered.row.destination) {
            self.destinations.push(&numbered.row.destination);
        }
        self.rows.push(numbered);
        self.tags.insert(numbered.row.tag.source());
    }
}

/// Chooses the destination of further tags of a source: the only destination, else the only one whose
/// last component is the [default name](default_mirror_name), else the only one with `/mirrored-` in
/// its name. Returns `None` if that is ambiguous.
#[must_use]
pub fn choose_destination<'a>(
    source: &RepositoryName,
    destinations: &[&'a RepositoryName],
) -> Option<&'a RepositoryName> {
    let default = default_mirror_name(source);
    let has_default_name =
        |name: &RepositoryName| name.path().components().last() == Some(&default);
    let is_mirrored = |name: &RepositoryName| format!("/{}", name.path()).contains("/mirrored-");
    only(destinations, |_| true)
        .or_else(|| only(destinations, has_default_name))
        .or_else(|| only(destinations, is_mirrored))
}

/// Returns the default name of a source's repository in a mirror: `mirrored-ORG-NAME` of the last two
/// components of the path, or `mirrored-NAME`. Docker Hub's `busybox` is `library/busybox`.
#[must_use]
pub fn default_mirror_name(source: &RepositoryName) -> String {
    let mut components = source.path().as_str().rsplit('/');
    let name = components.next().unwrap_or_default();
    match components.next() {
        Some(organization) => format!("mirrored-{organization}-{name}"),
        None => format!("mirrored-{name}"),
    }
}

/// Returns the only destination that passes a filter.
fn only<'a>(
    names: &[&'a RepositoryName],
    filter: impl Fn(&RepositoryName) -> bool,
) -> Option<&'a RepositoryName> {
    let mut matches = names.iter().filter(|name| filter(name));
    let first = matches.next()?;
    matches.next().is_none().then_some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "b x 1\na y 1\nlibrary/b z 1\nb docker.io/x 2\nc z 1\n";

    fn repository(name: &str) -> RepositoryName {
        name.parse().unwrap()
    }

    fn lines(rows: &[NumberedRow<'_>]) -> Vec<usize> {
        rows.iter().map(|numbered| numbered.line).collect()
    }

    #[test]
    fn sources_are_in_the_order_of_the_list() {
        let list = List::parse(LIST);
        let index = ListIndex::new(&list);
        let sources = index.sources().iter().map(|source| {
            let names = source
                .destinations
                .iter()
                .map(|name| name.as_written())
                .collect();
            (source.repository.as_written(), names, lines(&source.rows))
        });
        let expected: [(&str, Vec<&str>, Vec<usize>); 3] = [
            ("b", vec!["x", "z"], vec![1, 3, 4]),
            ("a", vec!["y"], vec![2]),
            ("c", vec!["z"], vec![5]),
        ];
        assert_eq!(sources.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn rows_are_found_by_any_spelling() {
        let list = List::parse(LIST);
        let index = ListIndex::new(&list);
        let tag = |text: &str| text.parse::<ManifestReference>().unwrap();
        assert!(index.contains(&repository("docker.io/library/b"), &tag("2")));
        assert!(!index.contains(&repository("a"), &tag("2")));
        assert!(!index.contains(&repository("d"), &tag("1")));
        assert_eq!(
            lines(index.rows_to(&repository("library/z"), &tag("1"))),
            [3, 5]
        );
        assert_eq!(
            lines(index.rows_to(&repository("z"), &tag("2"))),
            [] as [usize; 0]
        );
        assert!(index.source(&repository("quay.io/b")).is_none());
        assert_eq!(
            index.source(&repository("library/b")).unwrap().rows.len(),
            3
        );
    }

    #[test]
    fn choose_destination_is_none_if_ambiguous() {
        let table = [
            ("q.io/a/b", "r/anything", Some("r/anything")),
            ("q.io/a/b", "r/a-b r/mirrored-a-b", Some("r/mirrored-a-b")),
            (
                "q.io/x/a/b",
                "r/mirrored-x-a-b r/mirrored-a-b",
                Some("r/mirrored-a-b"),
            ),
            (
                "busybox",
                "r/library-busybox r/mirrored-library-busybox",
                Some("r/mirrored-library-busybox"),
            ),
            (
                "k8s.io/pause",
                "r/mirrored-pause-x r.io/o/mirrored-pause",
                Some("r.io/o/mirrored-pause"),
            ),
            // Without the default name: the only one with `mirrored-`.
            ("q.io/a/b", "r/b r/mirrored-b", Some("r/mirrored-b")),
            ("q.io/a/b", "r/b mirrored-b", Some("mirrored-b")),
            // Ambiguous: two with the default name, two with `mirrored-`, none with it.
            ("q.io/a/b", "r/mirrored-a-b s/mirrored-a-b", None),
            ("q.io/a/b", "r/mirrored-b r/mirrored-c", None),
            ("q.io/a/b", "r/b r/notmirrored-a-b", None),
            ("q.io/a/b", "", None),
        ];
        for (source, destinations, expected) in table {
            let destinations: Vec<_> = destinations.split_whitespace().map(repository).collect();
            let chosen = choose_destination(
                &repository(source),
                &destinations.iter().collect::<Vec<_>>(),
            );
            let chosen = chosen.map(RepositoryName::as_written);
            assert_eq!(chosen, expected, "{source}: {destinations:?}");
        }
    }
}
