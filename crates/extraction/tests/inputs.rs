//! Precision and recall over inputs of every format, stored as data.
//!
//! The files in `tests/inputs` hold cases. A case begins with `##### FILE NAME`, followed by the text of the
//! file; its sections are `=== variables`, `=== image paths`, `=== images` (all images, one a line),
//! `=== left out`, `=== problems` (the first words of each) and `=== suspects`. The format is detected from
//! the name and the text. All other text that resembles an image is a decoy. The charts in `tests/charts`
//! have a test of their own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot read its data fails"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use extraction::formats::{
    Catalog, CatalogSelection, TextFormat, compose, dockerfile, hauler, images_lock,
    parse_variables, zarf,
};
use extraction::{
    ExtractedText, ImagePath, ImagePaths, ImagesFile, NeedRules, NeededImages, PlacedImage,
    manifests, values,
};

/// The minimum number of inputs, with the charts.
const INPUTS: usize = 60;

#[derive(Default)]
struct Case {
    name: String,
    text: String,
    sections: BTreeMap<String, BTreeSet<String>>,
}

impl Case {
    fn read_all(text: &str) -> Vec<Self> {
        let mut cases: Vec<Self> = Vec::new();
        let mut section: Option<String> = None;
        for line in text.split_inclusive('\n') {
            if let Some(name) = line.strip_prefix("##### ") {
                cases.push(Self {
                    name: name.trim().to_owned(),
                    ..Self::default()
                });
                section = None;
                continue;
            }
            let case = cases.last_mut().unwrap();
            if let Some(name) = line.strip_prefix("=== ") {
                section = Some(name.trim().to_owned());
                case.sections.entry(name.trim().to_owned()).or_default();
                continue;
            }
            match &section {
                None => case.text.push_str(line),
                Some(section) => {
                    let lines = case.sections.get_mut(section).unwrap();
                    lines.insert(line.trim().to_owned());
                }
            }
        }
        cases
    }

    fn lines(&self, section: &str) -> BTreeSet<String> {
        self.sections.get(section).cloned().unwrap_or_default()
    }

    fn extract(&self) -> ExtractedText {
        let file_name = self.name.rsplit('/').next().unwrap();
        let paths = self.lines("image paths");
        let paths: Vec<ImagePath> = paths.iter().map(|path| path.parse().unwrap()).collect();
        let mut paths = ImagePaths::new(&paths);
        let variables: Vec<_> = self.lines("variables").into_iter().collect();
        let variables = parse_variables(&variables.join("\n"));
        let format = TextFormat::detect(file_name, &self.text);
        match format.unwrap_or_else(|| panic!("{}: no format", self.name)) {
            TextFormat::Manifests => manifests(&self.text, &mut paths),
            TextFormat::Values => values(&self.text, &mut paths),
            TextFormat::Compose => compose(&self.text, &variables),
            TextFormat::Dockerfile => dockerfile(&self.text, &variables),
            TextFormat::List => {
                let file = ImagesFile::parse_with_default(&self.text);
                ExtractedText {
                    images: file.images,
                    problems: file.problems,
                    ..ExtractedText::default()
                }
            }
            TextFormat::Hauler => hauler(&self.text),
            TextFormat::Zarf => zarf(&self.text),
            TextFormat::ImagesLock => images_lock(&self.text),
            TextFormat::Catalog => {
                let mut catalog = Catalog::default();
                catalog.add_file(&self.name, &self.text);
                catalog.images(&CatalogSelection::default())
            }
            TextFormat::Kustomization => panic!("{}: kustomizations need files", self.name),
        }
    }
}

impl Case {
    fn check_problems_and_suspects(&self, text: &ExtractedText) {
        let (name, found) = (&self.name, &text.problems);
        let problems = self.lines("problems");
        assert_eq!(found.len(), problems.len(), "{name}: {found:?}");
        for (problem, begin) in found.iter().zip(&problems) {
            assert!(problem.starts_with(begin.as_str()), "{name}: {problem}");
        }
        let suspects: BTreeSet<_> = text.suspects.iter().map(|one| one.text.clone()).collect();
        assert!(
            suspects.is_superset(&self.lines("suspects")),
            "{name}: {suspects:?}"
        );
    }
}

/// Returns the images that are needed, and those that are left out.
fn needed(text: &ExtractedText) -> (BTreeSet<String>, BTreeSet<String>) {
    let placed = text.images.iter().map(|image| PlacedImage {
        file: String::new(),
        has_lines: true,
        image: image.clone(),
    });
    let needed = NeededImages::new(placed.collect(), NeedRules::default());
    let left_out = needed.left_out().map(|(image, _)| image.to_string());
    (
        needed.needed().map(ToString::to_string).collect(),
        left_out.collect(),
    )
}

#[test]
fn inputs_yield_exactly_their_images() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files = |name: &str| {
        let files = std::fs::read_dir(directory.join(name)).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        files
    };
    let charts = files("charts").len();
    let texts = files("inputs");
    let texts = texts
        .iter()
        .map(|file| std::fs::read_to_string(file).unwrap());
    let cases: Vec<_> = texts.flat_map(|text| Case::read_all(&text)).collect();
    assert!(
        cases.len() + charts >= INPUTS,
        "{} inputs",
        cases.len() + charts
    );
    let (mut right, mut wrong, mut missed) = (0, 0, 0);
    for case in &cases {
        let name = &case.name;
        let text = case.extract();
        let (found, left_out) = needed(&text);
        let expected = case.lines("images");
        for image in found.difference(&expected) {
            println!("{name}: wrong {image}");
            wrong += 1;
        }
        for image in expected.difference(&found) {
            println!("{name}: missed {image}");
            missed += 1;
        }
        right += found.intersection(&expected).count();
        assert_eq!(left_out, case.lines("left out"), "{name}");
        case.check_problems_and_suspects(&text);
    }
    let ratio = |of: usize| {
        f64::from(u32::try_from(right).unwrap()) / f64::from(u32::try_from(of).unwrap())
    };
    println!(
        "{} inputs and {charts} charts, {} images: precision {:.3}, recall {:.3}",
        cases.len(),
        right + missed,
        ratio(right + wrong),
        ratio(right + missed)
    );
    assert_eq!((wrong, missed), (0, 0));
}
