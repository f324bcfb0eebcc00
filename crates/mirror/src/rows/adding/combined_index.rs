//! An index of several lists.

use image_name::RepositoryName;
use images_list::{CommentedRow, ListIndex, Row, Source, choose_destination};

use super::{AddProblem, Destination, PlannedRow, Verdict};
use crate::files::list_file::ListFile;
use crate::registries::availability::ImageTag;

/// An index of several lists.
pub(super) struct CombinedIndex<'a> {
    lists: Vec<IndexedList<'a>>,
}

struct IndexedList<'a> {
    file: &'a ListFile,
    index: ListIndex<'a>,
    commented: Vec<CommentedRow>,
}

impl<'a> CombinedIndex<'a> {
    pub(super) fn new(files: &'a [ListFile]) -> Self {
        let lists = files.iter().map(|file| IndexedList {
            file,
            index: ListIndex::new(&file.list),
            commented: file.list.commented_rows(),
        });
        Self {
            lists: lists.collect(),
        }
    }

    /// Returns the verdict of the lists on an image.
    pub(super) fn verdict_on(&self, image: &ImageTag, destination: &Destination) -> Verdict {
        let mapping = match destination {
            Destination::FromList => self.chosen(&image.source),
            Destination::Named(name) => self.named(&image.source, name),
            Destination::New(name) => self.new_mapping(&image.source, name),
        };
        let planned = match mapping {
            Ok((list, source, destination)) => PlannedRow {
                row: Row {
                    source,
                    destination,
                    tag: image.tag.clone().into(),
                },
                list,
            },
            Err(problem) => return Verdict::Refused(problem),
        };
        match self.obstacle(&planned.row) {
            None => Verdict::Add(planned),
            Some(problem @ AddProblem::Present { .. }) => Verdict::Present(planned, problem),
            Some(problem) => Verdict::Refused(problem),
        }
    }

    /// Returns the rows of a source by list, with the list's index.
    fn sources(&self, source: &RepositoryName) -> impl Iterator<Item = (usize, &Source<'a>)> {
        let source = source.clone();
        let lists = self.lists.iter().enumerate();
        lists.filter_map(move |(at, list)| Some((at, list.index.source(&source)?)))
    }

    /// Returns all destinations of a source, each once.
    fn destinations(&self, source: &RepositoryName) -> Vec<&'a RepositoryName> {
        let mut all: Vec<&RepositoryName> = Vec::new();
        for (_, found) in self.sources(source) {
            for destination in &found.destinations {
                if !all.contains(destination) {
                    all.push(destination);
                }
            }
        }
        all
    }

    /// Returns the first row with this mapping, its line and the index of its list.
    fn mapping(
        &self,
        source: &RepositoryName,
        destination: &RepositoryName,
    ) -> Option<(usize, usize, &'a Row)> {
        self.sources(source).find_map(|(list, found)| {
            let fits = |row: &Row| row.destination == *destination;
            let first = found.rows.iter().find(|at| fits(at.row))?;
            Some((list, first.line, first.row))
        })
    }

    /// Chooses among the destinations of a source.
    fn chosen(
        &self,
        source: &RepositoryName,
    ) -> Result<(usize, RepositoryName, RepositoryName), AddProblem> {
        let destinations = self.destinations(source);
        if destinations.is_empty() {
            return Err(self.not_listed(source));
        }
        let chosen = choose_destination(source, &destinations);
        let mapping = chosen.and_then(|chosen| self.mapping(source, chosen));
        let (list, _, row) = mapping.ok_or_else(|| AddProblem::Ambiguous {
            destinations: destinations.into_iter().cloned().collect(),
        })?;
        Ok((list, row.source.clone(), row.destination.clone()))
    }

    /// Checks the destination that the request names.
    fn named(
        &self,
        source: &RepositoryName,
        name: &RepositoryName,
    ) -> Result<(usize, RepositoryName, RepositoryName), AddProblem> {
        if let Some((list, _, row)) = self.mapping(source, name) {
            return Ok((list, row.source.clone(), row.destination.clone()));
        }
        let destinations = self.destinations(source);
        if destinations.is_empty() {
            return Err(self.not_listed(source));
        }
        Err(AddProblem::NotADestination {
            lists: self.names(),
            named: name.clone(),
            destinations: destinations.into_iter().cloned().collect(),
        })
    }

    /// Checks a new destination.
    fn new_mapping(
        &self,
        source: &RepositoryName,
        name: &RepositoryName,
    ) -> Result<(usize, RepositoryName, RepositoryName), AddProblem> {
        if let Some((list, line, row)) = self.mapping(source, name) {
            return Err(AddProblem::NotNew {
                destination: row.destination.clone(),
                location: self.lists[list].file.location(line).to_string(),
            });
        }
        let known = self.sources(source).next();
        let (list, source) = known.map_or((0, source), |(at, found)| (at, found.repository));
        Ok((list, source.clone(), name.clone()))
    }

    /// Returns the row or the comment that prevents a row.
    fn obstacle(&self, row: &Row) -> Option<AddProblem> {
        let tag = row.tag.source();
        let present = self.sources(&row.source).find_map(|(list, found)| {
            let at = found.rows.iter().find(|at| is_known(at.row, row))?;
            Some((list, at))
        });
        if let Some((list, at)) = present {
            let location = self.lists[list].file.location(at.line).to_string();
            let row = Box::new(at.row.clone());
            return Some(AddProblem::Present { row, location });
        }
        let mut writers = self.lists.iter().flat_map(|list| {
            let rows = list.index.rows_to(&row.destination, tag).iter();
            rows.map(move |at| (list.file, at))
        });
        let taken = writers.next().map(|(file, at)| AddProblem::Taken {
            destination: row.destination.clone(),
            tag: tag.clone(),
            other_source: at.row.source.clone(),
            location: file.location(at.line).to_string(),
        });
        self.commented_out(row).or(taken)
    }

    fn commented_out(&self, row: &Row) -> Option<AddProblem> {
        self.lists.iter().find_map(|list| {
            let mut commented = list.commented.iter();
            let found = commented.find(|found| is_known(&found.row, row))?;
            Some(AddProblem::CommentedOut {
                row: Box::new(found.row.clone()),
                location: list.file.location(found.line).to_string(),
            })
        })
    }

    /// Reports whether any row has this destination.
    pub(super) fn have_destination(&self, name: &RepositoryName) -> bool {
        let mut rows = self.lists.iter().flat_map(|list| list.file.list.rows());
        rows.any(|at| at.row.destination == *name)
    }

    /// Names the sources whose last two path components are the same.
    fn not_listed(&self, source: &RepositoryName) -> AddProblem {
        let ending = |name: &RepositoryName| {
            let mut components = name.path().as_str().rsplit('/');
            (
                components.next().map(str::to_owned),
                components.next().map(str::to_owned),
            )
        };
        let wanted = ending(source);
        let mut similar: Vec<RepositoryName> = Vec::new();
        for known in self.lists.iter().flat_map(|list| list.index.sources()) {
            if ending(known.repository) == wanted && !similar.contains(known.repository) {
                similar.push(known.repository.clone());
            }
        }
        AddProblem::NotListed {
            lists: self.names(),
            similar,
        }
    }

    fn names(&self) -> String {
        let names: Vec<_> = self
            .lists
            .iter()
            .map(|list| list.file.name.as_str())
            .collect();
        names.join(", ")
    }
}

/// Returns true if a row has the mapping and the version of a planned one. A version is known by its
/// tag at the source, whatever the row pins or writes.
fn is_known(known: &Row, planned: &Row) -> bool {
    known.source == planned.source
        && known.destination == planned.destination
        && known.tag.source() == planned.tag.source()
}
