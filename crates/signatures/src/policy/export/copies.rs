//! The copies in a mirror, and the rules that decide about them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image_name::{RepositoryName, Tag};

use super::problem::ExportProblem;
use crate::keys::PublicKey;
use crate::policy::policy::{Policy, Rule};

/// A tag of the mirror, and the source of its image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The repository at the source.
    pub source: RepositoryName,
    /// The tag at the source, if the row has one.
    pub source_tag: Option<Tag>,
    /// The repository of the copy.
    pub destination: RepositoryName,
    /// The tag of the copy, if the row has one.
    pub destination_tag: Option<Tag>,
}

/// Copies about which one rule decides.
pub(super) struct Scope<'a> {
    /// The repository, or with [`Scope::tag`] a tag of it.
    pub(super) repository: RepositoryName,
    pub(super) tag: Option<Tag>,
    pub(super) rule: &'a Rule,
    /// The source, which classic signatures name.
    pub(super) source: RepositoryName,
}

impl Scope<'_> {
    /// Returns the full name of the repository, or of the tag.
    pub(super) fn name(&self) -> String {
        match &self.tag {
            Some(tag) => format!("{}:{tag}", self.repository.full()),
            None => self.repository.full(),
        }
    }

    pub(super) fn problem(&self, reason: impl Into<String>) -> ExportProblem {
        ExportProblem {
            scope: self.name(),
            line: self.rule.line(),
            reason: reason.into(),
        }
    }
}

/// Returns the scopes of copies: a repository where one rule and source decide about all its tags, else each tag.
pub(super) fn grouped<'a>(policy: &'a Policy, copies: &[Copy]) -> Vec<Scope<'a>> {
    let mut repositories: BTreeMap<String, Vec<Scope<'a>>> = BTreeMap::new();
    for copy in copies {
        let scopes = repositories.entry(copy.destination.full()).or_default();
        let scope = Scope {
            repository: copy.destination.clone(),
            tag: copy.destination_tag.clone(),
            rule: policy.rule(&copy.source, copy.source_tag.as_ref()),
            source: copy.source.clone(),
        };
        scopes.push(scope);
    }
    let mut all = Vec::new();
    for mut scopes in repositories.into_values() {
        let is_same = |one: &Scope<'_>, other: &Scope<'_>| {
            std::ptr::eq(one.rule, other.rule) && one.source == other.source
        };
        let (first, rest) = scopes.split_at_mut(1);
        if rest.iter().all(|scope| is_same(&first[0], scope)) {
            first[0].tag = None;
            scopes.truncate(1);
        }
        all.extend(scopes);
    }
    all
}

/// Returns a key in PEM.
pub(super) fn pem(key: &PublicKey) -> String {
    let text = STANDARD.encode(key.der().as_bytes());
    let lines: Vec<String> = text
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        lines.join("\n")
    )
}
