//! Random repositories: no plan deletes what something that stays needs.

use std::collections::HashSet;

use image_name::{Digest, DigestTagKind, ManifestReference, Tag};

use crate::facts::{Former, Options, Removal, RepositoryFacts, SelectedTag, Selection};
use crate::manifest_graph::{ManifestGraph, ManifestNode};
use crate::repository_plan::{RepositoryPlan, plan};

const REPOSITORIES: u64 = 1_500;
const MANIFESTS: usize = 12;

fn digest(number: usize) -> Digest {
    format!("sha256:{number:064x}").parse().unwrap()
}

/// Returns a repository whose manifests refer to those with smaller numbers, as their digests force them to.
fn repository(random: &mut fastrand::Rng) -> RepositoryFacts {
    let mut facts = RepositoryFacts::default();
    for number in 0..MANIFESTS {
        let mut below = |count: usize| -> Vec<Digest> {
            let count = random.usize(..=count.min(number));
            (0..count).map(|_| digest(random.usize(..number))).collect()
        };
        let node = ManifestNode {
            size: 1,
            children: below(3),
            subject: below(1).pop(),
            blobs: Vec::new(),
        };
        facts.graph.insert(digest(number), node);
    }
    // A registry may list anything as a referrer.
    for _ in 0..random.usize(..3) {
        let [subject, referrer] = [0; 2].map(|_| digest(random.usize(..MANIFESTS)));
        facts.graph.add_listed_referrer(&subject, referrer);
    }
    for number in 0..random.usize(2..10) {
        let to = digest(random.usize(..MANIFESTS));
        let tag: Tag = match random.usize(..4) {
            0 => {
                let kinds = DigestTagKind::ALL;
                digest(random.usize(..MANIFESTS)).tag(kinds[random.usize(..kinds.len())])
            }
            1 => format!("{number}-amd64").parse().unwrap(),
            _ => number.to_string().parse().unwrap(),
        };
        facts.tags.insert(tag, to);
    }
    for (tag, digest) in facts.tags.clone() {
        if tag.digest_part().is_some() {
            continue;
        }
        match random.usize(..4) {
            0 => drop(facts.kept_tags.insert(tag)),
            1 => {}
            _ => {
                let former = Former {
                    removal: Removal::Unlisted,
                    written: [digest].into(),
                    is_brief: false,
                };
                facts.former.insert(tag, former);
            }
        }
    }
    if random.bool() {
        facts.kept_digests.insert(digest(random.usize(..MANIFESTS)));
    }
    if random.bool() {
        facts.used_digests.insert(digest(random.usize(..MANIFESTS)));
    }
    facts
}

/// Returns what is lost: manifests that a tag, a row or a use which stays leads to. Written from the rule, and not
/// from the code under test.
fn lost(facts: &RepositoryFacts, plan: &RepositoryPlan) -> Vec<String> {
    let deleted: HashSet<&ManifestReference> =
        plan.deletions.iter().map(|line| &line.target).collect();
    let is_deleted = |digest: &Digest| deleted.contains(&ManifestReference::from(digest));
    let mut open: Vec<Digest> = Vec::new();
    for (tag, digest) in &facts.tags {
        if !deleted.contains(&ManifestReference::from(tag)) {
            open.push(digest.clone());
        }
    }
    open.extend(facts.kept_digests.iter().cloned());
    open.extend(facts.used_digests.iter().cloned());
    let mut seen = HashSet::new();
    let mut lost = Vec::new();
    while let Some(needed) = open.pop() {
        if !seen.insert(needed.clone()) {
            continue;
        }
        if is_deleted(&needed) {
            lost.push(needed.to_string());
        }
        if let Some(node) = facts.graph.get(&needed) {
            open.extend(node.children.iter().chain(&node.subject).cloned());
        }
        // Signatures of what stays, by the API and by digest tags.
        open.extend(facts.graph.referrers(&needed).iter().cloned());
        open.extend(facts.graph.listed_referrers(&needed).iter().cloned());
        for kind in DigestTagKind::ALL {
            let tag = needed.tag(kind);
            if let Some(digest) = facts.tags.get(&tag) {
                open.push(digest.clone());
                if deleted.contains(&ManifestReference::Tag(tag.clone())) {
                    lost.push(tag.to_string());
                }
            }
        }
    }
    for tag in &facts.kept_tags {
        if deleted.contains(&ManifestReference::from(tag)) {
            lost.push(tag.to_string());
        }
    }
    lost
}

/// Checks the order: no manifest before one that lists it, or that it is about.
fn check_order(facts: &RepositoryFacts, plan: &RepositoryPlan) {
    let mut deleted: HashSet<&Digest> = HashSet::new();
    for line in &plan.deletions {
        let Some(digest) = line.target.digest() else {
            assert!(deleted.is_empty(), "a tag after a manifest: {plan:#?}");
            continue;
        };
        deleted.insert(digest);
        for other in facts
            .graph
            .digests()
            .filter(|other| !deleted.contains(other))
        {
            let Some(node) = facts.graph.get(other) else {
                continue;
            };
            let lists = node.children.contains(digest);
            let is_planned = plan
                .deletions
                .iter()
                .any(|line| line.target.digest() == Some(other));
            assert!(!(lists && is_planned), "{digest} before its index {other}");
        }
    }
}

#[test]
fn no_plan_of_a_random_repository_deletes_what_is_needed() {
    let mut deletions = 0;
    for seed in 0..REPOSITORIES {
        let facts = repository(&mut fastrand::Rng::with_seed(seed));
        for foreign in [false, true] {
            let options = Options {
                foreign,
                ..Options::default()
            };
            let planned = plan(&facts, &options, None);
            deletions += planned.deletions.len();
            let lost = lost(&facts, &planned);
            assert!(
                lost.is_empty(),
                "seed {seed}: {lost:?} {planned:#?} {facts:#?}"
            );
            check_order(&facts, &planned);
        }
    }
    assert!(deletions > 5_000, "{deletions}");
}

/// Removes lines from each plan and deletes some of the rest, as an interrupted run of an edited plan.
#[test]
fn parts_of_plans_delete_nothing_that_is_needed() {
    for seed in 0..REPOSITORIES {
        let mut random = fastrand::Rng::with_seed(seed);
        let facts = repository(&mut random);
        let planned = plan(&facts, &Options::default(), None);
        let mut selection = Selection::default();
        for line in planned.deletions.iter().filter(|_| random.usize(..4) > 0) {
            let (digest, image) = (line.digest.clone(), line.image.clone());
            match line.target.tag() {
                Some(tag) => {
                    let selected = SelectedTag { digest, image };
                    selection.tags.insert(tag.clone(), selected);
                }
                None => drop(selection.manifests.insert(digest, image)),
            }
        }
        let restricted = plan(&facts, &Options::default(), Some(&selection));
        let lost_now = lost(&facts, &restricted);
        assert!(lost_now.is_empty(), "seed {seed}: {lost_now:?}");
        for line in &restricted.deletions {
            let is_selected = match line.target.tag() {
                Some(tag) => selection.tags.contains_key(tag),
                None => selection.manifests.contains_key(&line.digest),
            };
            assert!(is_selected, "seed {seed}: {}", line.target);
        }
        // A run that ends after some of them, and is continued.
        let done = random.usize(..=restricted.deletions.len());
        let left = after(&facts, &restricted, done);
        let continued = plan(&left, &Options::default(), Some(&selection));
        let lost_then = lost(&left, &continued);
        assert!(lost_then.is_empty(), "seed {seed}: {lost_then:?}");
    }
}

/// Returns a repository with an image 1 that has a child 0, with a manifest 5 of another client.
fn with_foreign_manifest() -> RepositoryFacts {
    let mut facts = RepositoryFacts::default();
    for (number, child) in [(0, None), (1, Some(0)), (5, None)] {
        let node = ManifestNode {
            size: 1,
            children: child.map(digest).into_iter().collect(),
            ..ManifestNode::default()
        };
        facts.graph.insert(digest(number), node);
    }
    let former = Former {
        removal: Removal::Unlisted,
        written: [digest(1), digest(9)].into(),
        is_brief: false,
    };
    facts.former.insert("x".parse().unwrap(), former);
    facts
}

#[test]
fn line_of_a_plan_is_no_proof_that_a_manifest_belongs_to_an_image() {
    for (name, line, image, tag, expected) in [
        ("a child of a written image", 0, 1, None, true),
        ("a written image", 1, 1, None, true),
        ("a foreign manifest, a written image", 5, 1, None, false),
        (
            "a foreign manifest, an image with a line",
            5,
            1,
            Some(1),
            false,
        ),
        (
            "a foreign manifest, an image that is gone",
            5,
            9,
            None,
            false,
        ),
        (
            "a manifest of an image that is gone, with its line",
            5,
            9,
            Some(9),
            true,
        ),
        (
            "an image that is gone and was not written",
            5,
            8,
            Some(8),
            false,
        ),
    ] {
        let mut selection = Selection::default();
        selection.manifests.insert(digest(line), digest(image));
        if let Some(number) = tag {
            let selected = SelectedTag {
                digest: digest(number),
                image: digest(number),
            };
            selection.tags.insert("x".parse().unwrap(), selected);
        }
        let facts = with_foreign_manifest();
        let planned = plan(&facts, &Options::default(), Some(&selection));
        assert_eq!(!planned.deletions.is_empty(), expected, "{name}");
    }
}

#[test]
fn digest_tag_does_not_go_with_a_foreign_image() {
    for (name, image, expected) in [("its own", 9, true), ("another", 1, false)] {
        let mut facts = with_foreign_manifest();
        facts.graph = ManifestGraph::default();
        facts.graph.insert(digest(5), ManifestNode::default());
        let tag = digest(9).tag(DigestTagKind::ALL[0]);
        facts.tags.insert(tag.clone(), digest(5));
        let selected = SelectedTag {
            digest: digest(5),
            image: digest(image),
        };
        let selection = Selection {
            tags: [(tag, selected)].into(),
            ..Selection::default()
        };
        let planned = plan(&facts, &Options::default(), Some(&selection));
        assert_eq!(!planned.deletions.is_empty(), expected, "{name}");
    }
}

#[test]
fn last_tag_of_a_subject_that_is_needed_stays() {
    let mut facts = with_foreign_manifest();
    let referrer = ManifestNode {
        subject: Some(digest(1)),
        ..ManifestNode::default()
    };
    facts.graph.insert(digest(6), referrer);
    facts.tags.insert("x".parse().unwrap(), digest(1));
    let options = Options::default();
    assert!(!plan(&facts, &options, None).deletions.is_empty());
    facts.tags.insert("sbom".parse().unwrap(), digest(6));
    assert_eq!(plan(&facts, &options, None).deletions, []);
    // Another tag keeps it.
    facts.tags.insert("own".parse().unwrap(), digest(1));
    assert_eq!(plan(&facts, &options, None).deletions.len(), 1);
}

#[test]
fn listed_referrer_stays_with_its_subject_and_does_not_go_with_it() {
    let mut facts = with_foreign_manifest();
    facts.tags.insert("x".parse().unwrap(), digest(1));
    facts.tags.insert("own".parse().unwrap(), digest(5));
    let options = Options::default();
    assert_eq!(plan(&facts, &options, None).deletions.len(), 3);
    let lists = |subject: usize, referrer: usize| {
        let mut facts = facts.clone();
        let subject = digest(subject);
        facts.graph.add_listed_referrer(&subject, digest(referrer));
        plan(&facts, &options, None).deletions.len()
    };
    assert_eq!(lists(5, 1), 0, "a referrer of what stays, by the list");
    assert_eq!(lists(1, 5), 3, "a foreign image, by the list of what goes");
}

/// Returns the repository after the first deletions of a plan.
fn after(facts: &RepositoryFacts, plan: &RepositoryPlan, done: usize) -> RepositoryFacts {
    let deleted: HashSet<&ManifestReference> = plan
        .deletions
        .iter()
        .take(done)
        .map(|line| &line.target)
        .collect();
    let mut left = facts.clone();
    left.tags
        .retain(|tag, _| !deleted.contains(&ManifestReference::from(tag)));
    left.graph = ManifestGraph::default();
    for digest in facts.graph.digests() {
        let node = facts.graph.get(digest).cloned();
        if let Some(node) = node.filter(|_| !deleted.contains(&ManifestReference::from(digest))) {
            left.graph.insert(digest.clone(), node);
        }
        for referrer in facts.graph.listed_referrers(digest) {
            left.graph.add_listed_referrer(digest, referrer.clone());
        }
    }
    left
}
