//! Precision and recall of finding images, over charts written as data.
//!
//! Each file in `tests/extraction` is one chart in the shape of a real one: sections that begin
//! with `=== NAME`, of which `rendered`, `values`, `chart` (its `Chart.yaml`) and `denylist` go in.
//! `images` is all that must come out, one a line, `dropped` what is found and must not be
//! proposed, `warnings` what the warnings begin with. Everything else in a file is a trap.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its data fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tag_retrieval::extraction::{Chosen, Rules, choose, in_annotations, in_manifests, in_values};

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

    fn run(&self) -> Chosen {
        let mut mentions = in_manifests(self.text("rendered"));
        mentions.extend(in_annotations(self.text("chart")));
        mentions.extend(in_values(self.text("values")));
        let rules = Rules {
            denylist: self.lines("denylist").into_iter().collect(),
            ..Rules::default()
        };
        choose(mentions, &rules)
    }
}

/// How often the finding was right.
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
fn every_image_of_every_chart_is_found_and_nothing_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/extraction");
    let files = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 15, "{} charts", files.len());
    let mut score = Score::default();
    for file in &files {
        let chart = file.file_stem().unwrap().to_string_lossy();
        let case = Case::read(file);
        let chosen = case.run();
        let found = chosen
            .images
            .iter()
            .map(|found| format!("{}:{}", found.image, found.tag));
        score.add(&chart, &found.collect(), &case.lines("images"));
        let dropped: BTreeSet<_> = chosen.dropped.into_iter().map(|one| one.what).collect();
        for expected in case.lines("dropped") {
            assert!(
                dropped.contains(&expected),
                "{chart}: {expected} in {dropped:?}"
            );
        }
        let warnings = chosen
            .warnings
            .iter()
            .map(|warning| warning.split(' ').next());
        let warnings: BTreeSet<_> = warnings.flatten().map(str::to_owned).collect();
        assert_eq!(warnings, case.lines("warnings"), "{chart}");
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
