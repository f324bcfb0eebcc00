//! The policy: for each source, the requirement of its images.

use std::fmt;

use image_name::{RepositoryName, Tag};

use super::source_pattern::SourcePattern;
use crate::requirement::Requirement;

/// The requirements that images meet before they enter the mirror.
#[derive(Debug, Clone)]
pub struct Policy {
    /// In the order in which they are tried.
    pub(super) rules: Vec<Rule>,
    /// The decision about images that no rule matches.
    pub(super) default: Rule,
}

/// A pattern with the decision about the images that it matches.
#[derive(Debug, Clone)]
pub struct Rule {
    pub(super) pattern: SourcePattern,
    pub(super) decision: Decision,
    /// The line in the policy file, counted from 1.
    pub(super) line: usize,
    /// The rule is that of images without another one.
    pub(super) is_default: bool,
}

/// The decision about an image.
#[derive(Debug, Clone)]
pub enum Decision {
    /// The image is rejected.
    Reject,
    /// The image needs no signature.
    Unsigned,
    /// The image needs all of these.
    Signed(Vec<Requirement>),
}

impl Policy {
    /// Returns the rule of an image: the first one whose pattern matches. An image without a tag may be that of any
    /// tag, so that a rule for a tag decides about it too, unless it accepts images without a signature.
    #[must_use]
    pub fn rule(&self, repository: &RepositoryName, tag: Option<&Tag>) -> &Rule {
        let mut rules = self.rules.iter();
        let found = rules.find(|rule| rule.decides(repository, tag));
        found.unwrap_or(&self.default)
    }

    /// Returns the rules in the order in which they are tried, the default last.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().chain([&self.default])
    }
}

impl Rule {
    /// Returns the decision about the images that the rule matches.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    fn decides(&self, repository: &RepositoryName, tag: Option<&Tag>) -> bool {
        self.pattern.matches(repository, tag)
            || (tag.is_none() && !self.is_open() && self.pattern.matches_some_tag(repository))
    }

    /// Returns true if the rule accepts images without a signature.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.decision, Decision::Unsigned)
    }

    /// Returns true if an image without a tag may exist that both rules decide about.
    pub(super) fn decides_untagged_with(&self, other: &Self) -> bool {
        let (own, others) = (!self.is_open(), !other.is_open());
        self.pattern.overlaps_untagged(own, &other.pattern, others)
    }

    /// Returns the line in the policy file, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }
}

/// The name of the rule in messages: `` `PATTERN` `` or `` `default` ``.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_default {
            true => f.write_str("`default`"),
            false => write!(f, "`{}`", self.pattern),
        }
    }
}
