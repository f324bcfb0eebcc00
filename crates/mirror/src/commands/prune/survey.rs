//! The survey of a repository: all its tags, and the manifests that they lead to.

use std::collections::{BTreeMap, HashSet};

use futures::stream::{self, StreamExt, TryStreamExt};
use http::StatusCode;
use image_name::{Digest, Tag};
use oci_spec::distribution::Reference;
use prune_plan::{ManifestBlob, ManifestGraph, ManifestNode};
use registry_client::{Access, Client, Content, Error, Manifest, Referrers, Repository, Support};

use super::known_repository::KnownRepository;

/// Maximum number of concurrent requests for one repository.
const CONCURRENT_REQUESTS: usize = 16;

/// Maximum number of manifests of one repository.
const MAX_MANIFESTS: usize = 200_000;

/// The tags and manifests of a repository.
#[derive(Debug, Clone, Default)]
pub(super) struct Survey {
    /// All tags with their digests.
    pub(super) tags: BTreeMap<Tag, Digest>,
    /// The manifests.
    pub(super) graph: ManifestGraph,
    /// Digests that were requested and do not exist.
    missing: HashSet<Digest>,
    /// Children of indexes that are indexes by their descriptors.
    index_children: HashSet<Digest>,
    /// Children of indexes that are no manifests by their descriptors.
    blob_children: HashSet<Digest>,
}

/// The reason why a repository cannot be surveyed. Nothing is deleted there.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum SurveyError {
    /// A request failed.
    #[error(transparent)]
    Request(#[from] Error),
    /// The tag list may be incomplete.
    #[error("{0}")]
    HalfRead(String),
    /// The list lacks a tag that exists.
    #[error("the tag list lacks {tag}, which exists: the registry does not list all tags")]
    UnlistedTag {
        /// The tag.
        tag: Tag,
    },
    /// A tag is listed, and its manifest cannot be read.
    #[error("{tag} is listed, but its manifest does not exist: it is not known what the tag needs")]
    UnreadableTag {
        /// The tag.
        tag: Tag,
    },
    /// A manifest has an unknown form.
    #[error("the manifest {digest} cannot be parsed: it is not known what it needs")]
    UnknownForm {
        /// The manifest.
        digest: Digest,
    },
    /// An index lists another one that cannot be read.
    #[error(
        "the index {digest}, which an index lists, does not exist: it is not known what it needs"
    )]
    UnreadableIndex {
        /// The digest of the listed index.
        digest: Digest,
    },
    /// The repository has too many manifests.
    #[error("the repository has more than {MAX_MANIFESTS} manifests")]
    TooLarge,
}

/// Returns the tag list of a repository; none if the repository does not exist.
///
/// # Errors
///
/// [`SurveyError`] if tags may be missing from it.
pub(super) async fn list_tags(repository: &Repository) -> Result<Vec<Tag>, SurveyError> {
    let Some(list) = repository.tags().await? else {
        return Ok(Vec::new());
    };
    match list.listing.warnings().into_iter().next() {
        None => Ok(list.tags),
        Some(warning) => Err(SurveyError::HalfRead(warning)),
    }
}

/// Returns the repository for reads.
///
/// # Errors
///
/// As [`Client::destination`].
pub(super) fn readable(client: &Client, known: &KnownRepository) -> Result<Repository, Error> {
    client.destination(&reference(known), Access::Pull)
}

/// Returns a reference to a repository.
pub(super) fn reference(known: &KnownRepository) -> Reference {
    let (host, path) = (known.name.host(), known.name.path());
    Reference::with_tag(host.to_string(), path.to_string(), "latest".to_owned())
}

impl Survey {
    /// Reads the tags, and every manifest that is not known yet: those behind the tags, those of a plan, those
    /// that something needs, and the referrers of those that may go. Tags are read anew each time, manifests
    /// by digest once.
    ///
    /// # Errors
    ///
    /// [`SurveyError`] if anything may be missing.
    pub(super) async fn read(
        &mut self,
        repository: &Repository,
        known: &KnownRepository,
        planned: &HashSet<Digest>,
        foreign: bool,
    ) -> Result<(), SurveyError> {
        // What did not exist before may have been pushed meanwhile.
        self.missing.clear();
        let listed = list_tags(repository).await?;
        self.check_unlisted(repository, known, &listed).await?;
        let digests = stream::iter(listed).map(|tag| async move {
            match repository.head_manifest(&tag).await? {
                Some(head) => Ok((tag, head.digest)),
                None => Err(SurveyError::UnreadableTag { tag }),
            }
        });
        let digests = digests.buffer_unordered(CONCURRENT_REQUESTS);
        self.tags = digests.try_collect().await?;
        let mut roots: Vec<Digest> = self.tags.values().chain(planned).cloned().collect();
        roots.extend(known.needed_digests(self.tags.keys()));
        roots.extend(self.tags.keys().filter_map(subject_of));
        self.walk(repository, roots).await?;
        let mut tags = self.tags.iter();
        if let Some((tag, _)) = tags.find(|(_, digest)| !self.graph.contains(digest)) {
            return Err(SurveyError::UnreadableTag { tag: tag.clone() });
        }
        let may_go = self.tags.iter();
        let may_go = may_go.filter(|(tag, _)| known.may_go(tag, foreign));
        let may_go = may_go.map(|(_, digest)| digest).chain(planned);
        let may_go: Vec<Digest> = may_go.cloned().collect();
        self.add_referrers(repository, may_go).await
    }

    /// Checks that tags of rows which the list lacks do not exist. A list without them would not protect what
    /// they need.
    async fn check_unlisted(
        &self,
        repository: &Repository,
        known: &KnownRepository,
        listed: &[Tag],
    ) -> Result<(), SurveyError> {
        let listed: HashSet<&Tag> = listed.iter().collect();
        let unlisted = known.kept_tags.iter().filter(|tag| !listed.contains(tag));
        let heads = stream::iter(unlisted).map(|tag| async move {
            let head = repository.head_manifest(tag).await?;
            Ok::<_, Error>(head.map(|_| tag.clone()))
        });
        let heads = heads.buffer_unordered(CONCURRENT_REQUESTS);
        let found: Vec<Option<Tag>> = heads.try_collect().await?;
        match found.into_iter().flatten().next() {
            None => Ok(()),
            Some(tag) => Err(SurveyError::UnlistedTag { tag }),
        }
    }

    /// Reads manifests with their children and their subjects.
    async fn walk(
        &mut self,
        repository: &Repository,
        roots: Vec<Digest>,
    ) -> Result<(), SurveyError> {
        let mut open: HashSet<Digest> = roots.into_iter().collect();
        loop {
            open.retain(|digest| !self.graph.contains(digest) && !self.missing.contains(digest));
            if open.is_empty() {
                return Ok(());
            }
            let reads = stream::iter(open.drain()).map(|digest| async {
                let manifest = match repository.manifest(&digest).await {
                    // Artifactory, for a child that is a blob.
                    Err(error)
                        if error.status() == Some(StatusCode::BAD_REQUEST)
                            && self.blob_children.contains(&digest) =>
                    {
                        None
                    }
                    manifest => manifest?,
                };
                Ok::<_, Error>((digest, manifest))
            });
            let reads = reads.buffer_unordered(CONCURRENT_REQUESTS);
            let reads: Vec<(Digest, Option<Manifest>)> = reads.try_collect().await?;
            let mut next = HashSet::new();
            for (digest, manifest) in reads {
                match manifest {
                    None if self.index_children.contains(&digest) => {
                        return Err(SurveyError::UnreadableIndex { digest });
                    }
                    None => drop(self.missing.insert(digest)),
                    Some(manifest) => {
                        let node = self.add_manifest(digest, &manifest)?;
                        next.extend(node);
                    }
                }
            }
            if self.graph.digests().count() > MAX_MANIFESTS {
                return Err(SurveyError::TooLarge);
            }
            open = next;
        }
    }

    /// Adds a manifest. Returns its children and its subject.
    fn add_manifest(
        &mut self,
        digest: Digest,
        manifest: &Manifest,
    ) -> Result<Vec<Digest>, SurveyError> {
        let Ok(content) = manifest.content() else {
            return Err(SurveyError::UnknownForm { digest });
        };
        if let Content::Index { manifests, .. } = &content {
            for child in manifests {
                let media_type = child.media_type().unwrap_or_default();
                let children = match registry_client::is_index_type(media_type) {
                    true => &mut self.index_children,
                    false if media_type.contains("manifest") => continue,
                    false => &mut self.blob_children,
                };
                children.extend(Digest::try_from(child.digest()).ok());
            }
        }
        let node = node(manifest.bytes.len() as u64, &content);
        let next = node.children.iter().chain(&node.subject).cloned().collect();
        self.graph.insert(digest, node);
        Ok(next)
    }

    /// Adds the referrers of manifests and of what belongs to them, by the referrers API. Those of the tag
    /// schema have tags.
    async fn add_referrers(
        &mut self,
        repository: &Repository,
        roots: Vec<Digest>,
    ) -> Result<(), SurveyError> {
        let mut asked: HashSet<Digest> = HashSet::new();
        let mut open: HashSet<Digest> = roots.into_iter().collect();
        while !open.is_empty() && repository.referrers_support() != Support::No {
            let subjects: Vec<Digest> = open
                .drain()
                .filter(|digest| self.graph.contains(digest) && asked.insert(digest.clone()))
                .collect();
            let lists = stream::iter(&subjects).map(|subject| referrers(repository, subject));
            let lists = lists.buffer_unordered(CONCURRENT_REQUESTS);
            let found: Vec<Vec<Digest>> = lists.try_collect().await?;
            let found: Vec<Digest> = found.into_iter().flatten().collect();
            self.walk(repository, found.clone()).await?;
            open.extend(found);
            for subject in &subjects {
                let node = self.graph.get(subject);
                open.extend(node.into_iter().flat_map(|node| node.children.clone()));
                open.extend(self.graph.referrers(subject).iter().cloned());
            }
            open.retain(|digest| !asked.contains(digest));
        }
        Ok(())
    }
}

/// Returns the manifest that a digest tag is about. That of a sha512 digest is cut.
fn subject_of(tag: &Tag) -> Option<Digest> {
    tag.digest_part()?.replacen('-', ":", 1).parse().ok()
}

/// Returns the digests of the referrers that the API lists.
async fn referrers(repository: &Repository, subject: &Digest) -> Result<Vec<Digest>, Error> {
    match repository.referrers(subject).await? {
        Referrers::Listed(listed) => Ok(listed
            .iter()
            .filter_map(|referrer| Digest::try_from(referrer.digest()).ok())
            .collect()),
        Referrers::Unsupported => Ok(Vec::new()),
    }
}

/// Returns the references of a manifest.
fn node(size: u64, content: &Content) -> ManifestNode {
    let digest = |digest: &registry_client::Descriptor| Digest::try_from(digest.digest()).ok();
    let subject = content.subject().and_then(digest);
    let (children, blobs) = match content {
        Content::Index { manifests, .. } => {
            (manifests.iter().filter_map(digest).collect(), Vec::new())
        }
        Content::Image { config, layers, .. } => {
            let config = config.iter().map(AsRef::as_ref);
            let blobs = config.chain(layers).filter_map(|blob| {
                Some(ManifestBlob {
                    digest: digest(blob)?,
                    size: blob.size().unwrap_or_default(),
                })
            });
            (Vec::new(), blobs.collect())
        }
    };
    ManifestNode {
        size,
        children,
        subject,
        blobs,
    }
}

impl SurveyError {
    /// Returns the failed request, if one failed.
    pub(super) fn request_error(&self) -> Option<&Error> {
        match self {
            Self::Request(error) => Some(error),
            _ => None,
        }
    }
}
