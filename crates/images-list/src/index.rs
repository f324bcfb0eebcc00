//! Looking rows up.

use crate::list::List;
use crate::repository::Repository;
use crate::row::{Row, RowAt};
use crate::tag::Tag;
use std::collections::{HashMap, HashSet};

/// The rows of a list by their source, and by what they write.
///
/// It is made from the list as it is and borrows it, so the list cannot change
/// under it.
#[derive(Debug)]
pub struct Index<'a> {
    sources: Vec<Source<'a>>,
    /// A source's place in `sources`.
    by_source: HashMap<&'a Repository, usize>,
    by_destination: HashMap<&'a Repository, HashMap<&'a Tag, Vec<RowAt<'a>>>>,
}

/// A source of the list, and what the list says of it.
#[derive(Debug)]
pub struct Source<'a> {
    /// The source, spelled as in its first row.
    pub repository: &'a Repository,
    /// Where it is copied to: each destination once, in the order of the list.
    pub destinations: Vec<&'a Repository>,
    /// Its rows, in the order of the list.
    pub rows: Vec<RowAt<'a>>,
    tags: HashSet<&'a Tag>,
}

impl<'a> Index<'a> {
    /// Notes every row of a list.
    #[must_use]
    pub fn of(list: &'a List) -> Self {
        let mut index = Self {
            sources: Vec::new(),
            by_source: HashMap::new(),
            by_destination: HashMap::new(),
        };
        for at in list.rows() {
            index.add(at);
        }
        index
    }

    fn add(&mut self, at: RowAt<'a>) {
        let Row {
            source,
            destination,
            tag,
        } = at.row;
        let place = *self.by_source.entry(source).or_insert_with(|| {
            self.sources.push(Source::new(source));
            self.sources.len() - 1
        });
        if let Some(source) = self.sources.get_mut(place) {
            source.add(at);
        }
        let tags = self.by_destination.entry(destination).or_default();
        tags.entry(tag).or_default().push(at);
    }

    /// All sources, in the order in which the list first has them.
    #[must_use]
    pub fn sources(&self) -> &[Source<'a>] {
        &self.sources
    }

    /// What the list says of a source; `None` if it never names it.
    #[must_use]
    pub fn source(&self, repository: &Repository) -> Option<&Source<'a>> {
        self.sources.get(*self.by_source.get(repository)?)
    }

    /// Whether a row copies this image, to whatever destination.
    #[must_use]
    pub fn contains(&self, source: &Repository, tag: &Tag) -> bool {
        self.source(source)
            .is_some_and(|source| source.tags.contains(tag))
    }

    /// The rows that write `destination:tag`, in the order of the list; more
    /// than one is a duplicate or a conflict.
    #[must_use]
    pub fn rows_to(&self, destination: &Repository, tag: &Tag) -> &[RowAt<'a>] {
        let rows = self.by_destination.get(destination);
        rows.and_then(|tags| tags.get(tag))
            .map_or(&[], Vec::as_slice)
    }
}

impl<'a> Source<'a> {
    fn new(repository: &'a Repository) -> Self {
        Self {
            repository,
            destinations: Vec::new(),
            rows: Vec::new(),
            tags: HashSet::new(),
        }
    }

    fn add(&mut self, at: RowAt<'a>) {
        if !self.destinations.contains(&&at.row.destination) {
            self.destinations.push(&at.row.destination);
        }
        self.rows.push(at);
        self.tags.insert(&at.row.tag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "b x 1\na y 1\nlibrary/b z 1\nb docker.io/x 2\nc z 1\n";

    fn repository(name: &str) -> Repository {
        name.parse().unwrap()
    }

    fn lines(rows: &[RowAt<'_>]) -> Vec<usize> {
        rows.iter().map(|at| at.line).collect()
    }

    #[test]
    fn sources_come_in_the_order_of_the_list() {
        let list = List::parse(LIST);
        let index = Index::of(&list);
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
    fn rows_are_found_by_full_names() {
        let list = List::parse(LIST);
        let index = Index::of(&list);
        let tag = |text: &str| text.parse::<Tag>().unwrap();
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
}
