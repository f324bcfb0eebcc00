//! The content that a bundle requires: it must be at the destinations before anything is written.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bundle::contents::{Contents, Requirement};
use copier::KnownBlob;
use futures::stream::{self, StreamExt, TryStreamExt};
use image_name::{Digest, RepositoryName};
use oci_spec::distribution::Reference;
use registry_client::{Access, Blob, Client, Error, Repository};

use crate::cli::failure::Failure;
use crate::rows::imported::ImportedRows;
use crate::terminal::hints;
use crate::terminal::units::{bytes, counted};

/// Maximum number of concurrent queries; the limits of the registries apply too.
const CONCURRENT: usize = 64;
/// Maximum number of missing contents in a message.
const LISTED: usize = 10;

/// Maximum number of images and bases in the description of one content.
const NAMED: usize = 3;

/// The queries for required content.
pub(super) struct Requirements<'a> {
    client: &'a Client,
    rows: &'a ImportedRows,
    contents: &'a Contents,
    /// The images that need the content, by their indexes in the bundle.
    required_by: &'a HashMap<Digest, Vec<usize>>,
    /// The destinations of the selected images.
    selected: HashMap<usize, &'a Reference>,
}

/// Required content, and the images that need it.
#[derive(Debug)]
struct Need {
    requirement: Requirement,
    /// The repositories of which one must have it, for each repository of a manifest or registry of a blob.
    places: Vec<Vec<RepositoryName>>,
    /// The destinations of the images that need it, with their tags.
    images: Vec<String>,
}

/// Required content that a registry lacks.
#[derive(Debug)]
struct Missing {
    requirement: Requirement,
    /// The repositories that should have it, by their names at this side.
    repositories: Vec<RepositoryName>,
    /// The destinations of the images that need it, with their tags.
    images: Vec<String>,
}

impl<'a> Requirements<'a> {
    /// Creates the queries. `required_by` has the images that need content, by their indexes in the bundle.
    pub(super) fn new(
        client: &'a Client,
        rows: &'a ImportedRows,
        contents: &'a Contents,
        required_by: &'a HashMap<Digest, Vec<usize>>,
    ) -> Self {
        let selected = rows.rows.iter();
        let selected = selected.map(|row| (row.image, &row.run_row.row.destination));
        Self {
            client,
            rows,
            contents,
            required_by,
            selected: selected.collect(),
        }
    }

    /// Queries the destinations for everything that the selected images require. Returns the repositories
    /// that have the blobs.
    ///
    /// # Errors
    ///
    /// [`Failure`] that names what is missing, and for requests that failed.
    pub(super) async fn check(&self) -> Result<Vec<KnownBlob>, Failure> {
        let mut needs = Vec::new();
        for requirement in &self.contents.requires {
            let need = self.need(requirement)?;
            needs.extend((!need.images.is_empty()).then_some(need));
        }
        let required = needs.len();
        let queries = needs.into_iter().map(|need| self.query(need));
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
            false => Err(self.failure(missing, required)),
        }
    }

    /// Returns the selected images that need content, and the repositories that may have it.
    fn need(&self, requirement: &Requirement) -> Result<Need, Failure> {
        let needed_by = self.required_by.get(&requirement.digest);
        let rows = needed_by.into_iter().flatten();
        let rows = rows.filter_map(|image| self.selected.get(image));
        let (mut images, mut places) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
        for destination in rows {
            images.push(destination.to_string());
            let name = repository_name(destination)?;
            // A manifest must be in the repository, and a blob can be mounted from any one of the registry.
            let place = match requirement.media_type {
                Some(_) => name.full(),
                None => name.host().to_string(),
            };
            let names = places.entry(place).or_default();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if requirement.media_type.is_none() {
            for name in &requirement.repositories {
                let name = self.rows.destination(name)?;
                if let Some(names) = places.get_mut(name.host().as_str()) {
                    names.retain(|known| *known != name);
                    names.insert(0, name);
                }
            }
        }
        Ok(Need {
            requirement: requirement.clone(),
            places: places.into_values().collect(),
            images,
        })
    }

    async fn query(&self, need: Need) -> Result<Result<Vec<KnownBlob>, Missing>, Failure> {
        let (mut known, mut lacking) = (Vec::new(), Vec::new());
        let is_blob = need.requirement.media_type.is_none();
        for names in &need.places {
            match self.find(&need.requirement, names).await? {
                Some(repository) => known.extend(is_blob.then(|| KnownBlob {
                    repository,
                    digest: need.requirement.digest.clone(),
                })),
                None => lacking.extend(names.iter().cloned()),
            }
        }
        Ok(match lacking.is_empty() {
            true => Ok(known),
            false => Err(Missing {
                requirement: need.requirement,
                repositories: lacking,
                images: need.images,
            }),
        })
    }

    /// Returns the first repository that has content.
    async fn find(
        &self,
        requirement: &Requirement,
        names: &[RepositoryName],
    ) -> Result<Option<Repository>, Failure> {
        for name in names {
            let reference = name.reference(&(&requirement.digest).into());
            let repository = self.client.destination(&reference, Access::Pull);
            let repository = repository.map_err(|error| failed(name, &error))?;
            let has_it = has(&repository, requirement).await;
            if has_it.map_err(|error| failed(name, &error))? {
                return Ok(Some(repository));
            }
        }
        Ok(None)
    }

    fn failure(&self, mut missing: Vec<Missing>, required: usize) -> Failure {
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
        let bases: BTreeSet<&str> = missing.iter().map(|it| &*it.requirement.base).collect();
        let bases: Vec<String> = bases.into_iter().map(|base| self.base(base)).collect();
        let images: BTreeSet<&str> = missing
            .iter()
            .flat_map(|it| &it.images)
            .map(|it| &**it)
            .collect();
        let images: Vec<String> = images.into_iter().map(ToOwned::to_owned).collect();
        let mut hint = format!(
            "import the bundle that has it (base: {}), or export again with --base and a new inventory",
            listed(&bases, LISTED)
        );
        if !images.is_empty() {
            let images = listed(&images, LISTED);
            hint.push_str(&format!(", or without --base for these images: {images}"));
        }
        Failure::failed(format!(
            "the destination lacks {} of {} that the bundle requires, among them {}; nothing was written",
            missing.len(),
            counted(required, "content"),
            missing.first().map(ToString::to_string).unwrap_or_default(),
        ))
        .hint(hint)
    }

    /// Returns the name of a base, with the start of its digest: that of a bundle is its receipt.
    fn base(&self, name: &str) -> String {
        let mut bases = self.contents.bases.iter();
        match bases.find(|base| base.name == name) {
            Some(base) => format!("{name}, {}", &base.digest.hex()[..12]),
            None => name.to_owned(),
        }
    }
}

/// Returns texts with commas, at most `maximum` of them.
fn listed(texts: &[String], maximum: usize) -> String {
    let shown = texts[..texts.len().min(maximum)].join(", ");
    match texts.len().checked_sub(maximum + 1) {
        Some(more) => format!("{shown} and {} more", more + 1),
        None => shown,
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

fn repository_name(destination: &Reference) -> Result<RepositoryName, Failure> {
    let name = image_name::full_repository(destination).parse();
    name.map_err(|error| Failure::unusable(format!("cannot import to {destination}: {error}")))
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
        )?;
        match self.images.is_empty() {
            true => Ok(()),
            false => write!(f, "; needed by {}", listed(&self.images, NAMED)),
        }
    }
}
