//! The offline check of a whole bundle: every digest and every reference.

use std::collections::{HashMap, HashSet};

use image_name::Digest;

use super::error::{ReadError, ReferenceError};
use super::manifests::{Child, Keep, Leading, Node, read_leading};
use super::opened::{Members, READ_BUFFER};
use crate::contents::{BundledImage, Contents};

/// Maximum nesting of indexes, as the engine that copies images has it.
const MAX_DEPTH: usize = 8;

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
    check_references(contents, &leading)?;
    let sizes = contents.members.iter().map(|member| member.size);
    Ok(Verified {
        members: contents.members.len(),
        bytes: sizes.sum(),
        manifests: leading.nodes.len(),
        required: contents.requires.len(),
    })
}

/// Checks that the references of all images are closed, and that every member belongs to an image.
///
/// # Errors
///
/// [`ReadError::Incomplete`].
pub(super) fn check_references(contents: &Contents, leading: &Leading) -> Result<(), ReadError> {
    let blobs = contents.members.iter();
    let blobs = blobs.filter_map(|member| Some((member.path.digest()?, member.size)));
    let required = contents.requires.iter();
    let mut references = References {
        nodes: &leading.nodes,
        members: blobs.collect(),
        required: required.map(|it| &it.digest).collect(),
        visited: HashSet::new(),
        reached: HashSet::new(),
    };
    for image in &contents.images {
        references.check_image(image)?;
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

struct References<'a> {
    nodes: &'a HashMap<Digest, Node>,
    members: HashMap<&'a Digest, u64>,
    required: HashSet<&'a Digest>,
    /// Manifests whose references were checked, with the tolerance for absent children.
    visited: HashSet<(&'a Digest, bool)>,
    /// Members that belong to an image.
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
        self.reached.insert(&child.digest);
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
