//! The decisions about tags that are not named after a digest.

use std::cmp::Ordering;
use std::collections::HashMap;

use image_name::{Digest, Tag};
use images_list::compare_lines;

use crate::decision::{Decision, GoReason, KeepReason};
use crate::facts::{Former, Options, Removal, RepositoryFacts, Selection};

/// Decides about all tags but digest tags, which depend on their subjects.
pub(crate) fn former_tags<'a>(
    facts: &'a RepositoryFacts,
    options: &Options,
    selection: Option<&Selection>,
) -> HashMap<&'a Tag, Decision> {
    let tags = facts.tags.keys();
    let (arch_tags, others): (Vec<_>, Vec<_>) = tags
        .filter(|tag| tag.digest_part().is_none() || facts.is_named(tag))
        .partition(|tag| !facts.is_named(tag) && facts.base_of(tag).is_some());
    let mut decisions: HashMap<&Tag, Decision> = HashMap::new();
    for tag in others {
        decisions.insert(tag, facts.decide(tag, options));
    }
    keep_latest(&mut decisions, options.keep_latest);
    for tag in arch_tags {
        let Some(base) = facts.base_of(tag) else {
            continue;
        };
        let decision = match decisions.get(base) {
            Some(Decision::Keep(_)) => Decision::Keep(KeepReason::ArchTagOf(base.clone())),
            _ => facts.decide_arch_tag(tag, base, options),
        };
        decisions.insert(tag, decision);
    }
    if let Some(selection) = selection {
        for (tag, decision) in &mut decisions {
            if decision.goes() {
                restrict(tag, facts.tags.get(*tag), decision, selection);
            }
        }
    }
    decisions
}

/// Keeps a tag that is not in the selection with its digest of now.
fn restrict(tag: &Tag, digest: Option<&Digest>, decision: &mut Decision, selection: &Selection) {
    match selection.tags.get(tag) {
        Some(planned) if digest == Some(&planned.digest) => {}
        Some(planned) => {
            let planned = planned.digest.clone();
            *decision = Decision::Keep(KeepReason::Moved { planned });
        }
        None => *decision = Decision::Keep(KeepReason::NotPlanned),
    }
}

/// Keeps the latest of the tags that go, in the order of versions.
fn keep_latest(decisions: &mut HashMap<&Tag, Decision>, count: usize) {
    let going = decisions.iter().filter(|(_, decision)| decision.goes());
    let mut going: Vec<&Tag> = going.map(|(tag, _)| *tag).collect();
    going.sort_by(|one, other| by_version(other, one));
    for tag in going.into_iter().take(count) {
        decisions.insert(tag, Decision::Keep(KeepReason::Latest));
    }
}

fn by_version(one: &Tag, other: &Tag) -> Ordering {
    compare_lines(one.as_str(), other.as_str())
}

impl RepositoryFacts {
    /// Returns true if a row writes the tag or wrote it.
    fn is_named(&self, tag: &Tag) -> bool {
        self.kept_tags.contains(tag) || self.former.contains_key(tag)
    }

    /// Returns the tag that a `TAG-ARCH` tag belongs to: one that a row writes, or else one that a row wrote.
    /// The longest fits best.
    fn base_of(&self, tag: &Tag) -> Option<&Tag> {
        let bases: Vec<Tag> = tag
            .without_architecture()
            .filter_map(|base| base.parse().ok())
            .collect();
        let kept = bases.iter().rev().find_map(|base| self.kept_tags.get(base));
        let former = || {
            let known = |base| self.former.get_key_value(base).map(|(tag, _)| tag);
            bases.iter().rev().find_map(known)
        };
        kept.or_else(former)
    }

    /// Returns true if the mirror has written an image under any tag.
    pub(crate) fn has_written(&self, image: &Digest) -> bool {
        let mut former = self.former.values();
        former.any(|former| former.written.contains(image))
    }

    fn decide(&self, tag: &Tag, options: &Options) -> Decision {
        if self.kept_tags.contains(tag) {
            return Decision::Keep(KeepReason::Row);
        }
        if let Some(by) = self.kept_by.get(tag) {
            return Decision::Keep(KeepReason::OtherRow(by.clone()));
        }
        // A row may have written it too, before `--arch-tags` did.
        if let Some(base) = self
            .base_of(tag)
            .filter(|base| self.kept_tags.contains(*base))
        {
            return Decision::Keep(KeepReason::ArchTagOf(base.clone()));
        }
        if self.is_used(tag) {
            return Decision::Keep(KeepReason::Used);
        }
        let Some(former) = self.former.get(tag) else {
            return match options.foreign {
                true => Decision::Go(GoReason::Foreign),
                false => Decision::Keep(KeepReason::Foreign),
            };
        };
        if let Some(reason) = former.protection(options) {
            return Decision::Keep(reason);
        }
        match self.tags.get(tag) {
            Some(digest) if options.foreign || former.written.contains(digest) => {
                Decision::Go(GoReason::Former(former.removal.clone()))
            }
            Some(_) if former.is_brief && former.written.is_empty() => {
                Decision::Keep(KeepReason::Brief)
            }
            Some(digest) => Decision::Keep(KeepReason::OtherDigest(digest.clone())),
            None => Decision::Keep(KeepReason::Foreign),
        }
    }

    /// Decides about the `TAG-ARCH` tag of a base that goes, or is gone already. Its manifest must be a child
    /// of an image that the mirror wrote under the base.
    fn decide_arch_tag(&self, tag: &Tag, base: &Tag, options: &Options) -> Decision {
        if self.kept_tags.contains(base) || self.kept_by.contains_key(base) {
            return Decision::Keep(KeepReason::ArchTagOf(base.clone()));
        }
        if let Some(by) = self.kept_by.get(tag) {
            return Decision::Keep(KeepReason::OtherRow(by.clone()));
        }
        if self.is_used(tag) {
            return Decision::Keep(KeepReason::Used);
        }
        let (Some(former), Some(digest)) = (self.former.get(base), self.tags.get(tag)) else {
            return Decision::Keep(KeepReason::Foreign);
        };
        if let Some(reason) = former.protection(options) {
            return Decision::Keep(reason);
        }
        let is_child = |written: &Digest| {
            let node = self.graph.get(written);
            node.is_some_and(|node| node.children.contains(digest))
        };
        let is_written = former.written.contains(digest) || former.written.iter().any(is_child);
        if options.foreign || is_written {
            return Decision::Go(GoReason::ArchTagOf(base.clone()));
        }
        Decision::Keep(KeepReason::OtherDigest(digest.clone()))
    }

    /// Returns true if the tag or anything of its image is in use.
    fn is_used(&self, tag: &Tag) -> bool {
        if self.used_tags.contains(tag) {
            return true;
        }
        let Some(digest) = self.tags.get(tag).filter(|_| !self.used_digests.is_empty()) else {
            return false;
        };
        let image = self.graph.carried_by([digest]);
        image.iter().any(|part| self.used_digests.contains(*part))
    }
}

impl Former {
    /// Returns the reason why the time of the removal protects the tag.
    fn protection(&self, options: &Options) -> Option<KeepReason> {
        match (&self.removal, options.keep_removed_since) {
            (Removal::NotCommitted, _) => Some(KeepReason::NotCommitted),
            (_, None) => None,
            (Removal::Row { time, .. }, Some(since)) => {
                (*time > since).then_some(KeepReason::Recent)
            }
            (Removal::NotFollowed { .. } | Removal::Unlisted, Some(_)) => {
                Some(KeepReason::UnknownTime)
            }
        }
    }
}
