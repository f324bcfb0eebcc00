//! The plan for one repository.

use std::collections::{HashMap, HashSet};

use image_name::{Digest, ManifestReference, Tag};

use crate::decision::{Decision, GoReason, KeepReason};
use crate::facts::{Options, RepositoryFacts, Selection};
use crate::manifest_graph::ManifestGraph;
use crate::order::deletion_order;
use crate::owners::{GoingTag, owners};
use crate::tag_decisions::former_tags;

/// The deletions from one repository, and the decisions about its tags.
#[derive(Debug, Clone, Default)]
pub struct RepositoryPlan {
    /// The deletions in their order.
    pub deletions: Vec<Deletion>,
    /// All tags with their decisions.
    pub tags: Vec<(Tag, Decision)>,
    /// The manifests that something needs.
    pub needed: HashSet<Digest>,
}

/// One deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// The tag, or the digest of a manifest that no tag needs.
    pub target: ManifestReference,
    /// The digest of the tag, or of the manifest.
    pub digest: Digest,
    /// The image that the manifest belongs to: the digest of the tag that goes.
    pub image: Digest,
    /// The reason.
    pub reason: GoReason,
    /// The bytes that are no longer needed, set by [`add_freed_bytes`](crate::add_freed_bytes).
    pub bytes: u64,
}

/// Decides what can be deleted from a repository.
///
/// With a selection, only its lines are deleted, and only where the facts of now allow it.
#[must_use]
pub fn plan(
    facts: &RepositoryFacts,
    options: &Options,
    selection: Option<&Selection>,
) -> RepositoryPlan {
    let mut planner = Planner {
        facts,
        selection,
        foreign: options.foreign,
        decisions: former_tags(facts, options, selection),
        extra: HashMap::new(),
    };
    planner.add_untagged();
    loop {
        let going = planner.going();
        let needed = planner.needed(&going);
        let changed = planner.keep_referrers(&going, &needed)
            || planner.keep_named_digests()
            || planner.decide_digest_tags(&going, &needed);
        if !changed {
            return planner.into_plan(&going, &needed);
        }
    }
}

/// A plan while it is decided. Each step turns undecided digest tags into decided ones, or a tag that goes
/// into one that stays for good, so the steps end.
struct Planner<'a> {
    facts: &'a RepositoryFacts,
    selection: Option<&'a Selection>,
    foreign: bool,
    decisions: HashMap<&'a Tag, Decision>,
    /// Manifests of the selection that no tag leads to, with the images that they belonged to.
    extra: HashMap<&'a Digest, &'a Digest>,
}

impl<'a> Planner<'a> {
    /// Adds the manifests of the selection whose tags an earlier run has deleted. They belong to an image
    /// that the mirror has written; that a line of a plan says so is no proof.
    fn add_untagged(&mut self) {
        let Some(selection) = self.selection else {
            return;
        };
        let tagged = self.facts.graph.carried_by(self.facts.tags.values());
        let manifests = selection.manifests.iter();
        let untagged = manifests.filter(|(digest, image)| {
            let is_known = self.facts.graph.contains(digest) && !tagged.contains(digest);
            let is_written = self.foreign || self.facts.has_written(image);
            is_known && is_written && self.belongs_to(selection, digest, image)
        });
        let untagged: Vec<_> = untagged.collect();
        self.extra.extend(untagged);
    }

    /// Returns true if a manifest without a tag is a part of an image: by the image itself or, once that is
    /// gone, by the lines of its tags.
    fn belongs_to(&self, selection: &Selection, digest: &Digest, image: &Digest) -> bool {
        let graph = &self.facts.graph;
        let about = selection
            .tags
            .iter()
            .filter(|(tag, selected)| tag.digest_part().is_some() && selected.image == *image);
        let about = about.map(|(_, selected)| &selected.digest);
        if graph.contains(image) {
            return graph.carried_by(about.chain([image])).contains(digest);
        }
        self.facts.has_written(digest)
            || graph.carried_by(about).contains(digest)
            || selection.has_image(image)
    }

    /// Returns the digests of the tags that go, with everything that belongs to them.
    fn going(&self) -> HashSet<&'a Digest> {
        let tags = self.tags_that_go().map(|(_, digest)| digest);
        let roots = tags.chain(self.extra.keys().copied());
        self.facts.graph.carried_by(roots)
    }

    fn tags_that_go(&self) -> impl Iterator<Item = (&'a Tag, &'a Digest)> {
        let tags = self.facts.tags.iter();
        tags.filter(|(tag, _)| self.decisions.get(tag).is_some_and(Decision::goes))
    }

    /// Returns everything that stays and what it needs. Of the manifests that could go, those that the
    /// selection does not have stay.
    fn needed(&self, going: &HashSet<&'a Digest>) -> HashSet<&'a Digest> {
        let facts = self.facts;
        // Undecided digest tags neither go nor keep anything: their subjects decide.
        let mut roots: Vec<&Digest> = self.tags_that_stay().map(|(_, digest)| digest).collect();
        roots.extend(&facts.kept_digests);
        roots.extend(&facts.used_digests);
        if let Some(selection) = self.selection {
            let others = going.iter().copied();
            roots.extend(others.filter(|digest| !selection.manifests.contains_key(digest)));
        }
        facts.graph.needed_by(roots)
    }

    fn tags_that_stay(&self) -> impl Iterator<Item = (&'a Tag, &'a Digest)> {
        let tags = self.facts.tags.iter();
        tags.filter(|(tag, _)| {
            let decision = self.decisions.get(tag);
            decision.is_some_and(|decision| !decision.goes())
        })
    }

    /// Decides digest tags: those whose subjects stay, and if there are none, the others. Returns true if one
    /// was decided.
    ///
    /// The manifest of a tag that stays may be the subject of another one, so those come first.
    fn decide_digest_tags(
        &mut self,
        going: &HashSet<&'a Digest>,
        needed: &HashSet<&'a Digest>,
    ) -> bool {
        let tags = self.facts.tags.keys();
        let undecided: Vec<&Tag> = tags
            .filter(|tag| !self.decisions.contains_key(tag))
            .collect();
        if undecided.is_empty() {
            return false;
        }
        let subjects = subjects_by_tag_part(&self.facts.graph);
        let decided: Vec<(&Tag, Decision)> = undecided
            .into_iter()
            .map(|tag| {
                let part = tag.digest_part().unwrap_or_default();
                let decision = match subjects.get(part).copied() {
                    Some(subject) if needed.contains(subject) => {
                        Decision::Keep(KeepReason::About(subject.clone()))
                    }
                    Some(subject) if going.contains(subject) => {
                        self.if_selected(tag, GoReason::About(subject.clone()))
                    }
                    Some(_) => Decision::Keep(KeepReason::AboutUnknown),
                    None => self.without_subject(tag),
                };
                (tag, decision)
            })
            .collect();
        let keeps_one = decided.iter().any(|(_, decision)| !decision.goes());
        let now = decided
            .into_iter()
            .filter(|(_, decision)| !keeps_one || !decision.goes());
        self.decisions.extend(now);
        true
    }

    /// Decides about a digest tag without a subject. An earlier run of the plan may have deleted the image
    /// already.
    fn without_subject(&self, tag: &Tag) -> Decision {
        let selection = self.selection;
        let selected = selection.and_then(|selection| selection.tags.get(tag));
        let image = selected.map(|selected| &selected.image).filter(|image| {
            let own = image.tag(image_name::DigestTagKind::Referrers);
            tag.digest_part() == own.digest_part()
                || selection.is_some_and(|selection| selection.has_image(image))
        });
        match image.filter(|image| self.foreign || self.facts.has_written(image)) {
            Some(image) if !self.facts.graph.contains(image) => {
                self.if_selected(tag, GoReason::About(image.clone()))
            }
            _ => Decision::Keep(KeepReason::AboutUnknown),
        }
    }

    fn if_selected(&self, tag: &Tag, reason: GoReason) -> Decision {
        match self.selection.map(|selection| selection.tags.get(tag)) {
            None => Decision::Go(reason),
            Some(None) => Decision::Keep(KeepReason::NotPlanned),
            Some(Some(planned)) if self.facts.tags.get(tag) == Some(&planned.digest) => {
                Decision::Go(reason)
            }
            Some(Some(planned)) => Decision::Keep(KeepReason::Moved {
                planned: planned.digest.clone(),
            }),
        }
    }

    /// Keeps tags of referrers whose subject stays, or exists without a tag that goes. Returns true if one was
    /// about to go.
    fn keep_referrers(
        &mut self,
        going: &HashSet<&'a Digest>,
        needed: &HashSet<&'a Digest>,
    ) -> bool {
        let graph = &self.facts.graph;
        let kept: Vec<(&Tag, KeepReason)> = self
            .tags_that_go()
            .filter_map(|(tag, digest)| {
                let subject = graph.get(digest)?.subject.as_ref()?;
                let is_unknown = graph.contains(subject) && !going.contains(subject);
                let reason = || KeepReason::ReferrerOf(subject.clone());
                (needed.contains(subject) || is_unknown).then(|| (tag, reason()))
            })
            .collect();
        self.keep(kept)
    }

    /// Keeps the last tags of digests that rows, lock lines or uses name, of those that something which stays is
    /// about, and of those that the registry lists as its referrers: many registries delete a manifest with its last tag, or some time after. Returns true
    /// if one was about to go.
    fn keep_named_digests(&mut self) -> bool {
        let facts = self.facts;
        let stays: HashSet<&Digest> = self.tags_that_stay().map(|(_, digest)| digest).collect();
        let roots = stays.iter().copied().chain(&facts.kept_digests);
        let needed = facts.graph.needed_by(roots.chain(&facts.used_digests));
        let subjects = needed.iter().filter_map(|digest| facts.graph.get(digest));
        let subjects: HashSet<&Digest> =
            subjects.filter_map(|node| node.subject.as_ref()).collect();
        let listed = needed.iter();
        let listed = listed.flat_map(|digest| facts.graph.listed_referrers(digest));
        let listed: HashSet<&Digest> = listed.collect();
        let named = |digest| {
            facts.kept_digests.contains(digest)
                || facts.used_digests.contains(digest)
                || subjects.contains(digest)
                || listed.contains(digest)
        };
        let kept: Vec<(&Tag, KeepReason)> = self
            .tags_that_go()
            .filter(|(_, digest)| named(digest) && !stays.contains(digest))
            .map(|(tag, _)| (tag, KeepReason::NeededDigest))
            .collect();
        self.keep(kept)
    }

    /// Keeps tags that were about to go. What was decided about digest tags may depend on them.
    fn keep(&mut self, kept: Vec<(&'a Tag, KeepReason)>) -> bool {
        if kept.is_empty() {
            return false;
        }
        self.decisions
            .retain(|_, decision| !matches!(decision, Decision::Go(GoReason::About(_))));
        for (tag, reason) in kept {
            self.decisions.insert(tag, Decision::Keep(reason));
        }
        true
    }

    fn into_plan(
        self,
        going: &HashSet<&'a Digest>,
        needed: &HashSet<&'a Digest>,
    ) -> RepositoryPlan {
        let graph = &self.facts.graph;
        let mut plan = RepositoryPlan {
            needed: needed.iter().map(|digest| (*digest).clone()).collect(),
            ..RepositoryPlan::default()
        };
        let tags: Vec<GoingTag<'_>> = self
            .tags_that_go()
            .filter_map(|(tag, digest)| match self.decisions.get(tag)? {
                Decision::Go(reason) => Some(GoingTag {
                    tag,
                    digest,
                    reason,
                }),
                Decision::Keep(_) => None,
            })
            .collect();
        let owners = owners(graph, &tags, &self.extra);
        for going in tags {
            let image = owners.get(going.digest).map(|(image, _)| image);
            plan.deletions.push(Deletion {
                target: going.tag.into(),
                digest: going.digest.clone(),
                image: image.unwrap_or(going.digest).clone(),
                reason: going.reason.clone(),
                bytes: 0,
            });
        }
        let manifests = going.iter().copied();
        let manifests =
            manifests.filter(|digest| graph.contains(digest) && !needed.contains(digest));
        let manifests: HashSet<&Digest> = manifests.collect();
        for digest in deletion_order(graph, &manifests) {
            let Some((image, reason)) = owners.get(digest) else {
                continue;
            };
            plan.deletions.push(Deletion {
                target: digest.into(),
                digest: digest.clone(),
                image: image.clone(),
                reason: reason.clone(),
                bytes: 0,
            });
        }
        let tags = self.facts.tags.keys();
        plan.tags = tags
            .filter_map(|tag| Some((tag.clone(), self.decisions.get(tag)?.clone())))
            .collect();
        plan
    }
}

/// Returns the manifests by the first part of their digest tags.
fn subjects_by_tag_part(graph: &ManifestGraph) -> HashMap<String, &Digest> {
    let parts = ManifestGraph::sorted(graph.digests()).into_iter();
    parts
        .map(|digest| {
            let tag = digest.tag(image_name::DigestTagKind::Referrers);
            (tag.as_str().to_owned(), digest)
        })
        .collect()
}
