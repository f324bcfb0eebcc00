//! The offline check of a whole bundle: every digest and every reference.

use std::collections::{HashMap, HashSet};

use image_name::Digest;

use super::error::{MAX_MANIFEST, ReadError, ReferenceError};
use super::manifests::{Child, Keep, Node, read_leading, too_long};
use super::opened::{Members, READ_BUFFER};
use super::store::Store;
use crate::contents::{BundledImage, Contents};

/// Maximum nesting of indexes, as the engine that copies images has it.
const MAX_DEPTH: usize = 8;
/// Maximum number of references under all images, each counted as often as an image reaches it. An honest
/// bundle of 100,000 images has a tenth.
const MAX_REFERENCES: u64 = 20_000_000;

/// The result of a verification.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verified {
    /// The members whose digests were checked.
    pub members: usize,
    /// Their bytes.
    pub bytes: u64,
    /// The manifests and indexes.
    pub manifests: usize,
    /// The distinct digests that are required from the destination.
    pub required: usize,
}

/// Reads every member, and checks its digest. Then checks that everything the images refer to is there, is
/// required, or is a foreign layer, and that nothing else is there.
///
/// # Errors
///
/// [`ReadError`] for the first problem.
pub fn verify(mut members: Members) -> Result<Verified, ReadError> {
    let head = std::sync::Arc::clone(members.head());
    let contents = &head.contents;
    let leading = read_leading(&mut members, Keep::Nodes)?;
    let mut buffer = vec![0; READ_BUFFER];
    let mut current = leading.current;
    while current.is_some() {
        members.check(&mut buffer)?;
        current = members.next_member()?;
    }
    check_references(contents, &leading.nodes)?;
    let sizes = contents.members.iter().map(|member| member.size);
    Ok(Verified {
        members: contents.members.len(),
        bytes: sizes.sum(),
        manifests: leading.nodes.len(),
        required: contents.requires.len(),
    })
}

/// Returns the manifests of all images, read from a store and checked against their digests.
///
/// # Errors
///
/// [`ReadError`].
pub fn read_manifests(store: &Store) -> Result<HashMap<Digest, Node>, ReadError> {
    let images = store.head().contents.images.iter();
    let roots = images.flat_map(|image| {
        let attached = image.attached.iter().map(|attached| &attached.digest);
        std::iter::once(&image.digest).chain(attached)
    });
    let mut pending: Vec<(Digest, bool)> = roots.map(|root| (root.clone(), false)).collect();
    let (mut nodes, mut visited) = (HashMap::new(), HashSet::new());
    while let Some((digest, may_be_blob)) = pending.pop() {
        // Without a size, it is required only.
        let Some(size) = store.size(&digest) else {
            continue;
        };
        if nodes.contains_key(&digest) || !visited.insert((digest.clone(), may_be_blob)) {
            continue;
        }
        let Some(bytes) = store.document(&digest, MAX_MANIFEST)? else {
            if may_be_blob {
                continue;
            }
            return Err(too_long(&digest, size));
        };
        let node = match Node::parse(&digest, bytes) {
            Err(_) if may_be_blob => continue,
            node => node?,
        };
        let children = node.children.iter().filter(|_| node.is_index);
        pending.extend(children.map(|child| (child.digest.clone(), child.may_be_blob)));
        nodes.insert(digest, node);
    }
    Ok(nodes)
}

/// Checks that the references of all images lead to content, and that every member belongs to an image. `nodes`
/// are the manifests of the bundle.
///
/// # Errors
///
/// [`ReadError::Incomplete`].
pub fn check_references(
    contents: &Contents,
    nodes: &HashMap<Digest, Node>,
) -> Result<(), ReadError> {
    let blobs = contents.members.iter();
    let blobs = blobs.filter_map(|member| Some((member.path.digest()?, member.size)));
    let required = contents.requires.iter();
    let mut references = References {
        nodes,
        members: blobs.collect(),
        required: required.map(|it| &it.digest).collect(),
        visited: HashSet::new(),
        reached: HashSet::new(),
    };
    for image in &contents.images {
        references.check_image(image)?;
    }
    check_total(contents, nodes)?;
    for requirement in &contents.requires {
        if !references.reached.contains(&requirement.digest) {
            let path = requirement.digest.to_string();
            return Err(ReferenceError::Unreferenced { path }.into());
        }
    }
    for member in &contents.members {
        let digest = member.path.digest();
        if digest.is_some_and(|digest| !references.reached.contains(digest)) {
            let path = member.path.to_string();
            return Err(ReferenceError::Unreferenced { path }.into());
        }
    }
    Ok(())
}

/// Checks the number of references under all images: each image is walked through later, and a few indexes
/// below many images would take hours. The nesting of the manifests is bounded.
///
/// # Errors
///
/// [`ReferenceError::TooMany`].
pub(super) fn check_total(
    contents: &Contents,
    nodes: &HashMap<Digest, Node>,
) -> Result<(), ReferenceError> {
    let mut counts = HashMap::new();
    let mut total: u64 = 0;
    for image in &contents.images {
        let attached = image.attached.iter().map(|attached| &attached.digest);
        for digest in std::iter::once(&image.digest).chain(attached) {
            total = total.saturating_add(references_under(digest, nodes, &mut counts));
        }
        if total > MAX_REFERENCES {
            return Err(ReferenceError::TooMany {
                maximum: MAX_REFERENCES,
            });
        }
    }
    Ok(())
}

/// Returns the number of references under a manifest.
fn references_under<'a>(
    digest: &'a Digest,
    nodes: &'a HashMap<Digest, Node>,
    counts: &mut HashMap<&'a Digest, u64>,
) -> u64 {
    let Some(node) = nodes.get(digest) else {
        return 1;
    };
    if let Some(count) = counts.get(digest) {
        return *count;
    }
    let count = match node.is_index {
        false => 1 + node.children.len() as u64,
        true => node.children.iter().fold(1, |sum: u64, child| {
            sum.saturating_add(references_under(&child.digest, nodes, counts))
        }),
    };
    counts.insert(digest, count);
    count
}

struct References<'a> {
    nodes: &'a HashMap<Digest, Node>,
    members: HashMap<&'a Digest, u64>,
    required: HashSet<&'a Digest>,
    /// Manifests whose references were checked, with the tolerance for absent children.
    visited: HashSet<(&'a Digest, bool)>,
    /// Members and requirements that belong to an image.
    reached: HashSet<&'a Digest>,
}

impl<'a> References<'a> {
    fn check_image(&mut self, image: &'a BundledImage) -> Result<(), ReferenceError> {
        // A sparse index lists children of other platforms.
        let is_sparse = !image.platforms.is_empty();
        self.check_manifest(&image.digest, is_sparse)?;
        for attached in &image.attached {
            self.check_manifest(&attached.digest, false)?;
            let node = self.nodes.get(&attached.digest);
            let subject = node.map(|node| node.subject.as_ref());
            let is_referrer = attached.tag.is_none();
            if is_referrer && subject.is_some_and(|subject| subject != Some(&attached.subject)) {
                return Err(ReferenceError::Subject {
                    referrer: attached.digest.clone(),
                    subject: attached.subject.clone(),
                });
            }
        }
        Ok(())
    }

    /// Checks a manifest and everything under it, unless it was checked.
    fn check_manifest(&mut self, root: &'a Digest, is_sparse: bool) -> Result<(), ReferenceError> {
        let mut pending = vec![(root, 0)];
        while let Some((digest, depth)) = pending.pop() {
            self.reached.insert(digest);
            // Without a node, it is required only.
            let Some(node) = self.nodes.get(digest) else {
                continue;
            };
            if depth > MAX_DEPTH {
                return Err(ReferenceError::Depth {
                    digest: digest.clone(),
                    maximum: MAX_DEPTH,
                });
            }
            if !self.visited.insert((digest, is_sparse)) {
                continue;
            }
            for child in &node.children {
                self.check_child(digest, child, is_sparse && node.is_index)?;
                if node.is_index {
                    pending.push((&child.digest, depth + 1));
                }
            }
        }
        Ok(())
    }

    fn check_child(
        &mut self,
        parent: &Digest,
        child: &'a Child,
        may_be_absent: bool,
    ) -> Result<(), ReferenceError> {
        self.reached.insert(&child.digest);
        let Some(actual) = self.members.get(&child.digest) else {
            let is_accounted_for =
                may_be_absent || child.has_urls || self.required.contains(&child.digest);
            return match is_accounted_for {
                true => Ok(()),
                false => Err(ReferenceError::Missing {
                    parent: parent.clone(),
                    child: child.digest.clone(),
                }),
            };
        };
        match child.size {
            Some(claimed) if claimed != *actual => Err(ReferenceError::Size {
                parent: parent.clone(),
                child: child.digest.clone(),
                claimed,
                actual: *actual,
            }),
            _ => Ok(()),
        }
    }
}
