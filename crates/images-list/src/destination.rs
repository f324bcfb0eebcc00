//! Where another tag of a source goes.

use crate::repository::Repository;

impl Repository {
    /// The name that a mirror's repository of this source has by default:
    /// `mirrored-ORG-NAME`, of the last two components of the path; with one
    /// component `mirrored-NAME`. Docker Hub's `busybox` is `library/busybox`.
    #[must_use]
    pub fn default_mirror_name(&self) -> String {
        let mut components = self.path().rsplit('/');
        let name = components.next().unwrap_or_default();
        match components.next() {
            Some(organisation) => format!("mirrored-{organisation}-{name}"),
            None => format!("mirrored-{name}"),
        }
    }

    /// Which of the destinations of this source takes its further tags: the
    /// only one; else the only one with the [default
    /// name](Repository::default_mirror_name) as its last component; else the
    /// only one with `/mirrored-` in its name. `None` where that is not clear.
    #[must_use]
    pub fn choose_destination<'a>(&self, destinations: &[&'a Self]) -> Option<&'a Self> {
        let by_default = self.default_mirror_name();
        let has_default_name = |name: &Self| name.path().rsplit('/').next() == Some(&by_default);
        let is_mirrored = |name: &Self| format!("/{}", name.path()).contains("/mirrored-");
        only(destinations, |_| true)
            .or_else(|| only(destinations, has_default_name))
            .or_else(|| only(destinations, is_mirrored))
    }
}

fn only<'a>(
    names: &[&'a Repository],
    fits: impl Fn(&Repository) -> bool,
) -> Option<&'a Repository> {
    let mut fitting = names.iter().filter(|name| fits(name));
    let first = fitting.next()?;
    fitting.next().is_none().then_some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_decides_or_says_that_it_cannot() {
        let table = [
            ("q.io/a/b", "r/anything", Some("r/anything")),
            ("q.io/a/b", "r/a-b r/mirrored-a-b", Some("r/mirrored-a-b")),
            (
                "q.io/x/a/b",
                "r/mirrored-x-a-b r/mirrored-a-b",
                Some("r/mirrored-a-b"),
            ),
            (
                "busybox",
                "r/library-busybox r/mirrored-library-busybox",
                Some("r/mirrored-library-busybox"),
            ),
            (
                "k8s.io/pause",
                "r/mirrored-pause-x r.io/o/mirrored-pause",
                Some("r.io/o/mirrored-pause"),
            ),
            // Not by default, but the only one with a mirror's name.
            ("q.io/a/b", "r/b r/mirrored-b", Some("r/mirrored-b")),
            ("q.io/a/b", "r/b mirrored-b", Some("mirrored-b")),
            // Neither by rule: two by default, two mirrored, none mirrored.
            ("q.io/a/b", "r/mirrored-a-b s/mirrored-a-b", None),
            ("q.io/a/b", "r/mirrored-b r/mirrored-c", None),
            ("q.io/a/b", "r/b r/notmirrored-a-b", None),
            ("q.io/a/b", "", None),
        ];
        for (source, destinations, want) in table {
            let source: Repository = source.parse().unwrap();
            let parsed = destinations
                .split_whitespace()
                .map(|name| name.parse().unwrap());
            let parsed: Vec<Repository> = parsed.collect();
            let chosen = source.choose_destination(&parsed.iter().collect::<Vec<_>>());
            assert_eq!(
                chosen.map(Repository::as_written),
                want,
                "{source}: {destinations}"
            );
        }
    }
}
