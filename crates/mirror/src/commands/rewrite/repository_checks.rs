//! Mappings that a format with rules for repositories cannot express.

use std::collections::HashMap;

use super::mapping::{Mapping, MirrorRepository, Unmapped};

/// Returns the tags that are renamed, which a rule for the repository cannot express.
pub(super) fn renamed_tags(mapping: &Mapping, mirror: &MirrorRepository) -> Vec<Unmapped> {
    let mut unmapped = Vec::new();
    for (tag, written) in &mirror.tags {
        if !written.contains(tag) {
            let first = written.first().map_or("", String::as_str);
            unmapped.push(mapping.unmapped_tag(mirror, (tag, first), "cannot rename tags"));
        }
        for name in written
            .iter()
            .filter(|name| *name != tag && !mirror.keeps(name))
        {
            // A consumer that asks for this tag of the source would get another image.
            let reason = format!("would serve the copy of {tag} under this name");
            unmapped.push(mapping.unmapped_tag(mirror, (name, name), &reason));
        }
    }
    for (digest, written) in &mirror.digest_rows {
        for name in written.iter().filter(|name| !mirror.keeps(name)) {
            let reason = format!("would serve the copy of {digest} under this name");
            unmapped.push(mapping.unmapped_tag(mirror, (name, name), &reason));
        }
    }
    unmapped
}

/// Returns the repositories below those of rules by prefix that would get the content of another source: with
/// a rule for `q.io/a` and the mirror `r.io/a`, `q.io/a/b` is fetched from `r.io/a/b`.
pub(super) fn nested_repositories(mappings: &[Mapping]) -> Vec<Unmapped> {
    let mut sources: HashMap<String, String> = HashMap::new();
    for mapping in mappings {
        for mirror in &mapping.mirrors {
            sources.insert(mirror.repository.full(), mapping.source.full());
        }
    }
    let has_rule: Vec<String> = mappings
        .iter()
        .map(|mapping| mapping.source.full())
        .collect();
    let mut unmapped = Vec::new();
    for mapping in mappings {
        for mirror in &mapping.mirrors {
            let prefix = format!("{}/", mirror.repository.full());
            for (destination, source) in &sources {
                let Some(below) = destination.strip_prefix(&prefix) else {
                    continue;
                };
                let asked = format!("{}/{below}", mapping.source.full());
                if !has_rule.contains(&asked) {
                    unmapped.push(Unmapped {
                        source: asked,
                        destination: destination.clone(),
                        reason: format!("would serve the copy of {source} under this name"),
                    });
                }
            }
        }
    }
    unmapped.sort();
    unmapped
}

/// Orders mappings for a format that applies one after the other to the result of the one before: a
/// repository that is a source and a mirror comes first as a source. Returns the mappings of circles apart.
pub(super) fn in_safe_order<'a>(mappings: Vec<(&'a Mapping, &'a MirrorRepository)>) -> Chains<'a> {
    let mut left = mappings;
    let mut ordered = Vec::new();
    loop {
        let is_free = |mirror: &MirrorRepository, at: usize| {
            let mut others = left.iter().enumerate();
            !others.any(|(other, (mapping, _))| other != at && mapping.source == mirror.repository)
        };
        let free = left
            .iter()
            .enumerate()
            .map(|(at, (_, mirror))| is_free(mirror, at));
        let free: Vec<bool> = free.collect();
        if !free.contains(&true) {
            let circles = left;
            return Chains { ordered, circles };
        }
        let mut flags = free.into_iter();
        let (now, later): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|_| flags.next() == Some(true));
        ordered.extend(now);
        left = later;
    }
}

/// Mappings in an order in which no result is mapped again.
#[derive(Debug)]
pub(super) struct Chains<'a> {
    /// The mappings in this order. Those whose mirror is no source come first.
    pub(super) ordered: Vec<(&'a Mapping, &'a MirrorRepository)>,
    /// Mappings for which there is no such order.
    pub(super) circles: Vec<(&'a Mapping, &'a MirrorRepository)>,
}
