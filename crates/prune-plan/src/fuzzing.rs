//! The functions behind the fuzz targets of `fuzz/`. The tests run them on the corpus.

use crate::{PlanFile, PlanLine, Selection, UsedImages};

/// Checks that a plan that can be read is written back as the same plan, that its names are valid, and that each
/// problem has a line of the text.
pub fn plan(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    drop(UsedImages::parse(text));
    let plan = match PlanFile::parse(text) {
        Ok(plan) => plan,
        Err(problems) => {
            let lines = text.lines().count().max(1);
            let is_in_text = |line| (1..=lines + 1).contains(&line);
            assert!(!problems.is_empty());
            assert!(problems.iter().all(|problem| is_in_text(problem.line)));
            return;
        }
    };
    assert!(plan.deletions.iter().all(|line| line.name().is_some()));
    let lines: Vec<&PlanLine> = plan.deletions.iter().collect();
    let selection = Selection::from_lines(&lines);
    assert!(selection.tags.len() + selection.manifests.len() <= lines.len());
    let written = serde_json::to_string(&plan).map(|text| PlanFile::parse(&text));
    assert!(
        written.is_ok_and(|again| again.as_ref() == Ok(&plan)),
        "{plan:?}"
    );
}

#[cfg(test)]
mod tests {
    use testkit::replay_corpus;

    use super::*;

    #[test]
    fn corpus_passes() {
        replay_corpus("prune_plan", plan);
    }
}
