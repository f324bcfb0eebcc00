//! The policy of signatures at the base and on the branch.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use signatures::{Weakening, weakened};

use crate::cli::failure::{Failure, Finding};
use crate::files::policy_file::{self, PolicyFile, PolicyPath, ReadPolicy};
use crate::git::{Git, Links, TrackedPath};
use crate::registries::signature_check::SignatureCheck;
use crate::session::Session;

/// The policy of signatures at the base and on the branch.
#[derive(Debug, Default)]
pub(crate) struct PolicyRevisions {
    /// The path of the file, for messages.
    name: String,
    /// The policy of the base, if it had a valid one that the branch can change.
    base: Option<PolicyFile>,
    /// The policy on disk.
    current: Option<PolicyFile>,
    /// The problems of the file on disk.
    pub(crate) problems: Vec<Finding>,
}

impl PolicyRevisions {
    /// Reads the policy of lists at a commit and on disk. Refuses symbolic links of the checkout, which the branch
    /// could point to any file.
    ///
    /// # Errors
    ///
    /// [`Failure`] for links, and for a file that cannot be read.
    pub(crate) async fn read(
        session: &Session,
        git: &Git,
        commit: &str,
        lists: &[PathBuf],
    ) -> Result<Self, Failure> {
        let (common, environment) = (&session.common, &session.environment);
        let Some(PolicyPath { path, .. }) = policy_file::path(common, environment, lists) else {
            return Ok(Self::default());
        };
        git.refuse_links(&path)?;
        let directory = path.parent().unwrap_or(Path::new(""));
        if let Ok(text) = policy_file::read_text(&path) {
            for key in policy_file::key_paths(&text) {
                git.refuse_links(&directory.join(key))?;
            }
        }
        let mut revisions = Self {
            name: path.display().to_string(),
            ..Self::default()
        };
        match policy_file::read(common, environment, lists)? {
            ReadPolicy::None => {}
            ReadPolicy::Valid(file) => revisions.current = Some(*file),
            ReadPolicy::Invalid(problems) => revisions.problems = problems,
        }
        // A file outside the repository is not part of the branch.
        if let Ok(tracked) = git.track(&path, Links::Refuse) {
            revisions.base = read_base(git, commit, &tracked).await?;
        }
        Ok(revisions)
    }

    /// Returns a finding for each requirement that the branch weakens.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let restore = "restore the file, or run with --allow-policy-changes";
        let finding = |line, message| Finding {
            file: self.name.clone(),
            line,
            message,
        };
        match (&self.base, &self.current) {
            (None, _) => Vec::new(),
            // Its problems are findings already.
            (Some(_), None) if !self.problems.is_empty() => Vec::new(),
            (Some(_), None) => vec![finding(
                1,
                format!("the policy was removed, so images need no signature; {restore}"),
            )],
            (Some(base), Some(current)) => {
                let found = weakened(&base.policy, &current.policy).into_iter();
                let message = |Weakening {
                                   before,
                                   differences,
                                   ..
                               }: &Weakening<'_>| {
                    let line = before.line();
                    let differences = differences.join("; ");
                    format!(
                        "the requirement of {before} (line {line} at the base) is weaker: {differences}; {restore}"
                    )
                };
                found
                    .map(|weakening| finding(weakening.now.line(), message(&weakening)))
                    .collect()
            }
        }
    }

    /// Returns the checks that new rows must pass: the policy of the base, unless its changes are allowed, and
    /// that of the branch.
    ///
    /// # Errors
    ///
    /// As [`policy_file::trust_root`].
    pub(crate) fn checks(
        self,
        session: &Session,
        allow_changes: bool,
    ) -> Result<Vec<Arc<SignatureCheck>>, Failure> {
        // A policy that asks for as much as that of the base decides alone.
        let is_held = |base: &PolicyFile| {
            let current = self.current.as_ref();
            current.is_some_and(|current| weakened(&base.policy, &current.policy).is_empty())
        };
        let base = self.base.filter(|base| !allow_changes && !is_held(base));
        let base = base.map(|base| PolicyFile {
            name: format!("{} of the base", base.name),
            ..base
        });
        let files: Vec<_> = base.into_iter().chain(self.current).collect();
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let root = Arc::new(policy_file::trust_root(&session.common)?);
        let checks = files
            .into_iter()
            .map(|file| Arc::new(SignatureCheck::new(file, Arc::clone(&root))));
        Ok(checks.collect())
    }
}

/// Returns the policy of a commit with its keys; `None` if there is none or it is invalid.
async fn read_base(
    git: &Git,
    commit: &str,
    tracked: &TrackedPath,
) -> Result<Option<PolicyFile>, Failure> {
    let Some(bytes) = git.content_at(commit, tracked).await? else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let directory = tracked.path().parent().unwrap_or(Path::new(""));
    let mut keys: HashMap<String, String> = HashMap::new();
    for key in policy_file::key_paths(&text) {
        let path = PathBuf::from(&key);
        let content = match (path.is_absolute(), below(directory, &path)) {
            (true, _) => policy_file::read_key(&path).ok(),
            (false, Some(path)) => {
                let content = git.content_at(commit, &TrackedPath::from_top(path)).await?;
                content.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            }
            (false, None) => None,
        };
        keys.extend(content.map(|content| (key, content)));
    }
    let mut read_key = |path: &str| {
        let key = keys.get(path).cloned();
        key.ok_or_else(|| "cannot be read at the base".to_owned())
    };
    Ok(
        match policy_file::parse(tracked.name(), &text, &mut read_key) {
            ReadPolicy::Valid(file) => Some(*file),
            ReadPolicy::None | ReadPolicy::Invalid(_) => None,
        },
    )
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
