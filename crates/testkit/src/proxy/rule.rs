//! Which requests a fault is for.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use http::request::Parts;

use super::action::Action;

type Condition = Box<dyn Fn(&Parts) -> bool + Send + Sync>;

/// Which of the requests that match.
#[derive(Clone, Copy, Debug)]
enum Times {
    Always,
    First(usize),
    Nth(usize),
}

impl Times {
    /// `number` counts from one.
    fn includes(self, number: usize) -> bool {
        match self {
            Self::Always => true,
            Self::First(count) => number <= count,
            Self::Nth(nth) => number == nth,
        }
    }
}

/// Requests, and what becomes of them.
pub struct Rule {
    method: &'static str,
    part: String,
    condition: Option<Condition>,
    times: Times,
    action: Option<Action>,
    matched: usize,
}

impl fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Rule")
            .field("method", &self.method)
            .field("part", &self.part)
            .field("times", &self.times)
            .field("action", &self.action)
            .field("matched", &self.matched)
            .finish_non_exhaustive()
    }
}

impl Rule {
    /// All requests with that method (`""`: any) and `part` somewhere in path and query.
    pub fn new(method: &'static str, part: &str) -> Self {
        Self {
            method,
            part: part.to_owned(),
            condition: None,
            times: Times::Always,
            action: None,
            matched: 0,
        }
    }

    /// Only requests of which this is true too.
    #[must_use]
    pub fn when(mut self, condition: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.condition = Some(Box::new(condition));
        self
    }

    /// Only the first `count` of them.
    #[must_use]
    pub fn first(mut self, count: usize) -> Self {
        self.times = Times::First(count);
        self
    }

    /// Only one of them, counted from one.
    #[must_use]
    pub fn nth(mut self, nth: usize) -> Self {
        self.times = Times::Nth(nth);
        self
    }

    /// What happens to them.
    #[must_use]
    pub fn does(mut self, action: impl Into<Action>) -> Self {
        self.action = Some(action.into());
        self
    }

    fn action_for(&mut self, parts: &Parts) -> Option<Action> {
        let target = parts
            .uri
            .path_and_query()
            .map_or("", |target| target.as_str());
        let fits = (self.method.is_empty() || self.method == parts.method.as_str())
            && target.contains(&self.part)
            && self
                .condition
                .as_ref()
                .is_none_or(|condition| condition(parts));
        if !fits {
            return None;
        }
        self.matched += 1;
        self.times
            .includes(self.matched)
            .then(|| self.action.clone())
            .flatten()
    }
}

/// All rules of a proxy.
#[derive(Debug, Default)]
pub(super) struct Rules(Mutex<Vec<Rule>>);

impl Rules {
    fn with<R>(&self, work: impl FnOnce(&mut Vec<Rule>) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn add(&self, rule: Rule) {
        self.with(|rules| rules.push(rule));
    }

    pub(super) fn clear(&self) {
        self.with(Vec::clear);
    }

    /// What happens to this request, and counts it.
    pub(super) fn actions(&self, parts: &Parts) -> Vec<Action> {
        self.with(|rules| {
            rules
                .iter_mut()
                .filter_map(|rule| rule.action_for(parts))
                .collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn fires(rule: Rule, requests: &[(&str, &str)]) -> Vec<bool> {
        let rules = Rules::default();
        rules.add(rule.does(Action::Reset));
        let fires = |(method, target): &(&str, &str)| {
            let request = Request::builder()
                .method(*method)
                .uri(*target)
                .body(())
                .unwrap();
            !rules.actions(&request.into_parts().0).is_empty()
        };
        requests.iter().map(fires).collect()
    }

    #[test]
    fn rules_count_only_what_they_match() {
        let requests = [
            ("GET", "/v2/a/blobs/x"),
            ("HEAD", "/v2/a/blobs/x"),
            ("GET", "/v2/a/manifests/x"),
            ("GET", "/v2/a/blobs/y?part=1"),
            ("GET", "/v2/a/blobs/z"),
        ];
        let table = [
            (
                Rule::new("GET", "/blobs/"),
                [true, false, false, true, true],
            ),
            (
                Rule::new("GET", "/blobs/").first(2),
                [true, false, false, true, false],
            ),
            (
                Rule::new("GET", "/blobs/").nth(2),
                [false, false, false, true, false],
            ),
            (
                Rule::new("", "x").nth(3),
                [false, false, true, false, false],
            ),
            (Rule::new("", "part=1"), [false, false, false, true, false]),
            (
                Rule::new("", "").when(|parts| parts.method == "HEAD"),
                [false, true, false, false, false],
            ),
        ];
        for (rule, expected) in table {
            let shown = format!("{rule:?}");
            assert_eq!(fires(rule, &requests), expected, "{shown}");
        }
    }
}
