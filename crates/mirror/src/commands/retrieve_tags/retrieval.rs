//! The results of all entries.

use tag_retrieval::config::{Entry, Review};
use tag_retrieval::{Dropped, EntryError, NewTags, Organization, Outcome, Retrieved};

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
    /// The review of its pull requests.
    pub(crate) review: Review,
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
            review: entry.review.clone(),
            state: match result {
                Ok(mut retrieved) => {
                    report_untagged(&mut retrieved, known);
                    let own = own_org.and_then(|own_org| own_images_warning(entry, own_org));
                    retrieved.warnings.extend(own);
                    EntryState::Retrieved {
                        new_tags: new_tags(entry, &retrieved, known, own_org),
                        retrieved: Box::new(retrieved),
                    }
                }
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

/// Adds the images without a tag to the dropped ones, with a warning for those that the lists lack.
fn report_untagged(retrieved: &mut Retrieved, known: &KnownRows) {
    for image in &retrieved.untagged {
        let reason = match known.digest_location(image) {
            Some(location) => format!("{location} has it"),
            None => {
                retrieved.warnings.push(format!(
                    "{image} ({}) is not proposed: it has a digest but no tag; add it to the list \
                     to mirror it",
                    image.location
                ));
                "it has a digest but no tag".to_owned()
            }
        };
        retrieved.dropped.push(Dropped {
            item: image.to_string(),
            reason,
        });
    }
}

/// Formats one warning for the images of an entry that are never new.
fn own_images_warning(entry: &Entry, own_org: &Organization) -> Option<String> {
    let images = entry.source.images().iter();
    let own = images.filter(|image| own_org.contains(&image.source));
    let own: Vec<_> = own.map(|image| image.source.as_str()).collect();
    (!own.is_empty()).then(|| {
        let own = own.join(", ");
        format!("no version of {own} is new: --own-org {own_org} excludes your own images")
    })
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

#[cfg(test)]
mod tests {
    use images_list::List;
    use std::sync::Arc;
    use tag_retrieval::config::Config;
    use tag_retrieval::{Found, UntaggedImage};

    use super::*;
    use crate::files::list_file::ListFile;

    fn retrieval(config: &Config, own_org: &str, untagged: &[&str]) -> Retrieval {
        let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
        let lists = [ListFile {
            name: "list".to_owned(),
            path: "list".into(),
            list: List::parse(&format!("quay.io/a/b m/b {}\n", digest("1"))),
            targets: Arc::default(),
        }];
        let untagged = untagged.iter().map(|digit| UntaggedImage {
            repository: "quay.io/a/b".to_owned(),
            digest: digest(digit),
            location: "Pod/web".to_owned(),
        });
        let outcome = Outcome {
            entry: &config.entries[0],
            result: Ok(Retrieved {
                found: Found::Versions(Vec::new()),
                dropped: Vec::new(),
                untagged: untagged.collect(),
                warnings: Vec::new(),
                failures: Vec::new(),
            }),
        };
        let own_org = Organization::new(own_org);
        Retrieval::new(
            "config.json",
            vec![outcome],
            &KnownRows::new(&lists),
            own_org.as_ref(),
        )
    }

    fn retrieved(retrieval: &Retrieval) -> &Retrieved {
        let EntryState::Retrieved { retrieved, .. } = &retrieval.entries[0].state else {
            panic!("{retrieval:?}");
        };
        retrieved
    }

    fn config(images: &str) -> Config {
        let entry = format!("{{\"versionSource\": \"registry\", \"images\": [{images}]}}");
        Config::parse(&format!("{{\"x\": {entry}}}")).unwrap()
    }

    #[test]
    fn digest_in_the_list_needs_no_warning() {
        let config = config("\"a/b\"");
        let retrieval = retrieval(&config, "", &["1", "2"]);
        let retrieved = retrieved(&retrieval);
        let reasons: Vec<_> = retrieved.dropped.iter().map(|one| &*one.reason).collect();
        assert_eq!(reasons, ["list:1 has it", "it has a digest but no tag"]);
        let [warning] = &retrieved.warnings[..] else {
            panic!("{:?}", retrieved.warnings);
        };
        assert!(warning.starts_with("quay.io/a/b@sha256:222"), "{warning}");
    }

    #[test]
    fn own_organization_that_excludes_images_of_the_entry_is_a_warning() {
        let config = config("\"us/a\", \"quay.io/us/a\", \"other/a\"");
        let swallowed = retrieval(&config, "us", &[]);
        assert_eq!(
            retrieved(&swallowed).warnings,
            ["no version of us/a is new: --own-org us excludes your own images"]
        );
        let kept = retrieval(&config, "them", &[]);
        assert!(retrieved(&kept).warnings.is_empty());
    }
}
