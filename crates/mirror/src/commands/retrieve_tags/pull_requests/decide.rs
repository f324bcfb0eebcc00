//! The decision about a proposal, given the existing pull requests.

use std::collections::HashSet;

use super::Marker;
use super::pulls::{Pull, PullState};

/// The decision about a proposal.
#[derive(Debug, Clone, Copy)]
pub(super) enum Decision<'a> {
    /// The pull request already proposes the same set.
    Known(&'a Pull),
    /// The open pull request proposes another set of the entry, and is updated.
    Supersede(&'a Pull),
    /// A new pull request is created.
    Create,
}

/// Returns the decision for a proposal. `known` is ordered by preference. A pull request whose branch
/// has commits of others (`adopted`) is left alone, and a closed one can be taken back.
pub(super) fn decide<'a>(
    marker: &Marker,
    known: &'a [Pull],
    adopted: &HashSet<u64>,
) -> Decision<'a> {
    let same = |pull: &&Pull| pull.marker.set == marker.set && !pull.is_taken_back();
    let is_open = |pull: &&Pull| pull.state == PullState::Open;
    let of_entry =
        |pull: &&Pull| pull.marker.entry == marker.entry && !adopted.contains(&pull.number);
    let mut sets = known.iter().filter(same);
    if let Some(pull) = sets.clone().find(is_open).or_else(|| sets.next()) {
        return Decision::Known(pull);
    }
    match known.iter().filter(is_open).find(of_entry) {
        Some(pull) => Decision::Supersede(pull),
        None => Decision::Create,
    }
}

#[cfg(test)]
mod tests {
    use super::super::pulls::PROPOSE_AGAIN;
    use super::*;

    fn pull(number: u64, state: PullState, entry: &str, set: &str) -> Pull {
        Pull {
            number,
            url: String::new(),
            state,
            branch: String::new(),
            head: String::new(),
            merge_commit: None,
            body: String::new(),
            labels: Vec::new(),
            marker: marker(entry, set),
        }
    }

    fn marker(entry: &str, set: &str) -> Marker {
        Marker {
            entry: entry.to_owned(),
            set: set.to_owned(),
            rows: Vec::new(),
            is_done: false,
        }
    }

    fn decision(known: &[Pull], adopted: &[u64], entry: &str, set: &str) -> String {
        let adopted = adopted.iter().copied().collect();
        match decide(&marker(entry, set), known, &adopted) {
            Decision::Known(pull) => format!("known {}", pull.number),
            Decision::Supersede(pull) => format!("supersede {}", pull.number),
            Decision::Create => "create".to_owned(),
        }
    }

    #[test]
    fn set_is_proposed_once_and_entry_has_one_open_proposal() {
        let known = [
            pull(5, PullState::Open, "x", "two"),
            pull(4, PullState::Open, "x", "one"),
            pull(3, PullState::Closed, "x", "zero"),
            pull(2, PullState::Closed, "x", "one"),
            pull(1, PullState::Closed, "y", "other"),
        ];
        let table = [
            ("x", "one", "known 4"),
            ("x", "zero", "known 3"),
            ("x", "three", "supersede 5"),
            ("y", "three", "create"),
            ("y", "two", "known 5"),
        ];
        for (entry, set, want) in table {
            let decision = decision(&known, &[], entry, set);
            assert_eq!(decision, want, "{entry} {set}");
        }
    }

    #[test]
    fn adopted_proposal_is_not_updated_and_closed_one_can_be_taken_back() {
        let mut known = [
            pull(2, PullState::Open, "x", "one"),
            pull(1, PullState::Closed, "x", "zero"),
        ];
        assert_eq!(decision(&known, &[2], "x", "two"), "create");
        assert_eq!(decision(&known, &[2], "x", "one"), "known 2");
        for pull in &mut known {
            pull.labels.push(PROPOSE_AGAIN.to_owned());
        }
        assert_eq!(decision(&known, &[2], "x", "zero"), "create");
        assert_eq!(decision(&known, &[2], "x", "one"), "known 2");
    }
}
