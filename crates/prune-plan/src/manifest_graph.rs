//! The manifests of a repository and their references.

use std::collections::{BTreeSet, HashMap, HashSet};

use image_name::Digest;

/// A manifest: its references to other manifests, and its blobs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManifestNode {
    /// The size of the manifest in bytes.
    pub size: u64,
    /// The manifests that an index lists.
    pub children: Vec<Digest>,
    /// The manifest that a referrer is about.
    pub subject: Option<Digest>,
    /// The config and the layers.
    pub blobs: Vec<ManifestBlob>,
}

/// A blob of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestBlob {
    /// The digest.
    pub digest: Digest,
    /// The size in bytes, 0 if the descriptor has none.
    pub size: u64,
}

/// The known manifests of a repository. A digest that is not in the graph does not exist there.
#[derive(Debug, Clone, Default)]
pub struct ManifestGraph {
    nodes: HashMap<Digest, ManifestNode>,
    /// By subject, from the manifests.
    referrers: HashMap<Digest, Vec<Digest>>,
    /// By subject, from the lists of the registry. They are needed with their subject, but they do not go with
    /// it: what a list names need not be about it.
    listed: HashMap<Digest, Vec<Digest>>,
}

/// The references that a closure follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// Children and referrers.
    Below,
    /// Subjects too, and what the registry lists as referrers.
    All,
}

impl ManifestGraph {
    /// Adds a manifest.
    pub fn insert(&mut self, digest: Digest, node: ManifestNode) {
        if self.nodes.contains_key(&digest) {
            return;
        }
        if let Some(subject) = &node.subject {
            let referrers = self.referrers.entry(subject.clone()).or_default();
            referrers.push(digest.clone());
        }
        self.nodes.insert(digest, node);
    }

    /// Adds a referrer that the registry lists for a subject. Its own manifest may say something else, or not
    /// exist.
    pub fn add_listed_referrer(&mut self, subject: &Digest, referrer: Digest) {
        let listed = self.listed.entry(subject.clone()).or_default();
        if !listed.contains(&referrer) {
            listed.push(referrer);
        }
    }

    /// Returns a manifest.
    #[must_use]
    pub fn get(&self, digest: &Digest) -> Option<&ManifestNode> {
        self.nodes.get(digest)
    }

    /// Returns true if the repository has the manifest.
    #[must_use]
    pub fn contains(&self, digest: &Digest) -> bool {
        self.nodes.contains_key(digest)
    }

    /// Returns the digests of all manifests.
    pub fn digests(&self) -> impl Iterator<Item = &Digest> {
        self.nodes.keys()
    }

    /// Returns the referrers of a manifest.
    #[must_use]
    pub fn referrers(&self, subject: &Digest) -> &[Digest] {
        self.referrers.get(subject).map_or(&[], Vec::as_slice)
    }

    /// Returns the referrers of a manifest that the registry lists.
    #[must_use]
    pub fn listed_referrers(&self, subject: &Digest) -> &[Digest] {
        self.listed.get(subject).map_or(&[], Vec::as_slice)
    }

    /// Returns everything that manifests need: themselves, their children, their referrers, and the subjects
    /// that they are about.
    pub(crate) fn needed_by<'a>(
        &'a self,
        roots: impl IntoIterator<Item = &'a Digest>,
    ) -> HashSet<&'a Digest> {
        self.closure(roots, Direction::All)
    }

    /// Returns what goes with manifests: themselves, their children and their referrers.
    pub(crate) fn carried_by<'a>(
        &'a self,
        roots: impl IntoIterator<Item = &'a Digest>,
    ) -> HashSet<&'a Digest> {
        self.closure(roots, Direction::Below)
    }

    fn closure<'a>(
        &'a self,
        roots: impl IntoIterator<Item = &'a Digest>,
        direction: Direction,
    ) -> HashSet<&'a Digest> {
        let mut found = HashSet::new();
        let mut open: Vec<&Digest> = roots.into_iter().collect();
        while let Some(digest) = open.pop() {
            // A root need not exist. It is needed all the same.
            if !found.insert(digest) {
                continue;
            }
            open.extend(self.referrers(digest));
            if let Some(node) = self.nodes.get(digest) {
                open.extend(&node.children);
                let subject = node.subject.as_ref();
                open.extend(subject.filter(|_| direction == Direction::All));
            }
            if direction == Direction::All {
                open.extend(self.listed_referrers(digest));
            }
        }
        found
    }

    /// Returns digests in a fixed order.
    pub(crate) fn sorted<'a>(digests: impl IntoIterator<Item = &'a Digest>) -> Vec<&'a Digest> {
        let sorted: BTreeSet<(&str, &Digest)> = digests
            .into_iter()
            .map(|digest| (digest.as_str(), digest))
            .collect();
        sorted.into_iter().map(|(_, digest)| digest).collect()
    }
}
