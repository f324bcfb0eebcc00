//! The inventory of a destination: the digests that its repositories have.

use std::collections::{BTreeMap, BTreeSet};

use image_name::{Digest, Host, RepositoryName, RepositoryPath, Tag};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The maximum size of an inventory in bytes: two million digests.
pub const MAX_INVENTORY: u64 = 256 << 20;

/// The version of the format that this crate writes and reads.
const FORMAT_VERSION: u32 = 1;
/// The maximum length of an error of the JSON reader in characters.
const MAX_DETAIL: usize = 300;

/// The reason why a text is not an inventory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InventoryError {
    /// The document is too long.
    #[error("the inventory has {size} bytes, more than the maximum of {MAX_INVENTORY}")]
    TooLong {
        /// The size in bytes.
        size: u64,
    },
    /// The format is newer than this program.
    #[error("the inventory has format version {version}, and only {FORMAT_VERSION} is known")]
    Version {
        /// The version.
        version: u32,
    },
    /// The document does not have the form of the format.
    #[error("the inventory is not valid: {detail}")]
    Form {
        /// The cause with its position.
        detail: String,
    },
    /// A name is no host or repository.
    #[error("the inventory names the repository {name:?}: {cause}")]
    Name {
        /// The name, cut to 200 characters.
        name: String,
        /// The cause.
        cause: String,
    },
}

/// The digests that the repositories of a destination have.
///
/// Everything under a manifest of the inventory is at the destination too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Inventory {
    /// The version of the format, 1.
    format_version: u32,
    /// The program that wrote the inventory, with its version.
    created_by: String,
    /// The repositories by host and path.
    registries: BTreeMap<String, BTreeMap<String, InventoryRepository>>,
}

/// The content of one repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InventoryRepository {
    /// The digests of manifests and indexes.
    #[schemars(with = "Vec<String>")]
    pub manifests: BTreeSet<Digest>,
    /// The digests of configs and layers.
    #[schemars(with = "Vec<String>")]
    pub blobs: BTreeSet<Digest>,
    /// The tags with their digests.
    #[schemars(with = "BTreeMap<String, String>")]
    pub tags: BTreeMap<Tag, Digest>,
}

impl Inventory {
    /// Creates an empty inventory.
    #[must_use]
    pub fn new(created_by: impl Into<String>) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            created_by: created_by.into(),
            registries: BTreeMap::new(),
        }
    }

    /// Returns the content of a repository, to add to it.
    pub fn repository(&mut self, name: &RepositoryName) -> &mut InventoryRepository {
        let host = self.registries.entry(name.host().to_string());
        host.or_default()
            .entry(name.path().to_string())
            .or_default()
    }

    /// Returns the repositories with their names.
    ///
    /// # Errors
    ///
    /// [`InventoryError::Name`].
    pub fn repositories(
        &self,
    ) -> Result<Vec<(RepositoryName, &InventoryRepository)>, InventoryError> {
        let mut named = Vec::new();
        for (host, repositories) in &self.registries {
            let parsed_host: Host = host.parse().map_err(|error| invalid_name(host, &error))?;
            for (path, content) in repositories {
                let parsed: RepositoryPath =
                    path.parse().map_err(|error| invalid_name(path, &error))?;
                named.push((RepositoryName::new(parsed_host.clone(), parsed), content));
            }
        }
        Ok(named)
    }

    /// Returns the bytes of the document: equal inventories have equal bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // All keys are strings and all values plain data, so this cannot fail.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Parses the document.
    ///
    /// # Errors
    ///
    /// [`InventoryError`] for unknown keys, duplicate keys and invalid names.
    pub fn parse(bytes: &[u8]) -> Result<Self, InventoryError> {
        let size = bytes.len() as u64;
        if size > MAX_INVENTORY {
            return Err(InventoryError::TooLong { size });
        }
        let inventory: Self =
            serde_json::from_slice(bytes).map_err(|error| InventoryError::Form {
                detail: error.to_string().chars().take(MAX_DETAIL).collect(),
            })?;
        if inventory.format_version != FORMAT_VERSION {
            return Err(InventoryError::Version {
                version: inventory.format_version,
            });
        }
        inventory.repositories()?;
        Ok(inventory)
    }
}

fn invalid_name(name: &str, cause: &dyn std::fmt::Display) -> InventoryError {
    InventoryError::Name {
        name: name.chars().take(200).collect(),
        cause: cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(letter: char) -> Digest {
        format!("sha256:{}", letter.to_string().repeat(64))
            .parse()
            .unwrap()
    }

    #[test]
    fn inventory_is_read_as_it_was_written() {
        let mut inventory = Inventory::new("mirror 0.1.0");
        let name: RepositoryName = "registry.example.com:5000/mirror/nginx".parse().unwrap();
        let repository = inventory.repository(&name);
        repository.manifests.extend([digest('b'), digest('a')]);
        repository.blobs.insert(digest('c'));
        repository.tags.insert("1.27".parse().unwrap(), digest('a'));
        let bytes = inventory.to_bytes();
        let read = Inventory::parse(&bytes).unwrap();
        assert_eq!(read, inventory);
        assert_eq!(read.repositories().unwrap()[0].0, name);
        let text = String::from_utf8(bytes).unwrap();
        assert!(
            text.find(digest('a').as_str()) < text.find(digest('b').as_str()),
            "{text}"
        );
        for (from, to, cause) in [
            ("\"formatVersion\": 1", "\"formatVersion\": 7", "version 7"),
            ("mirror/nginx", "../nginx", "../nginx"),
            ("registry.example.com:5000", "a b", "a b"),
            ("\"blobs\"", "\"blob\"", "unknown field"),
            ("\"1.27\"", "\"1/27\"", "not valid"),
        ] {
            assert!(text.contains(from), "{from}");
            let error = Inventory::parse(text.replace(from, to).as_bytes()).unwrap_err();
            assert!(error.to_string().contains(cause), "{error}");
        }
    }
}
