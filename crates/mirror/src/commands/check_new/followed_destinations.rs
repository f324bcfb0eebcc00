//! The destinations of followed entries that a branch adds.

use std::collections::{HashMap, HashSet};

use image_name::RepositoryName;
use images_list::{Destination, Targets};
use tag_retrieval::config::Config;

use super::branch_check::{RowProblem, Status};
use super::policy_changes::TargetRevisions;
use crate::cli::failure::Finding;
use crate::files::config_file::ConfigFile;
use crate::registries::availability::Availability;

/// The destination repositories of followed entries that the base did not have and that must exist.
#[derive(Debug, Default)]
pub(crate) struct FollowedDestinations {
    /// The configuration, as named on the command line.
    config: String,
    new: Vec<FollowedDestination>,
}

#[derive(Debug)]
struct FollowedDestination {
    entry: String,
    /// The line of the configuration that the entry begins on.
    line: usize,
    repository: RepositoryName,
}

impl FollowedDestinations {
    /// Compares the configuration with that of the base, `None` if the base had no valid one.
    pub(crate) fn new(
        base: Option<&Config>,
        current: &ConfigFile,
        targets: &TargetRevisions,
    ) -> Self {
        let before = base.map(|base| destinations(base, &targets.base));
        let before = before.into_iter().flatten();
        let mut known: HashSet<_> = before.map(|known| known.repository).collect();
        let now = destinations(&current.config, &targets.current);
        let new = now.into_iter();
        let new = new.filter(|destination| known.insert(destination.repository.clone()));
        Self {
            config: current.name.clone(),
            new: new.collect(),
        }
    }

    /// Returns the repositories.
    pub(crate) fn repositories(&self) -> impl Iterator<Item = RepositoryName> {
        self.new.iter().map(|new| new.repository.clone())
    }

    /// Returns a finding for each repository that does not exist or cannot be checked. One that needs
    /// credentials is only logged, unless the check is strict.
    pub(crate) fn findings(
        &self,
        checked: &HashMap<RepositoryName, Availability>,
        is_strict: bool,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        for new in &self.new {
            let availability = checked.get(&new.repository);
            let problem = availability
                .and_then(|availability| RowProblem::of_destination(&new.repository, availability));
            let Some(problem) = problem else { continue };
            let finding = Finding {
                file: self.config.clone(),
                line: new.line,
                message: format!("entry `{}`: {}", new.entry, problem.message),
            };
            match problem.status == Status::Unchecked && !is_strict {
                true => tracing::warn!("{finding}"),
                false => findings.push(finding),
            }
        }
        findings
    }
}

/// Returns the destination repositories of followed entries that must exist. Invalid names are problems
/// of the configuration.
fn destinations(config: &Config, targets: &Targets) -> Vec<FollowedDestination> {
    let mut found = Vec::new();
    for entry in config.entries.iter().filter(|entry| entry.follow.is_some()) {
        for image in entry.source.images() {
            let destination = image.destination.as_deref();
            let destination = destination.and_then(|text| text.parse::<Destination>().ok());
            let written = destination.and_then(|destination| targets.expand(&destination).ok());
            let written = written.unwrap_or_default();
            found.extend(
                written
                    .iter()
                    .filter(|written| written.must_exist())
                    .map(|written| FollowedDestination {
                        entry: entry.name.clone(),
                        line: entry.line,
                        repository: written.repository.clone(),
                    }),
            );
        }
    }
    found
}
