//! The review of an entry's pull requests.

use strict_json::{Located, Problems};

use super::entry_fields::EntryFields;

/// Maximum number of characters of a label at GitHub.
const LONGEST_LABEL: usize = 50;

/// The reviewers and labels of an entry's pull requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Review {
    /// `reviewers`: users, and teams as `ORGANIZATION/TEAM`.
    pub reviewers: Vec<String>,
    /// `labels`.
    pub labels: Vec<String>,
}

impl Review {
    /// Reads `reviewers` and `labels`, and reports the invalid ones.
    pub(crate) fn parse(fields: &EntryFields, problems: &mut Problems<'_>) -> Self {
        Self {
            reviewers: checked(
                fields.reviewers.as_ref(),
                is_reviewer,
                "`reviewers` takes names of users, and of teams as `ORGANIZATION/TEAM`",
                problems,
            ),
            labels: checked(
                fields.labels.as_ref(),
                is_label,
                "`labels` takes names of at most 50 characters without commas",
                problems,
            ),
        }
    }
}

fn checked(
    written: Option<&Located<Vec<Located<String>>>>,
    is_valid: fn(&str) -> bool,
    expected: &str,
    problems: &mut Problems<'_>,
) -> Vec<String> {
    let mut valid: Vec<String> = Vec::new();
    for Located { value, offset } in written.into_iter().flat_map(|list| &list.value) {
        if !is_valid(value) {
            problems.add(*offset, format!("{expected}, not {value:?}"));
        } else if !valid.contains(value) {
            valid.push(value.clone());
        }
    }
    valid
}

fn is_reviewer(name: &str) -> bool {
    let is_name = |part: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !part.is_empty() && part.chars().all(allowed)
    };
    name.split('/').count() <= 2 && name.split('/').all(is_name)
}

fn is_label(label: &str) -> bool {
    let is_printed = |c: char| !c.is_control() && c != ',';
    !label.trim().is_empty()
        && label.chars().count() <= LONGEST_LABEL
        && label.chars().all(is_printed)
}
