//! Reading what is attached to an image: signatures and attestations, in both forms.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use copier::{ArrivingImage, Runnable, TextBlobs};
use futures::stream::{self, StreamExt, TryStreamExt};
use image_name::{Digest, DigestTagKind, Tag};
use registry_client::{
    Content, Descriptor, Error, Manifest, ReferrerList, Referrers, Repository, Support,
};
use serde::Deserialize;
use signatures::{
    AttachedBundle, ClassicLayer, Evidence, MAX_DOCUMENT, MAX_SIGNATURES, SIMPLE_SIGNING_MEDIA_TYPE,
};

/// Maximum concurrent requests for the evidence of one image.
const CONCURRENT: usize = 8;
/// Maximum size of all documents that are read for one image, in bytes.
const MAX_TOTAL: u64 = 16 * 1024 * 1024;
/// The media type of a layer of `.att`, a DSSE envelope.
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
/// The beginning of the media types of Sigstore bundles.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";
/// The annotation with the predicate type of a layer of `.att`.
const PREDICATE_TYPE: &str = "predicateType";

/// The place where evidence is read: a repository, or the source of a row during a run.
pub(crate) trait EvidenceSource {
    /// Returns the repository.
    fn repository(&self) -> &Repository;

    /// Returns the referrers of a manifest from the API.
    async fn referrers(&self, subject: &Digest) -> Result<Referrers, Error>;

    /// Returns the referrers of a manifest from the tag schema.
    async fn referrers_by_tag(&self, subject: &Digest) -> Result<ReferrerList, Error>;

    /// Returns a manifest by its digest.
    async fn manifest_of(&self, digest: &Digest) -> Result<Option<Manifest>, Error>;

    /// Checks that a manifest is a document, which no runtime can run.
    async fn check_document(&self, manifest: &Manifest) -> Result<Result<(), Runnable>, Error>;

    /// Returns the manifest under a tag about a digest.
    async fn manifest_of_tag(&self, tag: &Tag) -> Result<Option<Manifest>, Error>;

    /// Notes the content of a blob that was read.
    fn note_blob(&self, digest: &Digest, content: &[u8]);
}

impl EvidenceSource for Repository {
    fn repository(&self) -> &Repository {
        self
    }

    async fn referrers(&self, subject: &Digest) -> Result<Referrers, Error> {
        Self::referrers(self, subject).await
    }

    async fn referrers_by_tag(&self, subject: &Digest) -> Result<ReferrerList, Error> {
        Self::referrers_by_tag(self, subject).await
    }

    async fn manifest_of(&self, digest: &Digest) -> Result<Option<Manifest>, Error> {
        self.manifest(digest).await
    }

    async fn check_document(&self, manifest: &Manifest) -> Result<Result<(), Runnable>, Error> {
        copier::check_document(self, manifest, &TextBlobs::default()).await
    }

    async fn manifest_of_tag(&self, tag: &Tag) -> Result<Option<Manifest>, Error> {
        self.manifest(tag).await
    }

    fn note_blob(&self, _: &Digest, _: &[u8]) {}
}

impl EvidenceSource for ArrivingImage<'_> {
    fn repository(&self) -> &Repository {
        self.source()
    }

    async fn referrers(&self, subject: &Digest) -> Result<Referrers, Error> {
        ArrivingImage::referrers(self, subject).await
    }

    async fn referrers_by_tag(&self, subject: &Digest) -> Result<ReferrerList, Error> {
        ArrivingImage::referrers_by_tag(self, subject).await
    }

    async fn manifest_of(&self, digest: &Digest) -> Result<Option<Manifest>, Error> {
        ArrivingImage::manifest_of(self, digest).await
    }

    async fn check_document(&self, manifest: &Manifest) -> Result<Result<(), Runnable>, Error> {
        ArrivingImage::check_document(self, manifest).await
    }

    async fn manifest_of_tag(&self, tag: &Tag) -> Result<Option<Manifest>, Error> {
        ArrivingImage::manifest_of_tag(self, tag).await
    }

    fn note_blob(&self, digest: &Digest, content: &[u8]) {
        ArrivingImage::note_blob(self, digest, content);
    }
}

/// A reader of the evidence of one image, within limits.
pub(crate) struct EvidenceReader<'a, S> {
    source: &'a S,
    /// The predicate types of the attestations that are needed.
    predicate_types: Vec<&'a str>,
    /// The bytes of documents that were announced so far.
    read: AtomicU64,
    /// The documents that were read: their memory is counted until they are dropped.
    documents: Mutex<Vec<Bytes>>,
}

/// A layer whose content is needed.
struct NeededLayer {
    digest: Digest,
    size: Option<u64>,
    annotations: BTreeMap<String, String>,
}

/// The fields of a descriptor that only signatures use.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescriptorFields {
    artifact_type: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
}

impl<'a, S: EvidenceSource> EvidenceReader<'a, S> {
    /// Creates a reader. No request is sent.
    pub(crate) fn new(source: &'a S, predicate_types: Vec<&'a str>) -> Self {
        Self {
            source,
            predicate_types,
            read: AtomicU64::new(0),
            documents: Mutex::default(),
        }
    }

    /// Reads what is attached to one manifest. What the registry denies is a gap of the evidence.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of a request that failed for another reason.
    pub(crate) async fn of_manifest(&self, subject: &Digest) -> Result<Evidence, Error> {
        let signatures = self.classic(subject, DigestTagKind::Signature);
        let attestations = async {
            match self.predicate_types.is_empty() {
                true => Ok((Vec::new(), None)),
                false => self.classic(subject, DigestTagKind::Attestation).await,
            }
        };
        let bundles = self.bundles(subject);
        let (signatures, attestations, bundles) =
            futures::try_join!(signatures, attestations, bundles)?;
        let gaps = [signatures.1, attestations.1, bundles.1];
        Ok(Evidence {
            signatures: signatures.0,
            attestations: attestations.0,
            bundles: bundles.0,
            manifests: BTreeMap::new(),
            gap: gaps.into_iter().flatten().next(),
        })
    }

    /// Reads the evidence of several manifests, such as the children of an index.
    ///
    /// # Errors
    ///
    /// As [`EvidenceReader::of_manifest`].
    pub(crate) async fn of_manifests(&self, subjects: &[Digest]) -> Result<Evidence, Error> {
        let read = subjects.iter().map(|subject| self.of_manifest(subject));
        let all: Vec<Evidence> = stream::iter(read)
            .buffered(CONCURRENT)
            .try_collect()
            .await?;
        let mut joined = Evidence::default();
        for evidence in all {
            joined.signatures.extend(evidence.signatures);
            joined.attestations.extend(evidence.attestations);
            joined.bundles.extend(evidence.bundles);
            joined.gap = joined.gap.or(evidence.gap);
        }
        Ok(joined)
    }

    /// Reads the layers of a tag about the subject.
    async fn classic(
        &self,
        subject: &Digest,
        kind: DigestTagKind,
    ) -> Result<(Vec<ClassicLayer>, Option<String>), Error> {
        let tag = subject.tag(kind);
        let manifest = match self.source.manifest_of_tag(&tag).await {
            Ok(Some(manifest)) => manifest,
            Ok(None) => return Ok((Vec::new(), None)),
            Err(error) if error.is_not_served() => {
                let gap = format!("the registry denies the tag {tag}: {error}");
                return Ok((Vec::new(), Some(gap)));
            }
            Err(error) => return Err(error),
        };
        let layers = match manifest.content() {
            Ok(Content::Image { layers, .. }) => layers,
            // An image can have such a tag by accident; it is no signature.
            Ok(Content::Index { .. }) | Err(_) => Vec::new(),
        };
        let needed = layers
            .iter()
            .filter_map(|layer| self.needed_layer(layer, kind));
        let (contents, gap) = self.contents(needed.collect()).await?;
        let layers = contents.into_iter().map(|(layer, content)| ClassicLayer {
            subject: subject.clone(),
            content,
            annotations: layer.annotations,
        });
        Ok((layers.collect(), gap))
    }

    fn needed_layer(&self, layer: &Descriptor, kind: DigestTagKind) -> Option<NeededLayer> {
        let annotations = fields(layer).annotations.unwrap_or_default();
        let media_type = layer.media_type().unwrap_or_default();
        let is_needed = match kind {
            DigestTagKind::Signature => media_type == SIMPLE_SIGNING_MEDIA_TYPE,
            _ => {
                let annotated = annotations.get(PREDICATE_TYPE);
                let is_named = |annotated: &String| {
                    let mut needed = self.predicate_types.iter();
                    needed.any(|needed| needed == annotated)
                };
                media_type == ENVELOPE && annotated.is_none_or(is_named)
            }
        };
        let layer = NeededLayer {
            digest: Digest::try_from(layer.digest()).ok()?,
            size: layer.size(),
            annotations,
        };
        is_needed.then_some(layer)
    }

    /// Reads the Sigstore bundles that refer to the subject.
    async fn bundles(
        &self,
        subject: &Digest,
    ) -> Result<(Vec<AttachedBundle>, Option<String>), Error> {
        let (listed, unlisted) = match self.listed(subject).await {
            Ok(listed) => listed,
            Err(error) if error.is_not_served() => {
                let gap = format!("the registry denies the list of referrers: {error}");
                return Ok((Vec::new(), Some(gap)));
            }
            Err(error) => return Err(error),
        };
        let bundles = listed.iter().filter(|referrer| {
            let artifact_type = fields(referrer).artifact_type;
            artifact_type.is_none_or(|artifact_type| artifact_type.starts_with(BUNDLE))
        });
        let digests = bundles.filter_map(|bundle| Digest::try_from(bundle.digest()).ok());
        let digests: Vec<Digest> = digests.take(MAX_SIGNATURES + 1).collect();
        let layers = digests
            .iter()
            .map(|digest| self.bundle_layers(subject, digest));
        let layers: Vec<Vec<NeededLayer>> = stream::iter(layers)
            .buffered(CONCURRENT)
            .try_collect()
            .await?;
        let (contents, gap) = self
            .contents(layers.into_iter().flatten().collect())
            .await?;
        let bundles = contents.into_iter().map(|(_, content)| AttachedBundle {
            subject: subject.clone(),
            content,
        });
        Ok((bundles.collect(), gap.or(unlisted)))
    }

    /// Returns the referrers of the subject, from the tag schema where the registry lacks the API, and the reason
    /// why the list may be incomplete.
    async fn listed(&self, subject: &Digest) -> Result<(ReferrerList, Option<String>), Error> {
        match self.source.referrers(subject).await? {
            Referrers::Listed(listed) => Ok((listed, None)),
            // The registry has the API, and no list for this subject.
            Referrers::Unsupported
                if self.source.repository().referrers_support() == Support::Yes =>
            {
                let gap = format!("the registry does not list the referrers of {subject}");
                Ok((ReferrerList::default(), Some(gap)))
            }
            Referrers::Unsupported => {
                let listed = self.source.referrers_by_tag(subject).await?;
                Ok((listed, None))
            }
        }
    }

    /// Returns the layers of a referrer that are bundles. A manifest that does not name the subject is not
    /// about it.
    async fn bundle_layers(
        &self,
        subject: &Digest,
        referrer: &Digest,
    ) -> Result<Vec<NeededLayer>, Error> {
        let Some(manifest) = self.source.manifest_of(referrer).await? else {
            return Ok(Vec::new());
        };
        let Ok(content) = manifest.content() else {
            return Ok(Vec::new());
        };
        let names_subject = content
            .subject()
            .is_some_and(|named| named.digest().to_string() == subject.as_str());
        let Content::Image { layers, .. } = content else {
            return Ok(Vec::new());
        };
        let bundles = layers.iter().filter(|layer| {
            let media_type = layer.media_type().unwrap_or_default();
            names_subject && media_type.starts_with(BUNDLE)
        });
        let needed = bundles.filter_map(|layer| {
            Some(NeededLayer {
                digest: Digest::try_from(layer.digest()).ok()?,
                size: layer.size(),
                annotations: BTreeMap::new(),
            })
        });
        Ok(needed.collect())
    }

    /// Reads the contents of layers. Those that are too large or too many are a gap.
    async fn contents(
        &self,
        layers: Vec<NeededLayer>,
    ) -> Result<(Vec<(NeededLayer, Vec<u8>)>, Option<String>), Error> {
        let mut gap = None;
        let mut small = Vec::new();
        for layer in layers {
            let size = layer.size.unwrap_or(MAX_DOCUMENT as u64);
            if size > MAX_DOCUMENT as u64 {
                gap = Some(format!(
                    "{} has {size} bytes, at most {MAX_DOCUMENT} are read",
                    layer.digest
                ));
            } else if self.read.fetch_add(size, Ordering::Relaxed) + size > MAX_TOTAL {
                gap = Some(format!("more than {MAX_TOTAL} bytes are attached"));
            } else if small.len() > MAX_SIGNATURES {
                // One more than is examined, which says that there are too many.
                break;
            } else {
                small.push(layer);
            }
        }
        let repository = self.source.repository();
        let contents = small.into_iter().map(|layer| async move {
            let limit = MAX_DOCUMENT as u64;
            let read = repository.read_small_blob(&layer.digest, layer.size, limit);
            let document = read.await?;
            let content = document.to_vec();
            self.source.note_blob(&layer.digest, &content);
            let mut documents = self
                .documents
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            documents.push(document);
            Ok::<_, Error>((layer, content))
        });
        let contents = stream::iter(contents).buffered(CONCURRENT).try_collect();
        Ok((contents.await?, gap))
    }
}

/// Returns the fields of a descriptor that only signatures use. Others have checked its JSON.
fn fields(descriptor: &Descriptor) -> DescriptorFields {
    serde_json::from_str(descriptor.json()).unwrap_or_default()
}
