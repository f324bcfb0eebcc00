//! The content that a bundle requires: it must be at the destinations before anything is written.

use std::collections::BTreeSet;

use bundle::contents::Requirement;
use copier::KnownBlob;
use futures::stream::{self, StreamExt, TryStreamExt};
use image_name::RepositoryName;
use registry_client::{Access, Blob, Client, Error, Repository};

use crate::cli::failure::Failure;
use crate::rows::imported::ImportedRows;
use crate::terminal::hints;
use crate::terminal::units::{bytes, counted};

/// Maximum number of concurrent queries; the limits of the registries apply too.
const CONCURRENT: usize = 64;
/// Maximum number of missing contents in a message.
const LISTED: usize = 10;

/// The queries for required content.
pub(super) struct Requirements<'a> {
    pub(super) client: &'a Client,
    pub(super) rows: &'a ImportedRows,
    pub(super) required: &'a [Requirement],
}

/// Required content that a registry lacks.
#[derive(Debug)]
struct Missing {
    requirement: Requirement,
    /// The repositories that should have it, by their names at this side.
    repositories: Vec<RepositoryName>,
}

impl Requirements<'_> {
    /// Queries the destinations for everything that is required. Returns the repositories that have the
    /// blobs.
    ///
    /// # Errors
    ///
    /// [`Failure`] that names what is missing, and for requests that failed.
    pub(super) async fn check(&self) -> Result<Vec<KnownBlob>, Failure> {
        let destinations = self.destinations();
        let queries = self.required.iter().map(|requirement| {
            let destinations = &destinations;
            async move { self.query(requirement, destinations).await }
        });
        let found: Vec<Result<Vec<KnownBlob>, Missing>> = stream::iter(queries)
            .buffer_unordered(CONCURRENT)
            .try_collect()
            .await?;
        let (mut known, mut missing) = (Vec::new(), Vec::new());
        for found in found {
            match found {
                Ok(blobs) => known.extend(blobs),
                Err(lacking) => missing.push(lacking),
            }
        }
        match missing.is_empty() {
            true => Ok(known),
            false => Err(failure(missing, self.required.len())),
        }
    }

    /// Returns the full names of the destination repositories.
    fn destinations(&self) -> BTreeSet<String> {
        let rows = self.rows.rows.iter();
        let names = rows.map(|row| image_name::full_repository(&row.run_row.row.destination));
        names.collect()
    }

    async fn query(
        &self,
        requirement: &Requirement,
        destinations: &BTreeSet<String>,
    ) -> Result<Result<Vec<KnownBlob>, Missing>, Failure> {
        let host_of = |name: &str| name.split('/').next().unwrap_or_default().to_owned();
        let hosts: BTreeSet<String> = destinations.iter().map(|name| host_of(name)).collect();
        let (mut known, mut lacking) = (Vec::new(), Vec::new());
        let mut satisfied = BTreeSet::new();
        for name in &requirement.repositories {
            let name = self.rows.destination(name)?;
            let full = name.full();
            let host = host_of(&full);
            let is_manifest = requirement.media_type.is_some();
            let matters = match is_manifest {
                true => destinations.contains(&full),
                false => hosts.contains(&host) && !satisfied.contains(&host),
            };
            if !matters {
                continue;
            }
            let reference = name.reference(&(&requirement.digest).into());
            let repository = self.client.destination(&reference, Access::Pull);
            let repository = repository.map_err(|error| failed(&name, &error))?;
            let has_it = has(&repository, requirement).await;
            if !has_it.map_err(|error| failed(&name, &error))? {
                lacking.push((host, name));
                continue;
            }
            if !is_manifest {
                satisfied.insert(host);
                known.push(KnownBlob {
                    repository,
                    digest: requirement.digest.clone(),
                });
            }
        }
        lacking.retain(|(host, _)| !satisfied.contains(host));
        if lacking.is_empty() {
            return Ok(Ok(known));
        }
        Ok(Err(Missing {
            requirement: requirement.clone(),
            repositories: lacking.into_iter().map(|(_, name)| name).collect(),
        }))
    }
}

async fn has(repository: &Repository, requirement: &Requirement) -> Result<bool, Error> {
    let digest = requirement.digest.clone();
    if requirement.media_type.is_some() {
        return Ok(repository.head_manifest(&digest).await?.is_some());
    }
    let size = requirement.size;
    repository.has_blob(&Blob { digest, size }).await
}

fn failed(name: &RepositoryName, error: &Error) -> Failure {
    let message = format!(
        "cannot look for required content in {}: {error}",
        name.full()
    );
    let failure = match error.is_refused() {
        true => Failure::refused(message),
        false => Failure::failed(message),
    };
    failure.hint(hints::for_host(name.host().as_str(), error))
}

fn failure(mut missing: Vec<Missing>, required: usize) -> Failure {
    missing.sort_by(|a, b| {
        a.requirement
            .digest
            .as_str()
            .cmp(b.requirement.digest.as_str())
    });
    for lacking in missing.iter().take(LISTED) {
        tracing::error!("{lacking}");
    }
    if let Some(more) = missing.len().checked_sub(LISTED + 1) {
        tracing::error!("and {} more", more + 1);
    }
    let bases: BTreeSet<&str> = missing
        .iter()
        .map(|lacking| &*lacking.requirement.base)
        .collect();
    let bases: Vec<&str> = bases.into_iter().take(LISTED).collect();
    Failure::failed(format!(
        "the destination lacks {} of {} that the bundle requires, among them {}; nothing was written",
        missing.len(),
        counted(required, "content"),
        missing.first().map(ToString::to_string).unwrap_or_default(),
    ))
    .hint(format!(
        "import what it was left out for first ({}), or export again with --base and a new inventory",
        bases.join(", ")
    ))
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Requirement {
            digest,
            size,
            media_type,
            base,
            ..
        } = &self.requirement;
        let kind = if media_type.is_some() {
            "manifest"
        } else {
            "blob"
        };
        let repositories: Vec<String> =
            self.repositories.iter().map(RepositoryName::full).collect();
        write!(
            f,
            "the {kind} {digest} ({}) is not in {}, where {base} has it",
            bytes(*size),
            repositories.join(" or "),
        )
    }
}
