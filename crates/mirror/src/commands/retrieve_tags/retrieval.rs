//! The results of all entries.

use tag_retrieval::config::Entry;
use tag_retrieval::{EntryError, NewTags, Organization, Outcome, Retrieved};

use super::known::KnownRows;
use crate::cli::failure::Finding;

/// The results of all entries, in the order of the configuration.
#[derive(Debug)]
pub(crate) struct Retrieval {
    /// The configuration, as named on the command line.
    pub(crate) config: String,
    /// The entries.
    pub(crate) entries: Vec<EntryReport>,
}

/// The result of one entry.
#[derive(Debug)]
pub(crate) struct EntryReport {
    /// The entry's name.
    pub(crate) name: String,
    /// The line of the configuration that it begins on.
    pub(crate) line: usize,
    /// The versions, or the error.
    pub(crate) state: EntryState,
}

/// The versions of an entry, or the error.
#[derive(Debug)]
pub(crate) enum EntryState {
    /// The entry has a result, possibly incomplete.
    Retrieved {
        /// The versions that the source returned.
        retrieved: Box<Retrieved>,
        /// The versions that the list lacks.
        new_tags: NewTags,
    },
    /// The entry failed.
    Failed(String),
}

impl Retrieval {
    /// Compares the versions of the entries with the lists.
    pub(crate) fn new(
        config: &str,
        outcomes: Vec<Outcome<'_>>,
        known: &KnownRows,
        own_org: Option<&Organization>,
    ) -> Self {
        let report = |Outcome { entry, result }: Outcome<'_>| EntryReport {
            name: entry.name.clone(),
            line: entry.line,
            state: match result {
                Ok(retrieved) => EntryState::Retrieved {
                    new_tags: new_tags(entry, &retrieved, known, own_org),
                    retrieved: Box::new(retrieved),
                },
                Err(error) => EntryState::Failed(message(&error)),
            },
        };
        Self {
            config: config.to_owned(),
            entries: outcomes.into_iter().map(report).collect(),
        }
    }

    /// Returns the failures, at the lines of the configuration.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let found = self.entries.iter().flat_map(|entry| {
            let messages = match &entry.state {
                EntryState::Retrieved { retrieved, .. } => retrieved.failures.as_slice(),
                EntryState::Failed(message) => std::slice::from_ref(message),
            };
            messages.iter().map(|message| Finding {
                file: self.config.clone(),
                line: entry.line,
                message: format!("{}: {message}", entry.name),
            })
        });
        found.collect()
    }
}

/// Formats the error with a hint.
fn message(error: &EntryError) -> String {
    match error {
        EntryError::Deadline(_) => {
            format!("{error}: run with -vv to log all requests, or raise --deadline")
        }
        _ => error.to_string(),
    }
}

fn new_tags(
    entry: &Entry,
    retrieved: &Retrieved,
    known: &KnownRows,
    own_org: Option<&Organization>,
) -> NewTags {
    let images = entry.source.images();
    NewTags::compare(&retrieved.found, images, own_org, |pair| {
        known.location(pair)
    })
}
