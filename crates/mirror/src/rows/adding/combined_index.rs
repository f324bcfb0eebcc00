//! An index of several lists.

use std::sync::Arc;

use image_name::RepositoryName;
use images_list::{
    CommentedRow, Destination, ListIndex, Row, Source, TagColumn, Targets, WrittenRepository,
    choose_destination,
};

use super::{AddProblem, DestinationChoice, PlannedRow, Verdict};
use crate::files::list_file::{self, ListFile};
use crate::registries::availability::ImageTag;

/// An index of several lists.
pub(super) struct CombinedIndex<'a> {
    lists: Vec<IndexedList<'a>>,
    targets: Arc<Targets>,
}

/// The source and the destination of a new row, and the index of its list.
struct Mapping {
    list: usize,
    source: RepositoryName,
    destination: Destination,
    /// No row has the destination for this source.
    is_new: bool,
}

struct IndexedList<'a> {
    file: &'a ListFile,
    index: ListIndex<'a>,
    commented: Vec<CommentedRow>,
}

impl Mapping {
    /// Returns the mapping of a row.
    fn of_row(list: usize, row: &Row) -> Self {
        Self {
            list,
            source: row.source.clone(),
            destination: row.destination.clone(),
            is_new: false,
        }
    }
}

impl<'a> CombinedIndex<'a> {
    pub(super) fn new(files: &'a [ListFile]) -> Self {
        let lists = files.iter().map(|file| IndexedList {
            file,
            index: ListIndex::with_targets(&file.list, &file.targets),
            commented: file.list.commented_rows(),
        });
        Self {
            lists: lists.collect(),
            targets: list_file::targets_of(files),
        }
    }

    /// Returns the verdict of the lists on an image.
    pub(super) fn verdict_on(&self, image: &ImageTag, destination: &DestinationChoice) -> Verdict {
        let source = &image.source;
        let mapping = match destination {
            DestinationChoice::FromList => self.chosen(source),
            DestinationChoice::FromListOrDefault | DestinationChoice::FromListOrTemplate(_)
                if self.sources(source).next().is_some() =>
            {
                self.chosen(source)
            }
            DestinationChoice::FromListOrTemplate(template) => template
                .destination(source)
                .map_err(AddProblem::Template)
                .and_then(|destination| self.new_mapping(source, &destination)),
            DestinationChoice::FromListOrDefault | DestinationChoice::NewDefault => {
                self.default_mapping(source)
            }
            DestinationChoice::Named(name) => self.named(source, name),
            DestinationChoice::New(name) => self.new_mapping(source, name),
        };
        let planned = mapping.and_then(|mapping| self.planned(mapping, image));
        let planned = match planned {
            Ok(planned) => planned,
            Err(problem) => return Verdict::Refused(problem),
        };
        match self.obstacle(&planned.row) {
            None => Verdict::Add(planned),
            Some(problem @ AddProblem::Present { .. }) => Verdict::Present(planned, problem),
            Some(problem) => Verdict::Refused(problem),
        }
    }

    fn planned(&self, mapping: Mapping, image: &ImageTag) -> Result<PlannedRow, AddProblem> {
        let Mapping {
            list,
            source,
            destination,
            is_new,
        } = mapping;
        let written = match is_new {
            true => self.new_repositories(&destination)?,
            false => Vec::new(),
        };
        let names = |is_wanted: fn(&WrittenRepository) -> bool| {
            let wanted = written.iter().filter(|written| is_wanted(written));
            wanted.map(|written| written.repository.clone()).collect()
        };
        let new_repositories = names(WrittenRepository::must_exist);
        let created_repositories = names(WrittenRepository::is_created_by_api);
        let tag = TagColumn::from(image);
        let row = Row {
            source,
            destination,
            tag,
        };
        Ok(PlannedRow {
            row,
            new_repositories,
            created_repositories,
            list,
        })
    }

    /// Returns the repositories of a destination that no row writes.
    fn new_repositories(
        &self,
        destination: &Destination,
    ) -> Result<Vec<WrittenRepository>, AddProblem> {
        let written = self.targets.expand(destination).map_err(|errors| {
            let mut errors = errors.into_iter();
            match errors.next() {
                Some(reason) => AddProblem::InvalidDestination {
                    destination: destination.clone(),
                    reason,
                },
                None => AddProblem::NoDestination(destination.to_string()),
            }
        })?;
        let is_new = |repository: &RepositoryName| {
            let mut lists = self.lists.iter();
            !lists.any(|list| list.index.writes(repository))
        };
        let new = written
            .into_iter()
            .filter(|written| is_new(&written.repository));
        Ok(new.collect())
    }

    /// Returns the rows of a source by list, with the list's index.
    fn sources(&self, source: &RepositoryName) -> impl Iterator<Item = (usize, &Source<'a>)> {
        let source = source.clone();
        let lists = self.lists.iter().enumerate();
        lists.filter_map(move |(at, list)| Some((at, list.index.source(&source)?)))
    }

    /// Returns all destinations of a source, each once.
    fn destinations(&self, source: &RepositoryName) -> Vec<&'a Destination> {
        let mut all: Vec<&Destination> = Vec::new();
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
        destination: &Destination,
    ) -> Option<(usize, usize, &'a Row)> {
        self.sources(source).find_map(|(list, found)| {
            let fits = |row: &Row| row.destination == *destination;
            let first = found.rows.iter().find(|at| fits(at.row))?;
            Some((list, first.line, first.row))
        })
    }

    /// Chooses among the destinations of a source.
    fn chosen(&self, source: &RepositoryName) -> Result<Mapping, AddProblem> {
        let destinations = self.destinations(source);
        if destinations.is_empty() {
            return Err(self.not_listed(source));
        }
        let chosen = choose_destination(source, &destinations);
        let mapping = chosen.and_then(|chosen| self.mapping(source, chosen));
        let (list, _, row) = mapping.ok_or_else(|| AddProblem::Ambiguous {
            destinations: destinations.into_iter().cloned().collect(),
        })?;
        Ok(Mapping::of_row(list, row))
    }

    /// Checks the destination that the request names.
    fn named(&self, source: &RepositoryName, name: &Destination) -> Result<Mapping, AddProblem> {
        if let Some((list, _, row)) = self.mapping(source, name) {
            return Ok(Mapping::of_row(list, row));
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
        name: &Destination,
    ) -> Result<Mapping, AddProblem> {
        if let Some((list, line, row)) = self.mapping(source, name) {
            return Err(AddProblem::NotNew {
                destination: row.destination.clone(),
                location: self.lists[list].file.location(line).to_string(),
            });
        }
        let known = self.sources(source).next();
        let (list, source) = known.map_or((0, source), |(at, found)| (at, found.repository));
        Ok(Mapping {
            list,
            source: source.clone(),
            destination: name.clone(),
            is_new: true,
        })
    }

    /// Returns the mapping of a new source to the destination of the targets file.
    fn default_mapping(&self, source: &RepositoryName) -> Result<Mapping, AddProblem> {
        match self.targets.new_destination(source) {
            Ok(Some(destination)) => self.new_mapping(source, &destination),
            Ok(None) => Err(self.not_listed(source)),
            Err(error) => Err(AddProblem::Naming(error)),
        }
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
            let rows = list.index.rows_to(&row.destination, tag).into_iter();
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
