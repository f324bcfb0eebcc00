//! Paths that break a rule of language today.

use std::path::PathBuf;

/// A rule of language.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rule {
    /// No indefinite pronoun for a person.
    Pronouns,
    /// No rustdoc that opens with a question word.
    Openings,
    /// Help of options and commands in at most 80 characters.
    Help,
    /// American spelling.
    Spelling,
}

/// Files and directories that break a rule today and are not yet rewritten. An entry that is no
/// longer needed fails the test, so that this list only shrinks.
const NOT_YET: &[(Rule, &str)] = &[];

/// A broken rule.
pub(crate) struct Finding {
    /// From the top of the repository.
    pub(crate) path: PathBuf,
    pub(crate) number: usize,
    pub(crate) text: String,
}

/// Fails on every finding outside [`NOT_YET`], and on an entry there without a finding.
#[track_caller]
pub(crate) fn check(rule: Rule, findings: &[Finding]) {
    let entries = NOT_YET.iter().filter(|(listed, _)| *listed == rule);
    let paths: Vec<_> = entries.map(|(_, path)| *path).collect();
    let unknown = findings
        .iter()
        .filter(|finding| !paths.iter().any(|path| finding.path.starts_with(path)))
        .map(|finding| {
            format!(
                "{}:{}: {}",
                finding.path.display(),
                finding.number,
                finding.text
            )
        });
    let unknown: Vec<_> = unknown.collect();
    assert!(unknown.is_empty(), "{rule:?}:\n{}", unknown.join("\n"));
    let is_stale = |path: &&&str| {
        let mut findings = findings.iter();
        !findings.any(|finding| finding.path.starts_with(path))
    };
    let stale: Vec<_> = paths.iter().filter(is_stale).collect();
    assert!(
        stale.is_empty(),
        "{rule:?}: no finding is left, remove these entries from NOT_YET: {stale:?}"
    );
}
