//! The policy of signatures and the trusted root of the base.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use signatures::TrustRoot;

use crate::cli::failure::{Failure, Finding};
use crate::files::policy_file::{self, ReadPolicy};
use crate::git::{Git, Links, TrackedPath};

/// The policy of the base.
#[derive(Debug, Default)]
pub(super) struct BasePolicy {
    /// The policy, or its problems.
    pub(super) read: ReadPolicy,
    /// The branch has the same text and the same keys.
    pub(super) is_unchanged: bool,
}

/// The trusted root of the base, if it is in the repository and the branch has another one.
#[derive(Debug)]
pub(super) struct ChangedRoot {
    /// The path as given by the user, for messages.
    name: String,
    /// The base does not have the file.
    pub(super) is_new: bool,
    /// The trusted root of the base; `None` if it had none that can be used.
    base: Option<Arc<TrustRoot>>,
}

impl BasePolicy {
    /// Reads the policy at a commit with its keys. Files outside the repository are not part of the branch, and read
    /// from disk.
    ///
    /// # Errors
    ///
    /// [`Failure`] for symbolic links, and if git fails.
    pub(super) async fn read(git: &Git, commit: &str, path: &Path) -> Result<Self, Failure> {
        let tracked = git.track(path, Links::Refuse).ok();
        let on_disk = policy_file::read_text(path).ok();
        let text = match &tracked {
            Some(tracked) => text_at(git, commit, tracked).await?,
            None => on_disk.clone(),
        };
        let Some(text) = text else {
            return Ok(Self::default());
        };
        let directory = path.parent().unwrap_or(Path::new(""));
        let mut keys = HashMap::new();
        let mut is_unchanged = on_disk.as_ref() == Some(&text);
        for key in policy_file::key_paths(&text) {
            let named = directory.join(&key);
            let content = match tracked_key(git, tracked.as_ref(), &named, Path::new(&key))? {
                Some(tracked) => text_at(git, commit, &tracked).await?,
                None => policy_file::read_key(&named).ok(),
            };
            is_unchanged &= policy_file::read_key(&named).ok() == content;
            keys.extend(content.map(|content| (key, content)));
        }
        let mut read_key = |path: &str| {
            let key = keys.get(path).cloned();
            key.ok_or_else(|| "cannot be read at the base".to_owned())
        };
        let name = path.display().to_string();
        Ok(Self {
            read: policy_file::parse(&name, &text, &mut read_key),
            is_unchanged,
        })
    }
}

impl ChangedRoot {
    /// Compares a trusted root at a commit and on disk; `None` if the branch does not change it.
    ///
    /// # Errors
    ///
    /// [`Failure`] for symbolic links, and if git fails.
    pub(super) async fn read(
        git: &Git,
        commit: &str,
        path: &Path,
    ) -> Result<Option<Self>, Failure> {
        git.refuse_links(path)?;
        let Ok(tracked) = git.track(path, Links::Refuse) else {
            return Ok(None);
        };
        let base = text_at(git, commit, &tracked).await?;
        if base == policy_file::read_text(path).ok() {
            return Ok(None);
        }
        let is_new = base.is_none();
        let root = base.and_then(|base| TrustRoot::from_json(&base).ok());
        Ok(Some(Self {
            name: path.display().to_string(),
            is_new,
            base: root.map(Arc::new),
        }))
    }

    /// Returns the finding about the change.
    pub(super) fn finding(&self) -> Finding {
        let message = match self.is_new {
            true => {
                "the base has no such trusted root, so other authorities could sign; name a file outside the \
                 repository, or run with --allow-policy-changes"
            }
            false => {
                "the trusted root is not that of the base, so other authorities could sign; restore the file, or \
                 run with --allow-policy-changes"
            }
        };
        Finding {
            file: self.name.clone(),
            line: 1,
            message: message.to_owned(),
        }
    }

    /// Returns the trusted root for the policy of the base: without one of its own, that of Sigstore's public
    /// instance.
    ///
    /// # Errors
    ///
    /// As [`policy_file::embedded_root`].
    pub(super) fn base(&self) -> Result<Arc<TrustRoot>, Failure> {
        match &self.base {
            Some(root) => Ok(Arc::clone(root)),
            None => policy_file::embedded_root().map(Arc::new),
        }
    }
}

async fn text_at(git: &Git, commit: &str, file: &TrackedPath) -> Result<Option<String>, Failure> {
    let content = git.content_at(commit, file).await?;
    Ok(content.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// Returns the path of a key in the repository; `None` for one outside. `named` is its path from the working
/// directory, `key` the one that the policy names.
fn tracked_key(
    git: &Git,
    policy: Option<&TrackedPath>,
    named: &Path,
    key: &Path,
) -> Result<Option<TrackedPath>, Failure> {
    let directory = policy.map(|policy| policy.path().parent().unwrap_or(Path::new("")));
    if let Some(path) = directory.and_then(|directory| below(directory, key)) {
        return Ok(Some(TrackedPath::from_top(path)));
    }
    git.refuse_links(named)?;
    Ok(git.track(named, Links::Refuse).ok())
}

/// Returns a path below a directory of the repository without `.` and `..`; `None` if it leads out of it.
fn below(directory: &Path, path: &Path) -> Option<PathBuf> {
    let mut joined = directory.to_owned();
    for component in path.components() {
        match component {
            Component::Normal(name) => joined.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !joined.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_paths_stay_in_the_repository() {
        for (directory, path, want) in [
            ("", "keys/a.pub", Some("keys/a.pub")),
            ("lists", "../keys/./a.pub", Some("keys/a.pub")),
            ("lists", "../../a.pub", None),
            ("", "/etc/a.pub", None),
        ] {
            let found = below(Path::new(directory), Path::new(path));
            assert_eq!(found, want.map(PathBuf::from), "{directory} {path}");
        }
    }
}
