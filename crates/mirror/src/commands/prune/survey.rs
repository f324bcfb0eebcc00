//! The survey of a repository: all its tags, and the manifests that they lead to.

use std::collections::{BTreeMap, HashSet};

use futures::stream::{self, StreamExt, TryStreamExt};
use http::StatusCode;
use image_name::{Digest, RepositoryName, Tag};
use oci_spec::distribution::Reference;
use prune_plan::{ManifestBlob, ManifestGraph, ManifestNode};
use registry_client::{Access, Client, Content, Error, Manifest, Referrers, Repository, Support};

use super::known_repository::KnownRepository;
use super::survey_error::SurveyError;

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
    /// The referrers API has listed the referrers of a manifest.
    lists_referrers: bool,
    /// A manifest for which it has not.
    without_list: Option<Digest>,
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
    reference_to(&known.name)
}

/// Returns a reference to the repository of a name.
pub(super) fn reference_to(name: &RepositoryName) -> Reference {
    let (host, path) = (name.host(), name.path());
    Reference::with_tag(host.to_string(), path.to_string(), "latest".to_owned())
}

impl Survey {
    /// Reads the tags, and every manifest that is not known yet: those behind the tags, those of a plan, those
    /// that something needs, and the referrers of all of them. Tags are read again each time, manifests
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
    ) -> Result<(), SurveyError> {
        // What did not exist before may have been pushed meanwhile.
        self.missing.clear();
        self.without_list = None;
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
        self.check_rows_by_digest(known)?;
        // Those of images that stay may list what could go.
        let subjects = self.tags.values().chain(planned).cloned();
        let subjects = subjects.chain(known.needed_digests(self.tags.keys()));
        let subjects = subjects.collect();
        self.add_referrers(repository, subjects).await
    }

    /// Checks that the content of rows by digest is known. Platforms that narrow such a row give its content
    /// another digest, which no tag may lead to.
    fn check_rows_by_digest(&self, known: &KnownRepository) -> Result<(), SurveyError> {
        let is_index = |digest: &Digest| {
            let node = self.graph.get(digest);
            node.is_some_and(|node| !node.children.is_empty())
        };
        for (digest, row) in &known.rows_by_digest {
            let is_known = match row.is_narrowed {
                true => self.graph.contains(digest) && !is_index(digest),
                false => self.graph.contains(digest),
            };
            if !is_known
                && !row
                    .written
                    .iter()
                    .any(|written| self.graph.contains(written))
            {
                let digest = digest.clone();
                return Err(SurveyError::UnknownRowContent { digest });
            }
        }
        Ok(())
    }

    /// Checks that needed tags which the list lacks do not exist. A list without them would not protect what
    /// they need.
    async fn check_unlisted(
        &self,
        repository: &Repository,
        known: &KnownRepository,
        listed: &[Tag],
    ) -> Result<(), SurveyError> {
        let listed: HashSet<&Tag> = listed.iter().collect();
        let unlisted = known.needed_tags().filter(|tag| !listed.contains(tag));
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
                let maximum = MAX_MANIFESTS;
                return Err(SurveyError::TooLarge { maximum });
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
            let lists = stream::iter(&subjects).map(|subject| async move {
                let listed = referrers(repository, subject).await?;
                Ok::<_, Error>((subject, listed))
            });
            let lists = lists.buffer_unordered(CONCURRENT_REQUESTS);
            let lists: Vec<(&Digest, Option<Vec<Digest>>)> = lists.try_collect().await?;
            let found = self.add_lists(lists)?;
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

impl Survey {
    /// Adds the lists of referrers of subjects. Returns the referrers.
    fn add_lists(
        &mut self,
        lists: Vec<(&Digest, Option<Vec<Digest>>)>,
    ) -> Result<Vec<Digest>, SurveyError> {
        let mut found = Vec::new();
        for (subject, listed) in lists {
            match listed {
                Some(listed) => {
                    self.lists_referrers = true;
                    for referrer in &listed {
                        self.graph.add_listed_referrer(subject, referrer.clone());
                    }
                    found.extend(listed);
                }
                None => self.without_list = Some(subject.clone()),
            }
        }
        match &self.without_list {
            Some(digest) if self.lists_referrers => Err(SurveyError::UnlistedReferrers {
                digest: digest.clone(),
            }),
            _ => Ok(found),
        }
    }
}

/// Returns the manifest that a digest tag is about. That of a sha512 digest is cut.
fn subject_of(tag: &Tag) -> Option<Digest> {
    tag.digest_part()?.replacen('-', ":", 1).parse().ok()
}

/// Returns the digests of the referrers that the API lists; `None` without the API.
async fn referrers(
    repository: &Repository,
    subject: &Digest,
) -> Result<Option<Vec<Digest>>, Error> {
    match repository.referrers(subject).await? {
        Referrers::Listed(listed) => {
            let digests = listed.iter();
            let digests = digests.filter_map(|listed| Digest::try_from(listed.digest()).ok());
            Ok(Some(digests.collect()))
        }
        Referrers::Unsupported => Ok(None),
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
