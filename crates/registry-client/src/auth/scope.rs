//! What a token is asked to allow.

use std::sync::Arc;

use image_name::RepositoryPath;

/// What will be done to a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Read only.
    Pull,
    /// Read and write.
    Push,
}

/// The scopes of one token.
///
/// Source: "Docker Registry v2 authentication: scope":
/// `repository:NAME:pull,push`, several separated by blanks.
#[derive(Debug, Clone)]
pub(crate) struct Scopes {
    /// Sorted and joined by blanks; the key under which the token is kept.
    joined: Arc<str>,
    /// The repository whose credentials are used.
    repository: RepositoryPath,
}

impl Scopes {
    pub(crate) fn of(repository: &RepositoryPath, access: Access) -> Self {
        let actions = match access {
            Access::Pull => "pull",
            Access::Push => "pull,push",
        };
        Self {
            joined: format!("repository:{repository}:{actions}").into(),
            repository: repository.clone(),
        }
    }

    /// Both scopes of a cross-repository mount: write here, read there.
    pub(crate) fn and_pull(&self, repository: &RepositoryPath) -> Self {
        if *repository == self.repository {
            return self.clone();
        }
        let other = Self::of(repository, Access::Pull);
        let mut both = [&*self.joined, &*other.joined];
        both.sort_unstable();
        Self {
            joined: both.join(" ").into(),
            repository: self.repository.clone(),
        }
    }

    /// The single scopes, for one `scope` parameter each.
    pub(crate) fn each(&self) -> impl Iterator<Item = &str> {
        self.joined.split(' ')
    }

    /// All scopes separated by blanks, as the OAuth2 form wants them.
    pub(crate) fn joined(&self) -> &str {
        &self.joined
    }

    /// The repository whose credentials are used.
    pub(crate) fn repository(&self) -> &RepositoryPath {
        &self.repository
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_asks_for_both_scopes_with_the_targets_credentials() {
        let [app, base] = ["team/app", "base/os"].map(|path| path.parse().unwrap());
        let push = Scopes::of(&app, Access::Push);
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
