//! The requests that nobody can do without, counted.

use std::collections::{HashMap, HashSet};

use embedded_registry::images::Content;
use oci_spec::image::Digest;

use crate::corpus::{Blob, Tagged};

/// A manifest in a repository.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed<'a> {
    pub(crate) repository: &'a str,
    pub(crate) manifest: &'a Content,
    /// `None`: it is put and read by its digest.
    pub(crate) tag: Option<&'a str>,
}

/// A blob that goes from a repository of the source to the same one of the destination.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Upload<'a> {
    pub(crate) repository: &'a str,
    pub(crate) blob: &'a Blob,
}

/// A blob that another repository of the destination has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mount<'a> {
    pub(crate) repository: &'a str,
    pub(crate) digest: &'a Digest,
    pub(crate) from: &'a str,
}

/// What has to be asked and sent; see [`crate::floor`].
#[derive(Debug, Default)]
pub(crate) struct Plan<'a> {
    /// Repository and tag of every row.
    pub(crate) rows: Vec<(&'a str, &'a str)>,
    /// To be read at the source: the roots of what is not there, each digest once.
    pub(crate) roots: Vec<Placed<'a>>,
    /// The same for what is under them.
    pub(crate) children: Vec<Placed<'a>>,
    /// Each digest once.
    pub(crate) uploads: Vec<Upload<'a>>,
    /// Each digest once in each further repository.
    pub(crate) mounts: Vec<Mount<'a>>,
    /// Once in each repository.
    pub(crate) put_children: Vec<Placed<'a>>,
    /// Each tag that is not there.
    pub(crate) put_roots: Vec<Placed<'a>>,
}

/// What the destination has by then.
#[derive(Default)]
struct Known<'a> {
    /// Repositories and tags.
    tags: HashSet<(&'a str, &'a str)>,
    /// Blobs and manifests, by repository.
    placed: HashSet<(&'a str, &'a Digest)>,
    /// A repository for each blob.
    homes: HashMap<&'a Digest, &'a str>,
}

impl<'a> Known<'a> {
    fn of(there: &[&'a Tagged]) -> Self {
        let mut known = Self::default();
        for row in there {
            let repository = row.repository.as_str();
            known.tags.insert((repository, &row.tag));
            for blob in &row.blobs {
                known.homes.entry(&blob.digest).or_insert(repository);
                known.placed.insert((repository, &blob.digest));
            }
            for manifest in &row.manifests {
                known.placed.insert((repository, manifest.digest()));
            }
        }
        known
    }
}

impl<'a> Plan<'a> {
    /// For `rows` where everything of `there` is at the destination.
    pub(crate) fn of(rows: &[&'a Tagged], there: &[&'a Tagged]) -> Self {
        let mut plan = Self::default();
        let mut known = Known::of(there);
        let mut read = HashSet::new();
        for row in rows {
            plan.rows.push((&row.repository, &row.tag));
            if !known.tags.contains(&(row.repository.as_str(), &row.tag)) {
                plan.add_blobs(row, &mut known);
                plan.add_manifests(row, &mut known, &mut read);
            }
        }
        plan
    }

    fn add_blobs(&mut self, row: &'a Tagged, known: &mut Known<'a>) {
        let repository = row.repository.as_str();
        for blob in &row.blobs {
            let digest = &blob.digest;
            if !known.placed.insert((repository, digest)) {
                continue;
            }
            if let Some(from) = known.homes.get(digest) {
                self.mounts.push(Mount {
                    repository,
                    digest,
                    from,
                });
            } else {
                known.homes.insert(digest, repository);
                self.uploads.push(Upload { repository, blob });
            }
        }
    }

    fn add_manifests(
        &mut self,
        row: &'a Tagged,
        known: &mut Known<'a>,
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
            if known.placed.insert((repository, digest)) || tag.is_some() {
                puts.push(manifest);
            }
        }
    }

    /// How many requests that is.
    pub(crate) fn requests(&self) -> usize {
        let reads = self.roots.len() + self.children.len();
        let puts = self.put_roots.len() + self.put_children.len();
        2 * self.rows.len() + reads + 3 * self.uploads.len() + self.mounts.len() + puts
    }

    /// How many bytes of blobs leave the source.
    pub(crate) fn bytes(&self) -> u64 {
        self.uploads.iter().map(|upload| upload.blob.size).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(repository: &str, tag: &str, root: &str, blobs: &[char]) -> Tagged {
        let blob = |name: &char| Blob {
            digest: format!("sha256:{}", name.to_string().repeat(64))
                .parse()
                .unwrap(),
            size: 10,
        };
        Tagged {
            repository: repository.to_owned(),
            tag: tag.to_owned(),
            manifests: ["child", root]
                .map(|text| Content::new("m", text.to_owned()))
                .to_vec(),
            blobs: blobs.iter().map(blob).collect(),
        }
    }

    #[test]
    fn what_is_shared_is_sent_once_and_mounted_elsewhere() {
        let rows = [
            row("one", "a", "root a", &['a', 'b']),
            row("one", "b", "root b", &['a', 'c']),
            row("two", "a", "root a", &['a', 'b']),
        ];
        let rows: Vec<_> = rows.iter().collect();
        // Cold: 6 HEADs; 2 roots and 1 child read; 3 blobs sent; 2 mounted; 2 children and 3 tags put.
        let plan = Plan::of(&rows, &[]);
        assert_eq!(plan.mounts.len(), 2, "{:?}", plan.mounts);
        assert!(plan.mounts.iter().all(|mount| mount.from == "one"));
        assert_eq!(plan.requests(), 6 + 3 + 9 + 2 + 5);
        assert_eq!(plan.bytes(), 30);
        // Only the last is missing: it has nothing of its own to send.
        let plan = Plan::of(&rows, &rows[..2]);
        assert_eq!(plan.requests(), 6 + 2 + 2 + 2);
        assert_eq!(plan.bytes(), 0);
        // Nothing is missing.
        assert_eq!(Plan::of(&rows, &rows).requests(), 6);
    }
}
