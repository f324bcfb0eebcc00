//! The effects of a changed targets file on the rows of the base.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use images_list::{Expansions, List, Row, Target, Targets, WrittenRepository};

use super::base::BaseList;
use crate::cli::failure::Finding;
use crate::files::list_file::ListFile;
use crate::terminal::units::counted;

/// The targets of the base and of the branch.
#[derive(Debug, Default)]
pub(crate) struct TargetRevisions {
    /// The path of the file, for messages.
    pub(crate) name: String,
    /// The targets of the base; none if the base had no valid file.
    pub(crate) base: Arc<Targets>,
    /// The targets on disk.
    pub(crate) current: Arc<Targets>,
}

/// An effect of a changed targets file on rows, in the order of the findings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    /// Rows are written to another repository of the target.
    Moved { before: String, now: String },
    /// Rows are no longer written to the target.
    Removed { prefix: String },
    /// Rows are also written to the target.
    Added { prefix: String },
    /// Rows are written to the target with other settings.
    Settings { changed: String },
}

/// The rows that an effect concerns.
#[derive(Debug)]
struct ConcernedRows<'a> {
    first: &'a Row,
    count: usize,
}

impl TargetRevisions {
    /// Returns a finding for each effect on the rows that both the base and the branch have. Rows of the
    /// branch alone are checked as new rows.
    pub(crate) fn findings(&self, base: &[BaseList], current: &[ListFile]) -> Vec<Finding> {
        let rows = |lists: &mut dyn Iterator<Item = &List>| {
            let rows = lists.flat_map(|list| list.rows().map(|at| at.row.clone()));
            rows.collect::<HashSet<Row>>()
        };
        let before = rows(&mut base.iter().map(|base| &base.list));
        let (mut old, mut new) = (Expansions::new(&self.base), Expansions::new(&self.current));
        let mut seen = HashSet::new();
        let mut effects: BTreeMap<(String, Effect), ConcernedRows<'_>> = BTreeMap::new();
        for at in current.iter().flat_map(|file| file.list.rows()) {
            if !before.contains(at.row) || !seen.insert(at.row) {
                continue;
            }
            // Unknown targets are reported as problems of the list.
            let (Ok(old), Ok(new)) = (
                old.expand(&at.row.destination),
                new.expand(&at.row.destination),
            ) else {
                continue;
            };
            for effect in effects_between(&old, &new) {
                let rows = effects.entry(effect).or_insert(ConcernedRows {
                    first: at.row,
                    count: 0,
                });
                rows.count += 1;
            }
        }
        let findings = effects.iter();
        findings
            .map(|((target, effect), rows)| self.finding(target, effect, rows))
            .collect()
    }

    fn finding(&self, target: &str, effect: &Effect, rows: &ConcernedRows<'_>) -> Finding {
        let mut all = self.current.all().iter();
        let line = all.find(|known| known.name.as_str() == target);
        let what = match effect {
            Effect::Moved { before, now } => {
                format!("goes to `{now}` at the target `{target}`, no longer to `{before}`")
            }
            Effect::Removed { prefix } => {
                format!("no longer goes to the target `{target}` (`{prefix}`)")
            }
            Effect::Added { prefix } => format!("also goes to the target `{target}` (`{prefix}`)"),
            Effect::Settings { changed } => {
                format!("goes to the target `{target}` with other settings ({changed})")
            }
        };
        let others = match rows.count {
            1 => String::new(),
            count => format!(", like {} more", counted(count - 1, "row")),
        };
        Finding {
            file: self.name.clone(),
            line: line.map_or(1, |target| target.line),
            message: format!(
                "`{}` {what}{others}; restore the file, or run with --allow-policy-changes",
                rows.first
            ),
        }
    }
}

/// Returns the effects on one row, each with the name of its target.
fn effects_between(old: &[WrittenRepository], new: &[WrittenRepository]) -> Vec<(String, Effect)> {
    let by_repository: HashMap<_, _> = old
        .iter()
        .filter_map(|old| Some((&old.repository, old.target.as_ref()?)))
        .collect();
    let is_kept = |old: &WrittenRepository| new.iter().any(|new| new.repository == old.repository);
    let mut gone: Vec<_> = old.iter().filter(|old| !is_kept(old)).collect();
    let mut effects = Vec::new();
    for written in new {
        let Some(target) = &written.target else {
            continue;
        };
        let name = target.name.to_string();
        if let Some(before) = by_repository.get(&written.repository) {
            let changed = changed_settings(before, target);
            if !changed.is_empty() {
                effects.push((name, Effect::Settings { changed }));
            }
            continue;
        }
        let of_target = |old: &&WrittenRepository| {
            old.target
                .as_ref()
                .is_some_and(|old| old.name == target.name)
        };
        effects.push(match gone.iter().position(of_target) {
            Some(at) => {
                let before = gone.remove(at);
                let before = before
                    .target
                    .as_ref()
                    .map(|target| target.prefix.to_string());
                let before = before.unwrap_or_default();
                let now = target.prefix.to_string();
                (name, Effect::Moved { before, now })
            }
            None => {
                let prefix = target.prefix.to_string();
                (name, Effect::Added { prefix })
            }
        });
    }
    let removed = gone.into_iter().filter_map(|written| {
        let target = written.target.as_ref()?;
        let prefix = target.prefix.to_string();
        Some((target.name.to_string(), Effect::Removed { prefix }))
    });
    effects.extend(removed);
    effects
}

/// Returns the keys of the settings that decide what is written.
fn changed_settings(before: &Target, now: &Target) -> String {
    let keys = [
        ("platforms", before.platforms != now.platforms),
        ("referrers", before.referrers != now.referrers),
        ("create", before.create != now.create),
        ("description", before.description != now.description),
    ];
    let changed = keys.iter().filter(|(_, is_changed)| *is_changed);
    changed.map(|(key, _)| *key).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(text: &str) -> Arc<Targets> {
        let text = format!("{{{text}}}").replace('\'', "\"");
        Arc::new(Targets::parse(&text).unwrap())
    }

    fn findings(base: &str, now: &str) -> Vec<String> {
        let list = "a @all/a 1\nb @all/b 1\nc r/c 1\n";
        let (base, current) = (targets(base), targets(now));
        let old = BaseList {
            name: "list".to_owned(),
            list: List::parse(list),
            lock: None,
        };
        let file = ListFile {
            name: "list".to_owned(),
            path: "list".into(),
            list: List::parse(&format!("{list}new @all/new 1\n")),
            targets: Arc::clone(&current),
        };
        let name = "targets.json".to_owned();
        let revisions = TargetRevisions {
            name,
            base,
            current,
        };
        let found = revisions.findings(&[old], &[file]);
        found.iter().map(ToString::to_string).collect()
    }

    const BASE: &str = "'targets': {'hub': {'prefix': 'h.io'}, 'b': {'prefix': 'b.io/x'}}, 'groups': {'all': ['hub']}";

    #[test]
    fn every_effect_on_a_row_is_a_finding() {
        let table = [
            (BASE.to_owned(), None),
            // Names, limits, order and unused targets have no effect.
            (
                "'targets': {'b': {'prefix': 'c.io'}, 'new': {'prefix': 'h.io', 'jobs': 3, 'requestsPerSecond': 2}}, \
                 'groups': {'all': ['new']}, 'default': ['all'], 'naming': [{'match': '*', 'name': '{name}'}]"
                    .to_owned(),
                None,
            ),
            (
                BASE.replace("['hub']", "['b']"),
                Some(
                    "targets.json:1: `a @all/a 1` also goes to the target `b` (`b.io/x`), like 1 row more; \
                     restore the file, or run with --allow-policy-changes",
                ),
            ),
            (
                BASE.replace("h.io", "evil.io"),
                Some("targets.json:1: `a @all/a 1` goes to `evil.io` at the target `hub`, no longer to `h.io`, like 1 row more; "),
            ),
            (
                BASE.replace("'h.io'", "'h.io', 'referrers': false, 'create': 'push'"),
                Some("targets.json:1: `a @all/a 1` goes to the target `hub` with other settings (referrers, create), like 1 row more; "),
            ),
        ];
        for (now, want) in table {
            let found = findings(BASE, &now);
            match want {
                None => assert_eq!(found, [] as [String; 0], "{now}"),
                Some(want) => assert!(found[0].starts_with(want), "{now}: {found:?}"),
            }
        }
        let found = findings(BASE, &BASE.replace("['hub']", "['b']"));
        assert!(
            found[1].contains("no longer goes to the target `hub` (`h.io`)"),
            "{found:?}"
        );
        assert_eq!(found.len(), 2);
    }
}
