//! The time for which a row or a line of the lock stood in the history.

/// Minimum time in seconds that a row or line must have stood to prove that mirror wrote its tag.
///
/// A pull request may add a row and remove it again. After a merge by rebase or fast-forward, both commits are part
/// of the history, although its reviewers have not seen the row, and no run has read a list with the row. GitHub
/// and GitLab give the commits of a rebase the time of the merge.
const MIN_SECONDS: i64 = 60 * 60;

/// The time for which something stood in the history.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// The time since when it stands; `None` if it was removed.
    since: Option<i64>,
    /// The longest time for which it stood.
    longest: i64,
}

impl Standing {
    /// Returns the standing of something that was added at a time.
    pub(super) fn since(time: i64) -> Self {
        Self {
            since: Some(time),
            longest: 0,
        }
    }

    /// Records that it was added. It may stand already.
    pub(super) fn begin(&mut self, time: i64) {
        self.since.get_or_insert(time);
    }

    /// Records that it was removed.
    pub(super) fn end(&mut self, time: i64) {
        if let Some(since) = self.since.take() {
            self.longest = self.longest.max(time.saturating_sub(since));
        }
    }

    /// Returns true if it still stands, or stood long enough.
    pub(super) fn is_proof(self) -> bool {
        self.since.is_some() || self.longest >= MIN_SECONDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_or_stood_for_an_hour_is_proof() {
        let mut standing = Standing::default();
        assert!(!standing.is_proof());
        for (begin, end, expected) in [
            (0, MIN_SECONDS - 1, false),
            (10_000, 10_000, false),
            (20_000, 20_000 + MIN_SECONDS, true),
            (30_000, 30_001, true),
        ] {
            standing.begin(begin);
            standing.begin(begin + 1);
            assert!(standing.is_proof());
            standing.end(end);
            assert_eq!(standing.is_proof(), expected, "{begin}");
        }
    }
}
