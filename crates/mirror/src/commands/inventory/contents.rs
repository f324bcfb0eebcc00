//! The content of one destination image: its manifests, its blobs and what is attached to it.

use std::collections::{BTreeSet, HashSet};

use copier::{AttachedSurvey, RowError};
use image_name::{AttachedDigest, Digest, DigestTagKind, ManifestReference, Tag};
use registry_client::{Content, Descriptor, Error, Repository};

/// Maximum number of manifests of one image, as for a copy.
const MAX_MANIFESTS: usize = 10_000;

/// The content of one image at its destination.
#[derive(Debug, Default)]
pub(super) struct ImageContents {
    /// The manifests under which everything is there.
    pub(super) manifests: BTreeSet<Digest>,
    pub(super) blobs: BTreeSet<Digest>,
    pub(super) tags: Vec<(Tag, Digest)>,
}

/// A manifest that was read.
struct Visited {
    digest: Digest,
    children: Vec<Digest>,
    is_missing: bool,
}

impl ImageContents {
    /// Reads the content behind a tag or digest; `None` if the destination does not have it.
    ///
    /// # Errors
    ///
    /// Any error of a request, and too many manifests.
    pub(super) async fn read(
        destination: &Repository,
        reference: &ManifestReference,
        survey: &AttachedSurvey,
    ) -> Result<Option<Self>, RowError> {
        let head = destination.head_manifest(reference).await;
        let Some(head) = head.map_err(RowError::Read)? else {
            return Ok(None);
        };
        let attached = survey.attached_to(destination, &head).await?;
        let mut contents = Self::default();
        if let Some(tag) = reference.tag() {
            contents.tags.push((tag.clone(), head.digest.clone()));
        }
        contents.add_digest_tags(&attached);
        let roots = std::iter::once(&head.digest).chain(attached.iter().map(|it| &it.digest));
        let roots: Vec<Digest> = roots.cloned().collect();
        let visited = contents.visit(destination, roots).await;
        contents.add_whole(visited.map_err(RowError::Read)?);
        Ok(Some(contents))
    }

    fn add_digest_tags(&mut self, attached: &[AttachedDigest]) {
        let tags = attached.iter();
        let tags = tags.filter(|attached| attached.kind != DigestTagKind::Referrers);
        self.tags
            .extend(tags.map(|attached| (attached.tag(), attached.digest.clone())));
    }

    /// Reads manifests and everything under them.
    async fn visit(
        &mut self,
        destination: &Repository,
        mut pending: Vec<Digest>,
    ) -> Result<Vec<Visited>, Error> {
        let mut seen: HashSet<Digest> = pending.iter().cloned().collect();
        let mut visited = Vec::new();
        while let Some(digest) = pending.pop() {
            // The root is kept even if there are too many: it is not whole then.
            let manifest = match visited.len() < MAX_MANIFESTS {
                true => destination.manifest(&digest).await?,
                false => None,
            };
            let content = manifest.and_then(|manifest| manifest.content().ok());
            let mut children = Vec::new();
            let is_missing = content.is_none();
            match content {
                None => {}
                Some(Content::Index { manifests, .. }) => {
                    for child in &manifests {
                        let Ok(digest) = Digest::try_from(child.digest()) else {
                            continue;
                        };
                        // Registries store such a child as a blob.
                        if child.may_be_blob() && child.media_type().is_some() {
                            if destination.has_content(&digest, child.size()).await? {
                                self.blobs.insert(digest);
                            }
                            continue;
                        }
                        if seen.insert(digest.clone()) {
                            pending.push(digest.clone());
                        }
                        children.push(digest);
                    }
                }
                Some(Content::Image { config, layers, .. }) => {
                    for blob in config.as_deref().into_iter().chain(&layers) {
                        self.add_blob(destination, blob).await;
                    }
                }
            }
            visited.push(Visited {
                digest,
                children,
                is_missing,
            });
        }
        Ok(visited)
    }

    /// Adds a blob of an image. One with URLs may be there or not, and counts as missing in doubt.
    async fn add_blob(&mut self, destination: &Repository, blob: &Descriptor) {
        let Ok(digest) = Digest::try_from(blob.digest()) else {
            return;
        };
        let is_certain = !blob.has_urls() || self.blobs.contains(&digest);
        let found = || destination.has_content(&digest, blob.size());
        if is_certain || found().await.unwrap_or(false) {
            self.blobs.insert(digest);
        }
    }

    /// Adds the manifests under which nothing is missing: a sparse index is not whole.
    fn add_whole(&mut self, visited: Vec<Visited>) {
        let mut incomplete: HashSet<Digest> = visited
            .iter()
            .filter(|visited| visited.is_missing)
            .map(|visited| visited.digest.clone())
            .collect();
        loop {
            let before = incomplete.len();
            for visited in &visited {
                let mut children = visited.children.iter();
                if children.any(|child| incomplete.contains(child)) {
                    incomplete.insert(visited.digest.clone());
                }
            }
            if incomplete.len() == before {
                break;
            }
        }
        let digests = visited.into_iter().map(|visited| visited.digest);
        let whole = digests.filter(|digest| !incomplete.contains(digest));
        self.manifests.extend(whole);
    }
}
