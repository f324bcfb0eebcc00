//! The members of an archive in their order.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use image_name::{Digest, RepositoryName, RepositoryPath};
use registry_client::{Repository, sha256_digest};

use super::docker_images::{DockerPlatform, docker_images};
use super::error::PlanError;
use super::index_entries::{EntryForm, index, name, tagged_name};
use super::planned_image::{ContentHead, ImageShare, PlannedImage};
use super::walk::{Collected, NeededBlob, Walk};
use crate::base::FarSide;
use crate::contents::{
    AttachedManifest, BundledImage, Contents, LayoutKind, MAX_CONTENTS, Member, MemberFile,
    MemberPath,
};
use crate::layout::{OCI_LAYOUT, docker_manifest_bytes};
use crate::recording::{Recorded, StoredManifest};

/// The input of a plan.
#[derive(Debug)]
pub struct PlanInput<'a> {
    /// The form of the archive: everything but images and members is set.
    pub form: Contents,
    /// The images, in any order.
    pub images: Vec<PlannedImage>,
    /// The copied content.
    pub recorded: &'a Recorded,
    /// The content of the far side.
    pub far_side: &'a FarSide,
    /// Media types and sizes that are not in the recorded content.
    pub heads: &'a HashMap<Digest, ContentHead>,
    /// The platform of `manifest.json`.
    pub platform: DockerPlatform,
    /// The exported rows of the list.
    pub list: Vec<u8>,
    /// Their approvals, if the list has a lock.
    pub lock: Option<Vec<u8>>,
}

/// A document of the archive.
#[derive(Debug, Clone)]
pub struct Document {
    /// The path.
    pub path: MemberPath,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// The signature of `mirror.json`, the second member of a signed archive.
#[derive(Debug, Clone)]
pub struct ContentsSignature {
    /// The name of the member.
    pub file: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A blob of the archive.
#[derive(Debug, Clone)]
pub struct PlannedBlob {
    /// The digest.
    pub digest: Digest,
    /// The size in bytes.
    pub size: u64,
    /// The paths. In the layouts of several repositories, there are more than one.
    pub paths: Vec<MemberPath>,
    /// The repositories that should have it.
    pub sources: Arc<[Repository]>,
}

/// The plan of an archive.
#[derive(Debug)]
pub struct ExportPlan {
    /// `mirror.json`.
    pub contents: Contents,
    /// The bytes of `mirror.json`.
    pub contents_bytes: Vec<u8>,
    /// The signature of `mirror.json`, if it is signed.
    pub signature: Option<ContentsSignature>,
    /// The documents after it and before the manifests.
    pub documents: Vec<Document>,
    /// The manifests with their paths.
    pub manifests: Vec<(Vec<MemberPath>, Arc<StoredManifest>)>,
    /// The blobs.
    pub blobs: Vec<PlannedBlob>,
    /// The bytes of each image of the contents.
    pub shares: Vec<ImageShare>,
}

impl ExportPlan {
    /// Plans an archive.
    ///
    /// # Errors
    ///
    /// [`PlanError`].
    pub fn new(mut input: PlanInput<'_>) -> Result<Self, PlanError> {
        let images = sorted(std::mem::take(&mut input.images));
        let bases: Vec<String> = input
            .form
            .bases
            .iter()
            .map(|base| base.name.clone())
            .collect();
        let mut walk = Walk {
            recorded: input.recorded,
            far_side: input.far_side,
            bases: &bases,
            heads: input.heads,
            collected: Collected::default(),
        };
        let shares = images.iter().map(|image| walk.visit(image));
        let shares = shares.collect::<Result<Vec<_>, _>>();
        let shares = shares?;
        let mut collected = walk.finish()?;
        // Configs before layers; otherwise in the order of the images.
        collected.blobs.sort_by_key(|blob| blob.kind);
        let mut contents = input.form.clone();
        contents.images = images
            .iter()
            .map(|image| bundled(image, &input))
            .collect::<Result<_, _>>()?;
        let layouts = Layouts::new(&contents, &images)?;
        let documents = documents(&input, &collected, &layouts, &images);
        let manifests: Vec<_> = collected
            .manifests
            .iter()
            .map(|stored| {
                let paths = &collected.manifest_paths[stored.digest()];
                (
                    layouts.members(stored.digest(), paths.iter()),
                    Arc::clone(stored),
                )
            })
            .collect();
        let blobs: Vec<_> = collected
            .blobs
            .into_iter()
            .map(|blob| planned(&layouts, blob))
            .collect();
        contents.members = members(&documents, &manifests, &blobs);
        contents.requires = collected.requires.into_values().collect();
        contents.foreign_layers = collected.foreign.into_values().collect();
        let contents_bytes = contents.to_bytes();
        if contents_bytes.len() as u64 > MAX_CONTENTS {
            let size = contents_bytes.len() as u64;
            return Err(PlanError::TooLarge { size });
        }
        Ok(Self {
            contents,
            contents_bytes,
            signature: None,
            documents,
            manifests,
            blobs,
            shares,
        })
    }

    /// Returns the digest of `mirror.json`, which identifies the archive.
    #[must_use]
    pub fn identity(&self) -> Digest {
        sha256_digest(&self.contents_bytes)
    }

    /// Adds a source of a blob, which is asked after the others.
    pub fn add_source(&mut self, digest: &Digest, source: Repository) {
        let mut blobs = self.blobs.iter_mut();
        if let Some(blob) = blobs.find(|blob| blob.digest == *digest) {
            let sources = blob.sources.iter().cloned();
            blob.sources = sources.chain([source]).collect();
        }
    }

    /// Returns the bytes of all blobs, each once: those to download.
    #[must_use]
    pub fn download_bytes(&self) -> u64 {
        self.blobs.iter().map(|blob| blob.size).sum()
    }
}

/// Returns the images in the order of their destinations, each destination once.
fn sorted(mut images: Vec<PlannedImage>) -> Vec<PlannedImage> {
    let key = |image: &PlannedImage| (image.destination.full(), image.destination_tag.to_string());
    images.sort_by_cached_key(key);
    let mut seen = HashSet::new();
    images.retain(|image| seen.insert(key(image)));
    images
}

fn bundled(image: &PlannedImage, input: &PlanInput<'_>) -> Result<BundledImage, PlanError> {
    let head = |digest: &Digest| {
        let stored = input.recorded.manifest(digest).map(|stored| ContentHead {
            media_type: Some(stored.media_type().to_owned()),
            size: stored.size(),
        });
        let head = stored.or_else(|| input.heads.get(digest).cloned());
        head.ok_or_else(|| PlanError::Missing {
            repository: image.destination.clone(),
            digest: digest.clone(),
        })
    };
    let root = head(&image.digest)?;
    let attached = image.attached.iter().map(|attached| {
        let found = head(&attached.digest)?;
        let stored = input.recorded.manifest(&attached.digest);
        let artifact_type = stored.and_then(|stored| stored.artifact_type());
        let is_referrer = attached.kind == image_name::DigestTagKind::Referrers;
        Ok(AttachedManifest {
            subject: attached.subject.clone(),
            digest: attached.digest.clone(),
            media_type: found.media_type.unwrap_or_default(),
            size: found.size,
            tag: (!is_referrer).then(|| attached.tag()),
            artifact_type: artifact_type.filter(|_| is_referrer).map(ToOwned::to_owned),
        })
    });
    let mut attached = attached.collect::<Result<Vec<_>, PlanError>>()?;
    attached.sort();
    attached.dedup();
    Ok(BundledImage {
        source: image.source.clone(),
        destination: image.destination.clone(),
        tag: image.tag.clone(),
        destination_tag: image.destination_tag.clone(),
        digest: image.digest.clone(),
        media_type: root.media_type.unwrap_or_default(),
        size: root.size,
        platforms: image.platforms.clone(),
        attached,
    })
}

/// The layouts of an archive.
struct Layouts<'a> {
    kind: LayoutKind,
    /// The images and the path of each layout of a repository.
    by_path: BTreeMap<RepositoryPath, Vec<&'a PlannedImage>>,
    /// The layouts of each repository in the recording registry.
    of_recorded: HashMap<&'a RepositoryPath, Vec<RepositoryPath>>,
}

impl<'a> Layouts<'a> {
    fn new(contents: &Contents, images: &'a [PlannedImage]) -> Result<Self, PlanError> {
        let mut layouts = Self {
            kind: contents.layout,
            by_path: BTreeMap::new(),
            of_recorded: HashMap::new(),
        };
        if contents.layout == LayoutKind::Single {
            return Ok(layouts);
        }
        let mut names: HashMap<RepositoryPath, RepositoryName> = HashMap::new();
        for image in images {
            let (repository, _) = name(image, contents.names);
            let path = repository.path();
            let first = names
                .entry(path.clone())
                .or_insert_with(|| repository.clone());
            if first != repository {
                return Err(PlanError::SamePath {
                    path: path.clone(),
                    first: first.clone(),
                    second: repository.clone(),
                });
            }
            layouts.by_path.entry(path.clone()).or_default().push(image);
            let of_recorded = layouts.of_recorded.entry(&image.path).or_default();
            if !of_recorded.contains(path) {
                of_recorded.push(path.clone());
            }
        }
        Ok(layouts)
    }

    /// Returns the paths of content that repositories of the recording registry need.
    fn members<'p>(
        &self,
        digest: &Digest,
        recorded: impl Iterator<Item = &'p RepositoryPath>,
    ) -> Vec<MemberPath> {
        let file = || MemberFile::Blob(digest.clone());
        if self.kind == LayoutKind::Single {
            return vec![MemberPath::new(file())];
        }
        let layouts = recorded.filter_map(|path| self.of_recorded.get(path));
        let mut paths: Vec<_> = layouts
            .flatten()
            .map(|path| MemberPath::in_repository(path.clone(), file()))
            .collect();
        paths.sort();
        paths.dedup();
        paths
    }
}

fn planned(layouts: &Layouts<'_>, blob: NeededBlob) -> PlannedBlob {
    let paths = layouts.members(&blob.digest, blob.paths.iter());
    PlannedBlob {
        digest: blob.digest,
        size: blob.size,
        paths,
        sources: blob.sources.into(),
    }
}

fn documents(
    input: &PlanInput<'_>,
    collected: &Collected,
    layouts: &Layouts<'_>,
    images: &[PlannedImage],
) -> Vec<Document> {
    let (recorded, names) = (input.recorded, input.form.names);
    let mut documents = Vec::new();
    let mut add = |path: MemberPath, bytes: Vec<u8>| documents.push(Document { path, bytes });
    match layouts.kind {
        LayoutKind::Single => {
            let index = index(
                recorded,
                collected,
                names,
                images.iter(),
                EntryForm::FullNames,
            );
            let named = images
                .iter()
                .map(|image| (image, tagged_name(image, names)));
            let docker = docker_images(recorded, collected, &input.platform, named);
            add(MemberPath::new(MemberFile::OciLayout), OCI_LAYOUT.to_vec());
            add(MemberPath::new(MemberFile::Index), index.to_bytes());
            let docker = docker_manifest_bytes(&docker);
            add(MemberPath::new(MemberFile::DockerManifest), docker);
        }
        LayoutKind::Repositories => {
            for (path, images) in &layouts.by_path {
                let images = images.iter().copied();
                let index = index(recorded, collected, names, images, EntryForm::Tags);
                let member = |file| MemberPath::in_repository(path.clone(), file);
                add(member(MemberFile::OciLayout), OCI_LAYOUT.to_vec());
                add(member(MemberFile::Index), index.to_bytes());
            }
        }
    }
    add(MemberPath::new(MemberFile::List), input.list.clone());
    if let Some(lock) = &input.lock {
        add(MemberPath::new(MemberFile::Lock), lock.clone());
    }
    documents
}

fn members(
    documents: &[Document],
    manifests: &[(Vec<MemberPath>, Arc<StoredManifest>)],
    blobs: &[PlannedBlob],
) -> Vec<Member> {
    let documents = documents.iter().map(|document| Member {
        path: document.path.clone(),
        digest: sha256_digest(&document.bytes),
        size: document.bytes.len() as u64,
    });
    let manifests = manifests
        .iter()
        .map(|(paths, stored)| (paths, stored.digest(), stored.size()));
    let blobs = blobs
        .iter()
        .map(|blob| (&blob.paths, &blob.digest, blob.size));
    let content = manifests.chain(blobs).flat_map(|(paths, digest, size)| {
        paths.iter().map(move |path| Member {
            path: path.clone(),
            digest: digest.clone(),
            size,
        })
    });
    documents.chain(content).collect()
}
