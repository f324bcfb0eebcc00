//! Checks for the existence of images and repositories.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use copier::AttachedSurvey;
use futures::StreamExt;
use image_name::{ManifestReference, RepositoryName, Tag};
use images_list::{ApprovedDigest, Row, TagColumn};
use oci_spec::distribution::Reference;
use registry_client::{Access, Client, Existence, ManifestHead, Repository};

use crate::cli::environment::Environment;
use crate::cli::failure::Failure;
use crate::cli::options::CommonOptions;
use crate::registries::client;
use crate::registries::signature_check::{
    Decided, ReportVerification, SignatureCheck, SourceImage, hint,
};
use crate::terminal::hints::{self, Operation};

/// Maximum concurrent checks. The client limits the requests to each registry.
const MAX_CONCURRENT: usize = 512;

/// A source repository and one of its tags or digests.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ImageTag {
    /// The repository.
    pub(crate) source: RepositoryName,
    /// The tag or digest.
    pub(crate) tag: ManifestReference,
    /// The tag of a digest in a row `TAG@DIGEST`.
    pub(crate) pinned_tag: Option<Tag>,
}

/// The result of a check. `T` is the approved digest of an image.
#[derive(Debug, Clone)]
pub(crate) enum Availability<T = ()> {
    /// It exists.
    Found(T),
    /// It does not exist.
    Missing,
    /// The registry requires credentials, and none are configured.
    Unchecked(CheckError),
    /// The check failed for any other reason.
    Failed(CheckError),
    /// It exists and does not satisfy the policy.
    Rejected(CheckError),
}

/// The reason why a check has no result.
#[derive(Debug, Clone)]
pub(crate) struct CheckError {
    /// The failure with its hint.
    pub(crate) message: String,
    /// The registry refused the credentials, or an anonymous request.
    pub(crate) refused: bool,
}

/// A checker of images and repositories, with one client.
#[derive(Debug)]
pub(crate) struct AvailabilityChecker {
    client: Client,
    survey: AttachedSurvey,
    /// The policies that images must satisfy, all of them.
    signatures: Vec<Arc<SignatureCheck>>,
    /// The signatures of the images that satisfy them.
    verified: Mutex<HashMap<ImageTag, ReportVerification>>,
}

/// The facts about an image that are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// The digest.
    Digest,
    /// Also the digests that are attached to the image.
    Attached,
}

impl From<&Row> for ImageTag {
    fn from(row: &Row) -> Self {
        Self {
            source: row.source.clone(),
            tag: row.tag.copied(),
            pinned_tag: row.tag.pin().and(row.tag.source().tag()).cloned(),
        }
    }
}

/// The third column of the row of an image.
impl From<&ImageTag> for TagColumn {
    fn from(image: &ImageTag) -> Self {
        match (&image.pinned_tag, &image.tag) {
            (Some(tag), ManifestReference::Digest(pin)) => Self::pinned(tag.clone(), pin.clone()),
            (_, tag) => tag.clone().into(),
        }
    }
}

/// `SOURCE:TAG` or `SOURCE@DIGEST`.
impl fmt::Display for ImageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = match self.tag {
            ManifestReference::Tag(_) => ':',
            ManifestReference::Digest(_) => '@',
        };
        write!(f, "{}{separator}{}", self.source, self.tag)
    }
}

impl<T> Availability<T> {
    /// Classifies a failed request.
    fn from_error(error: &registry_client::Error, image: &Reference) -> Self {
        let hint = hints::for_request(Operation::Read, image, error);
        let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        let failed = CheckError {
            message: format!("{error}{hint}"),
            refused: error.is_refused(),
        };
        if error.is_refused_anonymous() {
            Self::Unchecked(failed)
        } else {
            Self::Failed(failed)
        }
    }
}

impl AvailabilityChecker {
    /// Creates a checker. No request is sent.
    ///
    /// # Errors
    ///
    /// As [`client::build`].
    pub(crate) fn new(common: &CommonOptions, environment: &Environment) -> Result<Self, Failure> {
        let client = client::build(common, environment)?;
        Ok(Self {
            client,
            survey: AttachedSurvey::default(),
            signatures: Vec::new(),
            verified: Mutex::default(),
        })
    }

    /// Requires that images satisfy policies.
    pub(crate) fn with_signatures(
        self,
        signatures: impl IntoIterator<Item = Arc<SignatureCheck>>,
    ) -> Self {
        Self {
            signatures: signatures.into_iter().collect(),
            ..self
        }
    }

    /// Returns the signature of an image that was checked and satisfies the policy.
    pub(crate) fn verification(&self, image: &ImageTag) -> Option<ReportVerification> {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified.get(image).cloned()
    }

    /// Returns the client that sends the requests.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Checks images concurrently, each once.
    pub(crate) async fn images(
        &self,
        images: impl IntoIterator<Item = ImageTag>,
    ) -> HashMap<ImageTag, Availability<ApprovedDigest>> {
        let check = |image| async move { self.image(&image, Detail::Digest).await };
        concurrently(images, check).await
    }

    /// Checks images as [`AvailabilityChecker::images`], and finds the digests that are attached to
    /// them, for their approval.
    pub(crate) async fn approvals(
        &self,
        images: impl IntoIterator<Item = ImageTag>,
    ) -> HashMap<ImageTag, Availability<ApprovedDigest>> {
        let check = |image| async move { self.image(&image, Detail::Attached).await };
        concurrently(images, check).await
    }

    /// Checks repositories concurrently, each once.
    pub(crate) async fn repositories(
        &self,
        names: impl IntoIterator<Item = RepositoryName>,
    ) -> HashMap<RepositoryName, Availability> {
        concurrently(names, |name| async move { self.repository(&name).await }).await
    }

    /// Checks an image with one HEAD at each location, mirrors first.
    async fn image(&self, named: &ImageTag, detail: Detail) -> Availability<ApprovedDigest> {
        let ImageTag { source, tag, .. } = named;
        let image = source.reference(tag);
        let locations = match self.client.sources(&image) {
            Ok(locations) => locations,
            Err(error) => return Availability::from_error(&error, &image),
        };
        let reference = match registry_client::manifest_reference(&image) {
            Ok(reference) => reference,
            Err(error) => return Availability::from_error(&error, &image),
        };
        let mut availability = Availability::Missing;
        for location in locations {
            // The last location is the registry itself, which decides.
            availability = match location.head_manifest(&reference).await {
                Ok(Some(head)) => {
                    let media_type = head.media_type.as_deref();
                    let found = ApprovedDigest::new(head.digest.clone(), media_type);
                    let found = match Box::pin(self.signed(named, &location, found)).await {
                        Availability::Found(found) => found,
                        other => return other,
                    };
                    return match detail {
                        Detail::Digest => Availability::Found(found),
                        Detail::Attached => self.attached(&location, &head, found, &image).await,
                    };
                }
                Ok(None) => Availability::Missing,
                Err(error) => Availability::from_error(&error, &image),
            };
        }
        availability
    }

    /// Checks an image against the policies. The result has its signer.
    async fn signed(
        &self,
        named: &ImageTag,
        location: &Repository,
        found: ApprovedDigest,
    ) -> Availability<ApprovedDigest> {
        let image = SourceImage {
            repository: named.source.clone(),
            tag: named.tag.tag().cloned(),
        };
        let mut signer = None;
        for check in &self.signatures {
            match check.decide_at(&image, location, found.digest()).await {
                Err(error) => {
                    return Availability::from_error(&error, &named.source.reference(&named.tag));
                }
                Ok(Decided::Rejected(rejected)) => {
                    let hint = hint(&image, &rejected);
                    return Availability::Rejected(CheckError {
                        message: format!("{rejected} ({hint})"),
                        refused: false,
                    });
                }
                Ok(Decided::Unsigned) => {}
                Ok(Decided::Signed(verification)) => {
                    signer = verification.signed_by.parse().ok();
                    let verification = ReportVerification::from(&*verification);
                    let mut all = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
                    all.insert(named.clone(), verification);
                }
            }
        }
        Availability::Found(found.with_signer(signer))
    }

    /// Finds the digests that are attached to an image. If the source denies a list, they are
    /// unknown, and a warning is logged.
    async fn attached(
        &self,
        location: &Repository,
        head: &ManifestHead,
        found: ApprovedDigest,
        image: &Reference,
    ) -> Availability<ApprovedDigest> {
        let attached = self.survey.attached_to(location, head).await;
        let error = match attached {
            Ok(attached) => {
                let attached = attached.into_iter().collect();
                return Availability::Found(found.with_attached(attached));
            }
            Err(error) => error,
        };
        let request_error = error.request_error();
        let refused = request_error.is_some_and(registry_client::Error::is_refused);
        let message = format!("cannot list the signatures and other referrers of {image}: {error}");
        if refused {
            tracing::warn!("{message}; they are not locked");
            return Availability::Found(found);
        }
        let hint =
            request_error.and_then(|error| hints::for_request(Operation::Read, image, error));
        let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        Availability::Failed(CheckError {
            message: format!("{message}{hint}"),
            refused,
        })
    }

    /// Checks a repository.
    ///
    /// Docker Hub and quay.io have their own APIs for this. Elsewhere, and if those APIs have no
    /// result, the tag list decides: 200, or 404 for a repository that does not exist
    /// (`NAME_UNKNOWN`). In distribution, zot, Harbor and GHCR a repository exists from its first
    /// push on, so an empty one is missing there too.
    pub(crate) async fn repository(&self, name: &RepositoryName) -> Availability {
        // The client takes an image. The tag is not used.
        let image = Reference::with_tag(
            name.host().to_string(),
            name.path().to_string(),
            "latest".to_owned(),
        );
        match self.vendor_existence(&image).await {
            Ok(Existence::Exists) => Availability::Found(()),
            Ok(Existence::Unknown) => self.tag_list(&image).await,
            // The API hides private repositories; with credentials the registry lists them.
            Ok(Existence::Missing) => match self.tag_list(&image).await {
                Availability::Found(()) => Availability::Found(()),
                _ => Availability::Missing,
            },
            Err(error) => match self.tag_list(&image).await {
                // Without credentials, only the API can have a result, so its failure is reported.
                Availability::Unchecked(_) => Availability::Failed(CheckError {
                    message: error.to_string(),
                    refused: false,
                }),
                other => other,
            },
        }
    }

    /// Returns the result of the registry's own API, if it has one.
    async fn vendor_existence(
        &self,
        image: &Reference,
    ) -> Result<Existence, registry_client::Error> {
        match self.client.vendor_api(image)? {
            Some(repository) => repository.exists().await,
            None => Ok(Existence::Unknown),
        }
    }

    async fn tag_list(&self, image: &Reference) -> Availability {
        let is_listed = match self.client.destination(image, Access::Pull) {
            Ok(repository) => repository.is_listed().await,
            Err(error) => Err(error),
        };
        match is_listed {
            Ok(true) => Availability::Found(()),
            Ok(false) => Availability::Missing,
            Err(error) => Availability::from_error(&error, image),
        }
    }
}

/// Checks every key once, concurrently.
async fn concurrently<K, V, F>(
    keys: impl IntoIterator<Item = K>,
    check: impl Fn(K) -> F,
) -> HashMap<K, V>
where
    K: Clone + Eq + Hash,
    F: Future<Output = V>,
{
    let mut seen = HashSet::new();
    let keys: Vec<K> = keys
        .into_iter()
        .filter(|key| seen.insert(key.clone()))
        .collect();
    futures::stream::iter(keys)
        .map(|key| {
            let checked = check(key.clone());
            async move { (key, checked.await) }
        })
        .buffer_unordered(MAX_CONCURRENT)
        .collect()
        .await
}

/// Returns the message for a destination repository that does not exist, and that a run creates.
pub(crate) fn created_destination(name: &RepositoryName) -> String {
    format!(
        "the destination repository {} does not exist and will be created",
        name.full()
    )
}

/// Returns the message for a destination repository that does not exist, with its remedy.
pub(crate) fn missing_destination(name: &RepositoryName) -> String {
    let (host, path) = (name.host(), name.path());
    let organization = path.components().next().unwrap_or_default();
    let is_hosted = host.is_docker_hub() || ["quay.io", "ghcr.io"].contains(&host.as_str());
    let (owner, on_push) = if is_hosted {
        (format!("the owners of {organization} at {host}"), "")
    } else {
        (
            format!("the operators of {host}"),
            "; if the registry creates repositories on push, push one image with `mirror copy`",
        )
    };
    format!(
        "the destination repository {host}/{path} does not exist, or is hidden from anonymous \
         requests: ask {owner} to create it and to let the mirror's account push to it \
         (CONTRIBUTING, \"A new image\"){on_push}"
    )
}
