//! The manifests of a bundle, which come before all other content of its images.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use image_name::Digest;
use registry_client::{Content, Descriptor, DescriptorPlatform, Manifest};

use super::error::{MAX_MANIFEST, ReadError, ReferenceError};
use super::opened::Members;
use crate::contents::{Contents, Member};

/// A manifest as far as it refers to other content.
#[derive(Debug, Clone)]
pub struct Node {
    /// The media type.
    pub media_type: String,
    /// True for an index.
    pub is_index: bool,
    /// The children, or the config and the layers.
    pub children: Vec<Child>,
    /// The digest of the config, if it has one.
    pub config: Option<Digest>,
    /// The digest of the subject, if it has one.
    pub subject: Option<Digest>,
}

/// Content that a manifest refers to.
#[derive(Debug, Clone)]
pub struct Child {
    /// The digest.
    pub digest: Digest,
    /// The size in bytes, if the descriptor has it.
    pub size: Option<u64>,
    /// The media type in the descriptor.
    pub media_type: Option<String>,
    /// The platform, if the descriptor has one.
    pub platform: Option<DescriptorPlatform>,
    /// True for the child of an index that may be a blob.
    pub may_be_blob: bool,
    /// True for a layer that clients may fetch from URLs.
    pub has_urls: bool,
}

/// The content of members that come before the first large blob.
#[derive(Debug, Default)]
pub struct Leading {
    /// The manifests.
    pub nodes: HashMap<Digest, Node>,
    /// The bytes of the leading members by digest, if they were kept.
    pub kept: HashMap<Digest, Bytes>,
    /// The index of a member that follows, with its content unread.
    pub current: Option<usize>,
}

/// The part of the read members that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The structure of manifests.
    Nodes,
    /// Their bytes too, at most so many.
    Bytes(u64),
}

impl Node {
    /// Parses a manifest.
    ///
    /// # Errors
    ///
    /// [`ReadError::Manifest`], [`ReferenceError::Digest`].
    pub fn parse(digest: &Digest, bytes: Bytes) -> Result<Self, ReadError> {
        let manifest = manifest(digest, bytes);
        let content = manifest.content()?;
        let subject = content.subject();
        let subject = subject.and_then(|subject| Digest::try_from(subject.digest()).ok());
        let (is_index, config, descriptors) = match content {
            Content::Index { manifests, .. } => (true, None, manifests),
            Content::Image { config, layers, .. } => (false, config, layers),
        };
        let child = |descriptor: &Descriptor| {
            let child = Child::new(descriptor, is_index);
            child.map_err(|detail| ReferenceError::Digest {
                parent: digest.clone(),
                detail,
            })
        };
        let config = config.as_deref().map(child).transpose()?;
        let mut children = Vec::with_capacity(descriptors.len() + 1);
        children.extend(config.clone());
        for descriptor in &descriptors {
            children.push(child(descriptor)?);
        }
        Ok(Self {
            media_type: manifest.media_type,
            is_index,
            children,
            config: config.map(|config| config.digest),
            subject,
        })
    }
}

impl Child {
    fn new(descriptor: &Descriptor, in_index: bool) -> Result<Self, String> {
        let digest = Digest::try_from(descriptor.digest()).map_err(|error| error.to_string())?;
        Ok(Self {
            digest,
            size: descriptor.size(),
            media_type: descriptor.media_type().map(ToOwned::to_owned),
            platform: descriptor.platform().cloned(),
            may_be_blob: in_index && descriptor.may_be_blob(),
            has_urls: descriptor.has_urls(),
        })
    }
}

/// Returns the error of a manifest that is too long.
pub(super) fn too_long(digest: &Digest, size: u64) -> ReadError {
    ReadError::Incomplete(ReferenceError::TooLong {
        digest: digest.clone(),
        size,
        maximum: MAX_MANIFEST,
    })
}

/// Returns a manifest of a bundle. Its media type is its own, or follows from its structure.
pub(super) fn manifest(digest: &Digest, bytes: Bytes) -> Manifest {
    let digest = digest.clone();
    Manifest::new(bytes, None, digest)
}

/// The reading of the leading members.
struct Reading<'a> {
    sizes: HashMap<&'a Digest, u64>,
    leading: Leading,
    /// Manifests that were not read yet.
    missing: HashSet<Digest>,
    /// Children of indexes that were not read yet, and may be blobs.
    possible: HashSet<Digest>,
    /// Members that no manifest before them refers to.
    early: HashMap<Digest, Bytes>,
    keep: Keep,
    bytes: u64,
}

/// Reads the documents and the manifests, all checked against their digests.
///
/// # Errors
///
/// [`ReadError`]; [`ReadError::Stream`] if other content comes first, or more bytes would be kept than may be.
pub fn read_leading(members: &mut Members, keep: Keep) -> Result<Leading, ReadError> {
    let head = std::sync::Arc::clone(members.head());
    let mut reading = Reading::new(&head.contents, keep)?;
    while let Some(index) = members.next_member()? {
        let member = &head.contents.members[index];
        let Some(digest) = member.path.digest() else {
            members.read_to_end()?;
            continue;
        };
        if reading.missing.is_empty() && !reading.may_follow(member) {
            reading.leading.current = Some(index);
            break;
        }
        if member.size > MAX_MANIFEST {
            return Err(ReadError::Stream {
                detail: format!("the member {} comes before the last manifest", member.path),
            });
        }
        let bytes = Bytes::from(members.read_to_end()?);
        reading.add(digest, bytes)?;
    }
    Ok(reading.finish())
}

impl<'a> Reading<'a> {
    fn new(contents: &'a Contents, keep: Keep) -> Result<Self, ReadError> {
        let members = contents.members.iter();
        let sizes = members.filter_map(|member| Some((member.path.digest()?, member.size)));
        let mut reading = Self {
            sizes: sizes.collect(),
            leading: Leading::default(),
            missing: HashSet::new(),
            possible: HashSet::new(),
            early: HashMap::new(),
            keep,
            bytes: 0,
        };
        for image in &contents.images {
            let attached = image.attached.iter().map(|attached| &attached.digest);
            for digest in std::iter::once(&image.digest).chain(attached) {
                reading.expect(digest)?;
            }
        }
        Ok(reading)
    }

    /// Expects a manifest, unless it is only required.
    fn expect(&mut self, digest: &Digest) -> Result<(), ReadError> {
        let Some(size) = self.sizes.get(digest) else {
            return Ok(());
        };
        if *size > MAX_MANIFEST {
            return Err(too_long(digest, *size));
        }
        self.missing.insert(digest.clone());
        Ok(())
    }

    /// Returns true if a member may still be a manifest.
    fn may_follow(&self, member: &Member) -> bool {
        let digest = member.path.digest();
        member.size <= MAX_MANIFEST && digest.is_some_and(|digest| self.possible.contains(digest))
    }

    fn add(&mut self, digest: &Digest, bytes: Bytes) -> Result<(), ReadError> {
        if let Keep::Bytes(maximum) = self.keep {
            self.bytes += bytes.len() as u64;
            if self.bytes > maximum {
                return Err(ReadError::Stream {
                    detail: format!(
                        "its manifests take more than {maximum} bytes; import its file or its directory"
                    ),
                });
            }
        }
        if self.leading.nodes.contains_key(digest) || self.early.contains_key(digest) {
            // The layouts of several repositories have it.
            return Ok(());
        }
        let mut pending = vec![(digest.clone(), bytes)];
        while let Some((digest, bytes)) = pending.pop() {
            let is_possible = self.possible.remove(&digest);
            let node = match (self.missing.remove(&digest), is_possible) {
                (true, _) => Node::parse(&digest, bytes.clone())?,
                (false, true) => match Node::parse(&digest, bytes.clone()) {
                    Ok(node) => node,
                    Err(_) => {
                        self.keep(&digest, bytes);
                        continue;
                    }
                },
                (false, false) => {
                    self.early.insert(digest, bytes);
                    continue;
                }
            };
            self.keep(&digest, bytes);
            for child in node.children.iter().filter(|_| node.is_index) {
                if self.leading.nodes.contains_key(&child.digest) {
                    continue;
                }
                if child.may_be_blob {
                    self.possible.insert(child.digest.clone());
                } else {
                    self.expect(&child.digest)?;
                }
                if let Some(bytes) = self.early.remove(&child.digest) {
                    pending.push((child.digest.clone(), bytes));
                }
            }
            self.leading.nodes.insert(digest, node);
        }
        Ok(())
    }

    fn keep(&mut self, digest: &Digest, bytes: Bytes) {
        if self.keep != Keep::Nodes {
            self.leading.kept.insert(digest.clone(), bytes);
        }
    }

    fn finish(mut self) -> Leading {
        let early = std::mem::take(&mut self.early);
        for (digest, bytes) in early {
            self.keep(&digest, bytes);
        }
        self.leading
    }
}
