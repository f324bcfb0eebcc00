//! Precision and recall over charts stored as data.
//!
//! Each file in `tests/charts` describes one chart. A section begins with `=== NAME`. The inputs are
//! `rendered`, `values`, `chart` (`Chart.yaml`) and `denylist`. The expectations are `images` (all
//! images to propose, one a line), `dropped` (images to drop) and `untagged` (the first word of each
//! warning). All other text that resembles an image is a decoy.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its data fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use extraction::{
    Organization, Proposal, ProposalRules, from_annotations, from_manifests, from_values, propose,
};

#[derive(Default)]
struct Case {
    sections: BTreeMap<String, String>,
}

impl Case {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let mut case = Self::default();
        let mut section = String::new();
        for line in text.split_inclusive('\n') {
            match line.strip_prefix("=== ") {
                Some(name) => name.trim().clone_into(&mut section),
                None => case
                    .sections
                    .entry(section.clone())
                    .or_default()
                    .push_str(line),
            }
        }
        case
    }

    fn text(&self, section: &str) -> &str {
        self.sections.get(section).map_or("", String::as_str)
    }

    fn lines(&self, section: &str) -> BTreeSet<String> {
        self.text(section).lines().map(str::to_owned).collect()
    }

    fn run(&self) -> Proposal {
        let mut extracted = from_manifests(self.text("rendered"));
        extracted.extend(from_annotations(self.text("chart")));
        extracted.extend(from_values(self.text("values")));
        let rules = ProposalRules {
            denylist: self.lines("denylist").into_iter().collect(),
            own_org: Organization::new("rancher"),
            ..ProposalRules::default()
        };
        propose(extracted, &rules)
    }
}

/// Counts of correct, wrong and missed images.
#[derive(Default)]
struct Score {
    right: usize,
    wrong: usize,
    missed: usize,
}

impl Score {
    fn add(&mut self, chart: &str, found: &BTreeSet<String>, expected: &BTreeSet<String>) {
        let wrong: Vec<_> = found.difference(expected).collect();
        let missed: Vec<_> = expected.difference(found).collect();
        let right = found.intersection(expected).count();
        println!(
            "{chart}: {right} found, {} wrong {wrong:?}, {} missed {missed:?}",
            wrong.len(),
            missed.len()
        );
        self.right += right;
        self.wrong += wrong.len();
        self.missed += missed.len();
    }
}

#[test]
fn charts_yield_exactly_their_images() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/charts");
    let files = std::fs::read_dir(directory).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 15, "{} charts", files.len());
    let mut score = Score::default();
    for file in &files {
        let chart = file.file_stem().unwrap().to_string_lossy();
        let case = Case::read(file);
        let proposal = case.run();
        let found = proposal.images.iter().map(ToString::to_string);
        score.add(&chart, &found.collect(), &case.lines("images"));
        let dropped: BTreeSet<_> = proposal.dropped.iter().map(ToString::to_string).collect();
        for expected in case.lines("dropped") {
            assert!(
                dropped.contains(&expected),
                "{chart}: {expected} in {dropped:?}"
            );
        }
        let untagged: BTreeSet<_> = proposal.untagged.iter().map(ToString::to_string).collect();
        assert_eq!(untagged, case.lines("untagged"), "{chart}");
    }
    let ratio = |of: usize| {
        f64::from(u32::try_from(score.right).unwrap()) / f64::from(u32::try_from(of).unwrap())
    };
    let precision = ratio(score.right + score.wrong);
    let recall = ratio(score.right + score.missed);
    println!(
        "{} charts, {} images: precision {precision:.3}, recall {recall:.3}",
        files.len(),
        score.right + score.missed
    );
    assert_eq!(
        (score.wrong, score.missed),
        (0, 0),
        "precision {precision:.3}, recall {recall:.3}"
    );
}
