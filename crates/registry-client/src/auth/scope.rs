//! The scopes of a token.

use std::sync::Arc;

use image_name::RepositoryPath;

/// The access to a repository that a client needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Read only.
    Pull,
    /// Read and write.
    Push,
    /// Read and delete.
    ///
    /// distribution, Harbor, GitLab and Azure require the action `delete`. Quay has no such action: it
    /// refuses the scope as a whole, and accepts `push`.
    Delete,
}

/// The scopes of one token.
///
/// Source: "Docker Registry v2 authentication: scope":
/// `repository:NAME:pull,push`, several separated by spaces.
#[derive(Debug, Clone)]
pub(crate) struct Scopes {
    /// Sorted and joined by spaces; the key of the token in the cache.
    joined: Arc<str>,
    /// The repository whose credentials are used.
    repository: RepositoryPath,
}

impl Scopes {
    pub(crate) fn new(repository: &RepositoryPath, access: Access) -> Self {
        let actions = match access {
            Access::Pull => "pull",
            Access::Push => "pull,push",
            Access::Delete => "delete,pull",
        };
        Self {
            joined: format!("repository:{repository}:{actions}").into(),
            repository: repository.clone(),
        }
    }

    /// Returns the scopes of a cross-repository mount: push to this repository, pull from another.
    pub(crate) fn and_pull(&self, repository: &RepositoryPath) -> Self {
        if *repository == self.repository {
            return self.clone();
        }
        let other = Self::new(repository, Access::Pull);
        let mut both = [&*self.joined, &*other.joined];
        both.sort_unstable();
        Self {
            joined: both.join(" ").into(),
            repository: self.repository.clone(),
        }
    }

    /// Returns the single scopes, for one `scope` parameter each.
    pub(crate) fn each(&self) -> impl Iterator<Item = &str> {
        self.joined.split(' ')
    }

    /// Returns all scopes separated by spaces, as in the OAuth2 form.
    pub(crate) fn joined(&self) -> &str {
        &self.joined
    }

    /// Returns the repository whose credentials are used.
    pub(crate) fn repository(&self) -> &RepositoryPath {
        &self.repository
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_has_both_scopes_and_the_credentials_of_its_target() {
        let [app, base] = ["team/app", "base/os"].map(|path| path.parse().unwrap());
        let push = Scopes::new(&app, Access::Push);
        assert_eq!(push.joined(), "repository:team/app:pull,push");
        let both = push.and_pull(&base);
        assert_eq!(
            both.each().collect::<Vec<_>>(),
            ["repository:base/os:pull", "repository:team/app:pull,push"]
        );
        assert_eq!(both.repository(), &app);
        assert_eq!(push.and_pull(&app).joined(), push.joined());
    }
}
