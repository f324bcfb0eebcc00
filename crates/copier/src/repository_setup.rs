//! The creation of destination repositories before the first upload, and their descriptions.

use std::collections::{BTreeSet, HashSet};
use std::sync::Mutex;

use image_name::RepositoryPath;
use once_map::OnceMap;
use registry_client::{Client, Creation, CreationError, Repository, cut_sent_secrets};

use crate::lock::lock;
use crate::report::RowError;
use crate::row::Row;
use crate::vendor_changes::VendorChanges;

/// The destination repositories that a run has set up.
#[derive(Debug, Default)]
pub(crate) struct RepositorySetup {
    /// The creations, by host and by path of the created repository or project.
    creations: OnceMap<(String, String), Result<Creation, CreationError>>,
    /// Repositories whose descriptions were requested.
    descriptions: Mutex<HashSet<(String, RepositoryPath)>>,
    /// Repositories that have a manifest and therefore exist.
    existing: Mutex<HashSet<(String, RepositoryPath)>>,
    created: Mutex<BTreeSet<String>>,
    described: Mutex<BTreeSet<String>>,
}

impl RepositorySetup {
    /// Returns the changes so far, ordered by name.
    pub(crate) fn changes(&self) -> VendorChanges {
        VendorChanges {
            created: lock(&self.created).iter().cloned().collect(),
            described: lock(&self.described).iter().cloned().collect(),
        }
    }

    /// Returns true if the destination of a row may be missing, given the error of its first request. Harbor,
    /// GitLab and quay refuse access to a repository or project that does not exist.
    pub(crate) fn may_be_missing(row: &Row, error: &registry_client::Error) -> bool {
        let is_missing = error.status().is_some_and(|status| status.as_u16() == 404);
        row.settings.creation.is_some() && (is_missing || error.is_refused())
    }

    /// Notes that the destination repository of a row has a manifest.
    pub(crate) fn note_existing(&self, row: &Row, destination: &Repository) {
        if row.settings.creation.is_some() {
            lock(&self.existing).insert(key(destination));
        }
    }

    /// Creates the destination repository of a row once in a run, unless it is known to exist.
    ///
    /// If the API refuses the credentials, the repository may still exist and accept the upload. Then the
    /// error is returned as a value, to be reported if the upload fails too.
    ///
    /// # Errors
    ///
    /// [`RowError::Creation`].
    pub(crate) async fn create(
        &self,
        client: &Client,
        row: &Row,
        destination: &Repository,
    ) -> Result<Option<RowError>, RowError> {
        let Some(api) = row.settings.creation else {
            return Ok(None);
        };
        if lock(&self.existing).contains(&key(destination)) {
            return Ok(None);
        }
        let path = api.path_to_create(destination.path()).to_owned();
        let create = || async {
            // Boxed, because the future is large and most rows do not need it.
            let created = client.create_repository(&row.destination, api);
            let created = Box::pin(created).await;
            if let Ok(Creation::Created(path)) = &created {
                let name = format!("{}/{path}", row.destination.registry());
                tracing::info!("created {name} through the API of {api}");
                lock(&self.created).insert(name);
            }
            created
        };
        let key = (destination.host_name().to_owned(), path);
        let created = self.creations.get_or_init(key, create).await;
        match created {
            Ok(_) => Ok(None),
            Err(error) => {
                let is_refused = error.is_refused();
                let error = RowError::Creation(error);
                if is_refused {
                    Ok(Some(error))
                } else {
                    Err(error)
                }
            }
        }
    }

    /// Sets the description of the destination repository of a copied row, once in a run. Returns a
    /// warning if that fails.
    pub(crate) async fn describe(
        &self,
        client: &Client,
        row: &Row,
        destination: &Repository,
    ) -> Option<String> {
        let text = row.settings.description.as_deref()?;
        if !lock(&self.descriptions).insert(key(destination)) {
            return None;
        }
        let described = client.describe_repository(&row.destination, text);
        match Box::pin(described).await {
            Ok(true) => {
                let (host, path) = (row.destination.registry(), destination.path());
                lock(&self.described).insert(format!("{host}/{path}"));
                None
            }
            Ok(false) => None,
            Err(error) => {
                let message = format!("cannot set the description: {error}");
                Some(cut_sent_secrets(&message).into_owned())
            }
        }
    }
}

fn key(destination: &Repository) -> (String, RepositoryPath) {
    let host = destination.host_name().to_owned();
    (host, destination.path().clone())
}
