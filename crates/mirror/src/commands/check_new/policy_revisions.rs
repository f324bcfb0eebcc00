//! The policy of signatures at the base and on the branch.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use signatures::{Weakening, weakened};

use super::base_policy::{BasePolicy, ChangedRoot};
use crate::cli::failure::{Failure, Finding};
use crate::files::policy_file::{self, PolicyFile, PolicyPath, ReadPolicy};
use crate::git::Git;
use crate::registries::signature_check::SignatureCheck;
use crate::session::Session;

/// The policy of signatures at the base and on the branch.
#[derive(Debug, Default)]
pub(crate) struct PolicyRevisions {
    /// The path of the file, for messages.
    name: String,
    /// The policy of the base.
    base: BasePolicy,
    /// The trusted root of the base, if the branch changes it.
    root: Option<ChangedRoot>,
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
        let Some(PolicyPath { path, is_named }) = policy_file::path(common, environment, lists)
        else {
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
        revisions.base = BasePolicy::read(git, commit, &path).await?;
        if is_named && matches!(revisions.base.read, ReadPolicy::None) {
            // The branch may have named another file in a workflow.
            let replaced = BasePolicy::read(git, commit, &policy_file::default_path(lists)).await?;
            if matches!(replaced.read, ReadPolicy::Valid(_)) {
                revisions.base = BasePolicy {
                    is_unchanged: false,
                    ..replaced
                };
            }
        }
        if let Some(root) = &common.trusted_root {
            revisions.root = ChangedRoot::read(git, commit, root).await?;
        }
        Ok(revisions)
    }

    /// Returns a finding for each requirement that the branch weakens, for a policy of the base that cannot be
    /// compared, and for another trusted root.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let mut found = self.policy_findings();
        let has_base = !matches!(self.base.read, ReadPolicy::None);
        // Without a policy at the base, a new trusted root takes nothing from it.
        let root = self.root.as_ref().filter(|root| has_base || !root.is_new);
        found.extend(root.map(ChangedRoot::finding));
        found
    }

    fn policy_findings(&self) -> Vec<Finding> {
        let restore = "restore the file, or run with --allow-policy-changes";
        let finding = |line, message| Finding {
            file: self.name.clone(),
            line,
            message,
        };
        match (&self.base.read, &self.current) {
            (ReadPolicy::None, _) => Vec::new(),
            // Its problems are findings already.
            (_, None) if !self.problems.is_empty() => Vec::new(),
            (ReadPolicy::Invalid(problems), _) => {
                let why = problems.first().map_or("invalid", |first| &first.message);
                vec![finding(
                    1,
                    format!(
                        "the policy of the base cannot be read, so changes cannot be compared ({why}); correct it at \
                         the base, or run with --allow-policy-changes"
                    ),
                )]
            }
            (ReadPolicy::Valid(_), None) => vec![finding(
                1,
                format!("the policy was removed, so images need no signature; {restore}"),
            )],
            (ReadPolicy::Valid(base), Some(current)) => {
                let found = weakened(&base.policy, &current.policy).into_iter();
                let message = |Weakening {
                                   before,
                                   differences,
                                   ..
                               }: &Weakening<'_>| {
                    let line = match base.name == self.name {
                        true => format!("line {}", before.line()),
                        false => format!("{}:{}", base.name, before.line()),
                    };
                    let differences = differences.join("; ");
                    format!(
                        "the requirement of {before} ({line} at the base) is weaker: {differences}; {restore}"
                    )
                };
                found
                    .map(|weakening| finding(weakening.now.line(), message(&weakening)))
                    .collect()
            }
        }
    }

    /// Returns the checks that new rows must pass: the policy of the base with its trusted root, unless the branch
    /// does not change them or changes are allowed, and that of the branch.
    ///
    /// # Errors
    ///
    /// As [`policy_file::trust_root`].
    pub(crate) fn checks(
        self,
        session: &Session,
        allow_changes: bool,
    ) -> Result<Vec<Arc<SignatureCheck>>, Failure> {
        let is_held = self.base.is_unchanged && self.current.is_some() && self.root.is_none();
        let base = match self.base.read {
            ReadPolicy::Valid(base) if !allow_changes && !is_held => Some(PolicyFile {
                name: format!("{} of the base", base.name),
                policy: base.policy,
            }),
            _ => None,
        };
        if base.is_none() && self.current.is_none() {
            return Ok(Vec::new());
        }
        let root = Arc::new(policy_file::trust_root(&session.common)?);
        let mut checks = Vec::new();
        if let Some(base) = base {
            let root = match &self.root {
                Some(changed) => changed.base()?,
                None => Arc::clone(&root),
            };
            checks.push(SignatureCheck::new(base, root));
        }
        checks.extend(self.current.map(|file| SignatureCheck::new(file, root)));
        Ok(checks.into_iter().map(Arc::new).collect())
    }
}
