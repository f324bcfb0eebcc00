//! Rules that apply an action to matching requests.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use http::request::Parts;

use super::action::Action;

type Condition = Box<dyn Fn(&Parts) -> bool + Send + Sync>;

/// The matching requests that a rule applies to.
#[derive(Clone, Copy, Debug)]
enum Times {
    Always,
    First(usize),
    Nth(usize),
}

impl Times {
    /// Returns true for the matching request with this number, from 1.
    fn includes(self, number: usize) -> bool {
        match self {
            Self::Always => true,
            Self::First(count) => number <= count,
            Self::Nth(nth) => number == nth,
        }
    }
}

/// A condition for requests, and the action for those that match.
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
    /// Creates a rule for all requests with a method (`""`: any) and `part` in path and query.
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

    /// Limits the rule to requests that also meet a condition.
    #[must_use]
    pub fn when(mut self, condition: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.condition = Some(Box::new(condition));
        self
    }

    /// Limits the rule to the first `count` matching requests.
    #[must_use]
    pub fn first(mut self, count: usize) -> Self {
        self.times = Times::First(count);
        self
    }

    /// Limits the rule to one matching request, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: usize) -> Self {
        self.times = Times::Nth(nth);
        self
    }

    /// Sets the action.
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
        let is_match = (self.method.is_empty() || self.method == parts.method.as_str())
            && target.contains(&self.part)
            && self
                .condition
                .as_ref()
                .is_none_or(|condition| condition(parts));
        if !is_match {
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

    /// Counts a request in every rule that it matches, and returns the actions for it.
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

    fn applies(rule: Rule, requests: &[(&str, &str)]) -> Vec<bool> {
        let rules = Rules::default();
        rules.add(rule.does(Action::Reset));
        let applies = |(method, target): &(&str, &str)| {
            let request = Request::builder()
                .method(*method)
                .uri(*target)
                .body(())
                .unwrap();
            !rules.actions(&request.into_parts().0).is_empty()
        };
        requests.iter().map(applies).collect()
    }

    #[test]
    fn rule_counts_matching_requests_only() {
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
            assert_eq!(applies(rule, &requests), expected, "{shown}");
        }
    }
}
