//! The expansion of destinations to repositories.

use std::sync::Arc;

use image_name::{RepositoryName, RepositoryNameError};

use super::target::Target;
use super::targets::Targets;
use crate::destination::{Destination, TargetName};

/// A repository that a row writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenRepository {
    /// The repository.
    pub repository: RepositoryName,
    /// The target, `None` for a repository that the row names itself.
    pub target: Option<Arc<Target>>,
}

impl WrittenRepository {
    /// Returns true if the repository must exist before its first row is copied.
    #[must_use]
    pub fn must_exist(&self) -> bool {
        let target = self.target.as_ref();
        target.is_none_or(|target| target.create.requires_repository())
    }

    /// Returns true if a run creates the repository, or its project, through an API.
    #[must_use]
    pub fn is_created_by_api(&self) -> bool {
        let target = self.target.as_ref();
        target.is_some_and(|target| target.create.uses_api())
    }
}

/// The reason why a destination has no repositories.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpansionError {
    /// A name is neither that of a target nor that of a group.
    #[error("`{name}` is not a target or group{}", nearest_hint(.nearest.as_deref(), *.has_targets))]
    UnknownTarget {
        /// The name.
        name: TargetName,
        /// The most similar name of a target or group.
        nearest: Option<String>,
        /// True if the targets file has targets.
        has_targets: bool,
    },
    /// The prefix of a target and the path are not a repository.
    #[error("`{repository}`, the repository at the target `{target}`, is not valid: {reason}")]
    Repository {
        /// The prefix and the path.
        repository: String,
        /// The target.
        target: TargetName,
        /// The reason.
        reason: RepositoryNameError,
    },
}

fn nearest_hint(nearest: Option<&str>, has_targets: bool) -> String {
    match nearest {
        Some(nearest) => format!("; the nearest name is `{nearest}`"),
        None if has_targets => "; define it in the targets file".to_owned(),
        None => {
            "; there is no targets file: define it in `targets.json` beside the list".to_owned()
        }
    }
}

impl Targets {
    /// Returns the repositories of a destination, each target once, in the order of the names in the
    /// destination and of the targets in each group.
    ///
    /// # Errors
    ///
    /// All errors of the destination, at least one.
    pub fn expand(
        &self,
        destination: &Destination,
    ) -> Result<Vec<WrittenRepository>, Vec<ExpansionError>> {
        let targets = match destination {
            Destination::Repository(name) => {
                let repository = name.clone();
                let target = None;
                return Ok(vec![WrittenRepository { repository, target }]);
            }
            Destination::Targets(targets) => targets,
        };
        let mut written: Vec<WrittenRepository> = Vec::new();
        let mut errors = Vec::new();
        for name in targets.names() {
            let Some(members) = self.members(name) else {
                errors.push(ExpansionError::UnknownTarget {
                    name: name.clone(),
                    nearest: self.nearest(name).map(str::to_owned),
                    has_targets: !self.is_empty(),
                });
                continue;
            };
            for target in members {
                let is_same = |other: &WrittenRepository| {
                    other
                        .target
                        .as_ref()
                        .is_some_and(|other| other.name == target.name)
                };
                if written.iter().any(is_same) {
                    continue;
                }
                match target.prefix.repository(targets.path()) {
                    Ok(repository) => written.push(WrittenRepository {
                        repository,
                        target: Some(Arc::clone(target)),
                    }),
                    Err(reason) => errors.push(ExpansionError::Repository {
                        repository: format!("{}/{}", target.prefix, targets.path()),
                        target: target.name.clone(),
                        reason,
                    }),
                }
            }
        }
        if errors.is_empty() {
            Ok(written)
        } else {
            errors.dedup();
            Err(errors)
        }
    }
}

/// The expansions of the destinations of rows, one after the other.
///
/// The default has no targets.
#[derive(Debug, Default)]
pub struct Expansions<'a> {
    targets: Option<&'a Targets>,
    /// The last one, since most rows of a sorted list repeat the destination. A map of all of them would
    /// take more time than it saves.
    last: Option<(Destination, Expansion)>,
}

/// The repositories of a destination, or its errors.
pub type Expansion = Result<Arc<[WrittenRepository]>, Arc<[ExpansionError]>>;

impl<'a> Expansions<'a> {
    /// Creates the expansions of rows that may name targets.
    #[must_use]
    pub fn new(targets: &'a Targets) -> Self {
        Self {
            targets: Some(targets),
            ..Self::default()
        }
    }

    /// Returns the repositories of a destination.
    ///
    /// # Errors
    ///
    /// As [`Targets::expand`].
    pub fn expand(&mut self, destination: &Destination) -> Expansion {
        if let Some((last, expansion)) = &self.last
            && last == destination
        {
            return expansion.clone();
        }
        let expanded = match self.targets {
            Some(targets) => targets.expand(destination),
            None => Targets::default().expand(destination),
        };
        let expansion: Expansion = match expanded {
            Ok(written) => Ok(written.into()),
            Err(errors) => Err(errors.into()),
        };
        self.last = Some((destination.clone(), expansion.clone()));
        expansion
    }
}
