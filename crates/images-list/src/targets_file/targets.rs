//! All targets, groups and naming rules.

use std::collections::HashMap;
use std::sync::Arc;

use image_name::{RepositoryName, RepositoryPath};
use strict_json::suggest;

use super::naming::{NamingError, NamingRule};
use super::target::Target;
use crate::destination::{Destination, TargetName, TargetPath};
use crate::mirror_name::default_mirror_name;

/// The targets of destinations, and the rules for new ones: the content of `targets.json`.
///
/// ```
/// use images_list::Targets;
///
/// let targets = Targets::parse(r#"{
///   "targets": {
///     "hub": {"prefix": "docker.io/rancher"},
///     "prime": {"prefix": "registry.example.com/rancher", "create": "push"}
///   },
///   "groups": {"all": ["hub", "prime"]},
///   "default": ["all"]
/// }"#).unwrap();
/// let written = targets.expand(&"@all/mirrored-coreos-etcd".parse()?).unwrap();
/// let names: Vec<_> = written.iter().map(|written| written.repository.full()).collect();
/// assert_eq!(names, [
///     "docker.io/rancher/mirrored-coreos-etcd",
///     "registry.example.com/rancher/mirrored-coreos-etcd",
/// ]);
/// let new = targets.new_destination(&"quay.io/coreos/etcd".parse()?)?;
/// assert_eq!(new.map(|new| new.to_string()).as_deref(), Some("@all/mirrored-coreos-etcd"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The default has no targets, for lists without a targets file.
#[derive(Debug, Clone, Default)]
pub struct Targets {
    pub(super) targets: Vec<Arc<Target>>,
    pub(super) groups: Vec<(TargetName, Vec<Arc<Target>>)>,
    pub(super) default: Vec<TargetName>,
    pub(super) naming: Vec<NamingRule>,
    /// The targets of each name of a target or group.
    pub(super) members: HashMap<TargetName, Vec<Arc<Target>>>,
}

impl Targets {
    /// Returns true if there are no targets.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// Returns the targets in the order of the file.
    #[must_use]
    pub fn all(&self) -> &[Arc<Target>] {
        &self.targets
    }

    /// Returns the names of the groups with their targets, in the order of the file.
    #[must_use]
    pub fn groups(&self) -> &[(TargetName, Vec<Arc<Target>>)] {
        &self.groups
    }

    /// Returns the targets behind the name of a target or group; `None` for an unknown name.
    #[must_use]
    pub fn members(&self, name: &TargetName) -> Option<&[Arc<Target>]> {
        self.members.get(name).map(Vec::as_slice)
    }

    /// Returns the name of a target or group that is most similar to an unknown name.
    #[must_use]
    pub fn nearest(&self, name: &TargetName) -> Option<&str> {
        let targets = self.targets.iter().map(|target| &target.name);
        let groups = self.groups.iter().map(|(name, _)| name);
        suggest(name.as_str(), targets.chain(groups).map(TargetName::as_str))
    }

    /// Returns true if new sources have a destination.
    #[must_use]
    pub fn has_default(&self) -> bool {
        !self.default.is_empty()
    }

    /// Returns true if two destinations have a repository in common.
    #[must_use]
    pub fn overlap(&self, one: &Destination, other: &Destination) -> bool {
        let repositories = |destination| {
            let written = self.expand(destination).unwrap_or_default();
            written.into_iter().map(|written| written.repository)
        };
        let of_other: Vec<_> = repositories(other).collect();
        one == other || repositories(one).any(|repository| of_other.contains(&repository))
    }

    /// Returns the destination of a new source: its name at the default targets; `None` without
    /// default targets.
    ///
    /// # Errors
    ///
    /// As [`Targets::mirror_name`].
    pub fn new_destination(
        &self,
        source: &RepositoryName,
    ) -> Result<Option<Destination>, NamingError> {
        if self.default.is_empty() {
            return Ok(None);
        }
        let path = self.mirror_name(source)?;
        let names = self.default.clone();
        Ok(Some(Destination::Targets(TargetPath::new(names, path))))
    }

    /// Returns the name of a source's repository in the mirror: that of the first naming rule that
    /// matches, or else the [default](default_mirror_name).
    ///
    /// # Errors
    ///
    /// [`NamingError::Name`] if the name is not the path of a repository.
    pub fn mirror_name(&self, source: &RepositoryName) -> Result<RepositoryPath, NamingError> {
        match self.naming.iter().find(|rule| rule.matches(source)) {
            Some(rule) => rule.name_for(source),
            None => {
                let name = default_mirror_name(source);
                name.parse()
                    .map_err(|reason| NamingError::Name { name, reason })
            }
        }
    }
}
