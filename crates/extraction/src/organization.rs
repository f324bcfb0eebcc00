//! Your organization at Docker Hub.

use std::fmt;

use image_name::without_docker_hub;

/// An organization at Docker Hub, such as `rancher`.
///
/// A mirror writes to it, so its images are never proposed as sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization(String);

impl Organization {
    /// Creates an organization from its name. Returns `None` for blank text.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let name = name.trim().trim_end_matches('/');
        (!name.is_empty()).then(|| Self(name.to_owned()))
    }

    /// Returns true if a repository is in the organization. Repositories on hosts other than Docker Hub are not.
    #[must_use]
    pub fn contains(&self, repository: &str) -> bool {
        let path = without_docker_hub(repository).strip_prefix(&self.0);
        path.is_some_and(|path| path.starts_with('/'))
    }
}

impl fmt::Display for Organization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organization_contains_its_docker_hub_repositories_only() {
        let organization = Organization::new("rancher/").unwrap();
        for (repository, contained) in [
            ("rancher/a", true),
            ("docker.io/rancher/a", true),
            ("index.docker.io/rancher/a/b", true),
            ("rancher", false),
            ("ranchers/a", false),
            ("quay.io/rancher/a", false),
        ] {
            let found = organization.contains(repository);
            assert_eq!(found, contained, "{repository}");
        }
        assert_eq!(Organization::new(" / "), None);
    }
}
