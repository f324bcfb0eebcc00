//! The unavoidable requests of a run.

use std::collections::{HashMap, HashSet};

use embedded_registry::images::Content;
use oci_spec::image::Digest;

use crate::corpus::{Blob, TaggedImage};

/// A manifest in a repository.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed<'a> {
    pub(crate) repository: &'a str,
    pub(crate) manifest: &'a Content,
    /// `None` for a manifest that is read and written by digest.
    pub(crate) tag: Option<&'a str>,
}

/// A blob to copy from a repository of the source to the same repository of the destination.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Upload<'a> {
    pub(crate) repository: &'a str,
    pub(crate) blob: &'a Blob,
}

/// A blob to mount from another repository of the destination.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mount<'a> {
    pub(crate) repository: &'a str,
    pub(crate) digest: &'a Digest,
    pub(crate) from: &'a str,
}

/// The unavoidable requests; see [`crate::floor`].
#[derive(Debug, Default)]
pub(crate) struct RequestPlan<'a> {
    /// Repository and tag of every row.
    pub(crate) rows: Vec<(&'a str, &'a str)>,
    /// Manifests to read at the source: the roots of missing rows, each digest once.
    pub(crate) roots: Vec<Placed<'a>>,
    /// The children of these roots, each digest once.
    pub(crate) children: Vec<Placed<'a>>,
    /// Blobs to copy, each digest once.
    pub(crate) uploads: Vec<Upload<'a>>,
    /// Blobs to mount, each digest once in each further repository.
    pub(crate) mounts: Vec<Mount<'a>>,
    /// Children to write, once in each repository.
    pub(crate) put_children: Vec<Placed<'a>>,
    /// Roots to write, for each missing tag.
    pub(crate) put_roots: Vec<Placed<'a>>,
}

/// The content of the destination.
#[derive(Default)]
struct DestinationContent<'a> {
    /// Repositories and tags.
    tags: HashSet<(&'a str, &'a str)>,
    /// Blobs and manifests, by repository.
    placed: HashSet<(&'a str, &'a Digest)>,
    /// A repository for each blob.
    origins: HashMap<&'a Digest, &'a str>,
}

impl<'a> DestinationContent<'a> {
    fn new(existing: &[&'a TaggedImage]) -> Self {
        let mut content = Self::default();
        for row in existing {
            let repository = row.repository.as_str();
            content.tags.insert((repository, &row.tag));
            for blob in &row.blobs {
                content.origins.entry(&blob.digest).or_insert(repository);
                content.placed.insert((repository, &blob.digest));
            }
            for manifest in &row.manifests {
                content.placed.insert((repository, manifest.digest()));
            }
        }
        content
    }
}

impl<'a> RequestPlan<'a> {
    /// Plans a copy of `rows` to a destination that has the content of `existing`.
    pub(crate) fn new(rows: &[&'a TaggedImage], existing: &[&'a TaggedImage]) -> Self {
        let mut plan = Self::default();
        let mut content = DestinationContent::new(existing);
        let mut read = HashSet::new();
        for row in rows {
            plan.rows.push((&row.repository, &row.tag));
            if !content.tags.contains(&(row.repository.as_str(), &row.tag)) {
                plan.add_blobs(row, &mut content);
                plan.add_manifests(row, &mut content, &mut read);
            }
        }
        plan
    }

    fn add_blobs(&mut self, row: &'a TaggedImage, content: &mut DestinationContent<'a>) {
        let repository = row.repository.as_str();
        for blob in &row.blobs {
            let digest = &blob.digest;
            if !content.placed.insert((repository, digest)) {
                continue;
            }
            if let Some(from) = content.origins.get(digest) {
                self.mounts.push(Mount {
                    repository,
                    digest,
                    from,
                });
            } else {
                content.origins.insert(digest, repository);
                self.uploads.push(Upload { repository, blob });
            }
        }
    }

    fn add_manifests(
        &mut self,
        row: &'a TaggedImage,
        content: &mut DestinationContent<'a>,
        read: &mut HashSet<&'a Digest>,
    ) {
        let repository = row.repository.as_str();
        let last = row.manifests.len() - 1;
        for (number, manifest) in row.manifests.iter().enumerate() {
            let tag = (number == last).then_some(row.tag.as_str());
            let (reads, puts) = match tag {
                Some(_) => (&mut self.roots, &mut self.put_roots),
                None => (&mut self.children, &mut self.put_children),
            };
            let manifest = Placed {
                repository,
                manifest,
                tag,
            };
            let digest = manifest.manifest.digest();
            if read.insert(digest) {
                reads.push(manifest);
            }
            if content.placed.insert((repository, digest)) || tag.is_some() {
                puts.push(manifest);
            }
        }
    }

    /// Returns the number of requests to the source and this many destinations.
    pub(crate) fn requests(&self, destinations: usize) -> usize {
        let heads = self.rows.len();
        let reads = self.roots.len() + self.children.len() + self.uploads.len();
        let puts = self.put_roots.len() + self.put_children.len();
        let writes = 2 * self.uploads.len() + self.mounts.len() + puts;
        heads + reads + destinations * (heads + writes)
    }

    /// Returns the bytes of blobs to copy.
    pub(crate) fn bytes(&self) -> u64 {
        self.uploads.iter().map(|upload| upload.blob.size).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(repository: &str, tag: &str, root: &str, blobs: &[char]) -> TaggedImage {
        let blob = |name: &char| Blob {
            digest: format!("sha256:{}", name.to_string().repeat(64))
                .parse()
                .unwrap(),
            size: 10,
        };
        TaggedImage {
            repository: repository.to_owned(),
            tag: tag.to_owned(),
            manifests: ["child", root]
                .map(|text| Content::new("m", text.to_owned()))
                .to_vec(),
            blobs: blobs.iter().map(blob).collect(),
        }
    }

    #[test]
    fn plan_copies_shared_blobs_once_and_mounts_them_elsewhere() {
        let rows = [
            row("one", "a", "root a", &['a', 'b']),
            row("one", "b", "root b", &['a', 'c']),
            row("two", "a", "root a", &['a', 'b']),
        ];
        let rows: Vec<_> = rows.iter().collect();
        // Cold: 6 HEADs, 2 roots and 1 child read, 3 blobs copied, 2 mounted, 2 children and 3 tags written.
        let plan = RequestPlan::new(&rows, &[]);
        assert_eq!(plan.mounts.len(), 2, "{:?}", plan.mounts);
        assert!(plan.mounts.iter().all(|mount| mount.from == "one"));
        assert_eq!(plan.requests(1), 6 + 3 + 9 + 2 + 5);
        assert_eq!(plan.requests(3), 12 + 3 + 21 + 6 + 15);
        assert_eq!(plan.bytes(), 30);
        // Only the last row is missing. It needs mounts and manifests only.
        let plan = RequestPlan::new(&rows, &rows[..2]);
        assert_eq!(plan.requests(1), 6 + 2 + 2 + 2);
        assert_eq!(plan.bytes(), 0);
        // Nothing is missing.
        assert_eq!(RequestPlan::new(&rows, &rows).requests(1), 6);
    }
}
