//! The images of all charts of an entry.

use std::collections::{BTreeMap, BTreeSet};

use extraction::{
    Evidence, ImagePath, ImagePaths, ProposalRules, ProposedImage, UntaggedImage, propose,
};

use crate::candidate::Origin;
use crate::chart_extraction::extract_chart;
use crate::filters::drop_counts;
use crate::helm::RenderedChart;
use crate::retrieved::{Dropped, Found, FoundImage, Retrieved};

/// A collector of the images of charts.
#[derive(Debug, Default)]
pub(super) struct ChartImages {
    /// By image and tag, with the best evidence. Among equals, the first chart wins.
    found: BTreeMap<(String, String), (Evidence, Origin)>,
    dropped: Vec<Dropped>,
    untagged: BTreeSet<UntaggedImage>,
    image_paths: ImagePaths,
    warnings: Vec<String>,
    failures: Vec<String>,
}

impl ChartImages {
    /// Creates a collector that also reads further paths.
    pub(super) fn new(paths: &[ImagePath]) -> Self {
        Self {
            image_paths: ImagePaths::new(paths),
            ..Self::default()
        }
    }

    /// Adds one version of a chart. The images are selected for each version alone, so that the manifests
    /// of one version do not outweigh the values of another.
    pub(super) fn add(
        &mut self,
        chart: &str,
        name: &str,
        rendered: RenderedChart,
        rules: &ProposalRules,
    ) {
        let name = format!("{name} ({})", rendered.version);
        self.add_failures(&name, rendered.failures.clone());
        if is_deprecated(&rendered.chart_yaml) {
            self.warnings
                .push(format!("{name}: the chart is deprecated"));
        }
        let extracted = extract_chart(&rendered, &mut self.image_paths);
        let proposal = propose(extracted.images, rules);
        for image in proposal.images {
            self.add_image(chart, &rendered.version, image);
        }
        let untagged = proposal.untagged.into_iter();
        self.untagged.extend(untagged.map(|image| UntaggedImage {
            location: format!("{name}, {}", image.location),
            ..image
        }));
        for dropped in proposal.dropped.into_iter().map(Dropped::from) {
            if !self.dropped.contains(&dropped) {
                self.dropped.push(dropped);
            }
        }
    }

    /// Adds the failures of a chart.
    pub(super) fn add_failures(&mut self, name: &str, failures: Vec<String>) {
        let failures = failures.into_iter();
        self.failures
            .extend(failures.map(|failure| format!("{name}: {failure}")));
    }

    fn add_image(&mut self, chart: &str, version: &str, image: ProposedImage) {
        let origin = Origin::Chart {
            chart: chart.to_owned(),
            version: version.to_owned(),
            location: image.location,
        };
        let found = (image.evidence, origin);
        let best = self.found.entry((image.repository, image.tag));
        best.and_modify(|best| {
            if found.0 < best.0 {
                best.clone_from(&found);
            }
        })
        .or_insert(found);
    }

    /// Returns the result. An image dropped from one chart and found in another is not dropped.
    pub(super) fn into_retrieved(self) -> Retrieved {
        let found = self.found.into_iter();
        let found: Vec<FoundImage> = found
            .map(|((image, tag), (_, origin))| FoundImage { image, tag, origin })
            .collect();
        let was_found = |dropped: &Dropped| {
            let name = |found: &FoundImage| format!("{}:{}", found.image, found.tag);
            found.iter().any(|found| name(found) == dropped.item)
        };
        let dropped = self.dropped.into_iter();
        let dropped: Vec<_> = dropped.filter(|dropped| !was_found(dropped)).collect();
        let mut warnings = self.warnings;
        warnings.extend(
            self.image_paths
                .unmatched()
                .map(|path| format!("no document has a value at the image path `{path}`")),
        );
        if found.is_empty() && self.untagged.is_empty() {
            warnings.push(no_image_warning("charts", &dropped));
        }
        Retrieved {
            dropped,
            found: Found::Images(found),
            untagged: self.untagged.into_iter().collect(),
            warnings,
            failures: self.failures,
        }
    }
}

/// Formats the reason why charts or files leave no image.
pub(super) fn no_image_warning(place: &str, dropped: &[Dropped]) -> String {
    match dropped.len() {
        0 => format!("the {place} name no image with a tag"),
        count => format!(
            "the filters drop all {count} images of the {place}: {}",
            drop_counts(dropped)
        ),
    }
}

/// Returns true if a `Chart.yaml` written by helm marks the chart as deprecated. Its top-level keys are not
/// indented.
fn is_deprecated(chart_yaml: &str) -> bool {
    chart_yaml
        .lines()
        .any(|line| line.trim_end() == "deprecated: true")
}

#[cfg(test)]
mod tests {
    use extraction::ChartText;

    use super::*;
    use crate::helm::Manifests;

    /// Returns a chart that renders one pod with these images.
    fn rendered(version: &str, images: &[&str], values: &str) -> RenderedChart {
        let containers: String = images
            .iter()
            .map(|image| format!("  - image: {image}\n"))
            .collect();
        let pod = format!("kind: Pod\nmetadata: {{name: web}}\nspec:\n  containers:\n{containers}");
        RenderedChart {
            version: version.to_owned(),
            chart_yaml: format!("name: web\nversion: {version}\n"),
            values: values.to_owned(),
            manifests: vec![Manifests {
                text: pod,
                tests: false,
            }],
            files: ChartText::default(),
            failures: Vec::new(),
        }
    }

    fn retrieved(of: impl IntoIterator<Item = RenderedChart>) -> Retrieved {
        let mut images = ChartImages::default();
        for (number, rendered) in of.into_iter().enumerate() {
            let chart = format!("chart-{number}");
            images.add(&chart, &chart, rendered, &ProposalRules::default());
        }
        images.into_retrieved()
    }

    fn found(retrieved: &Retrieved) -> Vec<(String, &str)> {
        let Found::Images(found) = &retrieved.found else {
            panic!("charts give images");
        };
        fn chart(origin: &Origin) -> &str {
            match origin {
                Origin::Chart { chart, .. } => chart,
                other => panic!("{other:?}"),
            }
        }
        found
            .iter()
            .map(|found| {
                (
                    format!("{}:{}", found.image, found.tag),
                    chart(&found.origin),
                )
            })
            .collect()
    }

    #[test]
    fn manifests_outweigh_the_values_of_their_own_version_only() {
        let new = rendered("2", &["a.io/b/web:2"], "");
        let old = rendered("1", &["a.io/b/db:1"], "image: a.io/b/web:1\n");
        let both = retrieved([new, old]);
        let expected = ["a.io/b/db:1", "a.io/b/web:1", "a.io/b/web:2"];
        let images: Vec<String> = found(&both).into_iter().map(|(image, _)| image).collect();
        assert_eq!(images, expected);
    }

    #[test]
    fn best_evidence_of_all_charts_wins() {
        let values = "one: {image: a.io/b/db:1}\ntwo: {image: a.io/b/web:1}\n";
        let in_values = || rendered("1", &["a.io/b/web:2"], values);
        let in_manifest = rendered("1", &["a.io/b/db:1", "a.io/b/web:1"], "");
        let alone = retrieved([in_values()]);
        assert_eq!(alone.dropped.len(), 1, "{:?}", alone.dropped);
        let both = retrieved([in_values(), in_manifest]);
        assert_eq!(
            found(&both),
            [
                ("a.io/b/db:1".to_owned(), "chart-1"),
                ("a.io/b/web:1".to_owned(), "chart-1"),
                ("a.io/b/web:2".to_owned(), "chart-0"),
            ]
        );
        assert_eq!(both.dropped, []);
    }

    #[test]
    fn deprecated_chart_causes_a_warning() {
        let mut old = rendered("1", &["a.io/b/web:1"], "");
        old.chart_yaml.push_str("deprecated: true\n");
        let warnings = retrieved([old]).warnings;
        assert_eq!(warnings, ["chart-0 (1): the chart is deprecated"]);
    }
}
