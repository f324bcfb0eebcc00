//! The content that the far side has according to the bases of an export.

use std::collections::{HashMap, HashSet};

use image_name::{Digest, Host, RepositoryName, Tag};

use super::inventory::{Inventory, InventoryError};

/// The number of repositories that a requirement names for one blob. An import can mount it from any.
const MAX_NAMED: usize = 8;

/// The content that the far side has according to inventories and earlier bundles.
#[derive(Debug, Default)]
pub struct FarSide {
    repositories: Vec<KnownRepository>,
    by_name: HashMap<RepositoryName, usize>,
    /// The repositories that have a blob.
    blobs: HashMap<Digest, Vec<KnownBlob>>,
}

#[derive(Debug)]
struct KnownRepository {
    name: RepositoryName,
    /// With the number of the base that has the manifest.
    manifests: HashMap<Digest, usize>,
    tags: HashMap<Tag, Digest>,
}

#[derive(Debug, Clone, Copy)]
struct KnownBlob {
    repository: usize,
    base: usize,
}

/// The location of content at the far side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownIn {
    /// The repositories that have it, at most eight.
    pub repositories: Vec<RepositoryName>,
    /// The number of the base that has it first.
    pub base: usize,
}

impl FarSide {
    /// Adds an inventory as the base with a number.
    ///
    /// # Errors
    ///
    /// [`InventoryError::Name`].
    pub fn add_inventory(
        &mut self,
        base: usize,
        inventory: &Inventory,
    ) -> Result<(), InventoryError> {
        for (name, content) in inventory.repositories()? {
            self.number(&name);
            for digest in &content.manifests {
                self.add_manifest(base, &name, digest.clone());
            }
            for digest in &content.blobs {
                self.add_blob(base, &name, digest.clone());
            }
            for (tag, digest) in &content.tags {
                self.add_tag(&name, tag.clone(), digest.clone());
            }
        }
        Ok(())
    }

    /// Adds a manifest under which everything is at the far side.
    pub fn add_manifest(&mut self, base: usize, repository: &RepositoryName, digest: Digest) {
        let number = self.number(repository);
        let manifests = &mut self.repositories[number].manifests;
        manifests.entry(digest).or_insert(base);
    }

    /// Adds a blob.
    pub fn add_blob(&mut self, base: usize, repository: &RepositoryName, digest: Digest) {
        let repository = self.number(repository);
        let known = self.blobs.entry(digest).or_default();
        if !known.iter().any(|known| known.repository == repository) {
            known.push(KnownBlob { repository, base });
        }
    }

    /// Adds a tag. A later base replaces it.
    pub fn add_tag(&mut self, repository: &RepositoryName, tag: Tag, digest: Digest) {
        let number = self.number(repository);
        self.repositories[number].tags.insert(tag, digest);
    }

    fn number(&mut self, name: &RepositoryName) -> usize {
        if let Some(number) = self.by_name.get(name) {
            return *number;
        }
        let number = self.repositories.len();
        self.repositories.push(KnownRepository {
            name: name.clone(),
            manifests: HashMap::new(),
            tags: HashMap::new(),
        });
        self.by_name.insert(name.clone(), number);
        number
    }

    /// Returns true if something is known about a repository.
    #[must_use]
    pub fn has_repository(&self, name: &RepositoryName) -> bool {
        self.by_name.contains_key(name)
    }

    fn repository(&self, name: &RepositoryName) -> Option<&KnownRepository> {
        self.by_name
            .get(name)
            .map(|number| &self.repositories[*number])
    }

    /// Returns the digest behind a tag of a repository.
    #[must_use]
    pub fn tag(&self, repository: &RepositoryName, tag: &Tag) -> Option<&Digest> {
        self.repository(repository)?.tags.get(tag)
    }

    /// Returns the base that has a manifest in a repository. A manifest cannot be mounted from another one.
    #[must_use]
    pub fn manifest(&self, repository: &RepositoryName, digest: &Digest) -> Option<usize> {
        self.repository(repository)?.manifests.get(digest).copied()
    }

    /// Returns the repositories of a registry that have a blob.
    #[must_use]
    pub fn blob(&self, host: &Host, digest: &Digest) -> Option<KnownIn> {
        let known = self.blobs.get(digest)?.iter();
        let at_host: Vec<KnownBlob> = known
            .filter(|known| self.repositories[known.repository].name.host() == host)
            .copied()
            .collect();
        let base = at_host.iter().map(|known| known.base).min()?;
        let names: HashSet<usize> = at_host.iter().map(|known| known.repository).collect();
        let mut repositories: Vec<RepositoryName> = names
            .into_iter()
            .map(|number| self.repositories[number].name.clone())
            .collect();
        repositories.sort_by_key(RepositoryName::full);
        repositories.truncate(MAX_NAMED);
        Some(KnownIn { repositories, base })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blob_is_known_at_its_registry_and_a_manifest_in_its_repository() {
        let digest: Digest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
        let [first, second, other]: [RepositoryName; 3] =
            ["r.io/a", "r.io/b", "q.io/a"].map(|name| name.parse().unwrap());
        let mut far_side = FarSide::default();
        far_side.add_blob(1, &second, digest.clone());
        far_side.add_blob(0, &first, digest.clone());
        far_side.add_manifest(0, &first, digest.clone());
        let known = far_side.blob(second.host(), &digest).unwrap();
        assert_eq!(known.repositories, [first.clone(), second.clone()]);
        assert_eq!(known.base, 0);
        assert_eq!(far_side.blob(other.host(), &digest), None);
        assert_eq!(far_side.manifest(&first, &digest), Some(0));
        assert_eq!(far_side.manifest(&second, &digest), None);
    }
}
