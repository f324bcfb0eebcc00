//! Images in the values and annotations of subcharts.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::chart_files::extract_annotations;
use crate::context::Context;
use crate::extracted_image::{ExtractedImage, path_segment};
use crate::tree_extractor::{TextKind, TreeExtractor};
use crate::yaml::{AliasBudget, Map, Node, parse};

/// The texts of a chart with its subcharts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChartText {
    /// `Chart.yaml`.
    pub chart_yaml: String,
    /// `values.yaml`.
    pub values: String,
    /// `Images.lock`, if the chart has one.
    pub images_lock: String,
    /// The subcharts, by the name of their directory or package.
    pub subcharts: BTreeMap<String, ChartText>,
}

/// Extracts the images of all subcharts of a chart: from their annotations, with
/// [`Evidence::Announced`](crate::Evidence::Announced), and from their values with the changes that the
/// charts above make, with [`Evidence::Weak`](crate::Evidence::Weak).
#[must_use]
pub fn from_subcharts(chart: &ChartText) -> Vec<ExtractedImage> {
    let mut reader = Reader {
        annotations: TreeExtractor::new(TextKind::Annotation),
        values: TreeExtractor::new(TextKind::Values),
    };
    let values = mapping(&chart.values);
    reader.subcharts(chart, &values, "");
    let mut images = reader.annotations.into_images();
    images.extend(reader.values.into_images());
    images
}

struct Reader {
    annotations: TreeExtractor,
    values: TreeExtractor,
}

impl Reader {
    fn subcharts(&mut self, chart: &ChartText, values: &Map, path: &str) {
        let metadata = mapping(&chart.chart_yaml);
        for (directory, subchart) in &chart.subcharts {
            let path = format!("{path}charts/{}/", path_segment(directory, &['.', '+']));
            let file = format!("{path}Chart.yaml: ");
            extract_annotations(&mut self.annotations, &subchart.chart_yaml, &file);
            let own = Rc::new(Node::Map(mapping(&subchart.values)));
            for name in names(&metadata, directory, subchart) {
                let changed = match values.get(&name) {
                    Some(Node::Map(changes)) => overlay(&own, changes),
                    _ => Rc::clone(&own),
                };
                let file = format!("{path}values.yaml: ");
                self.values.extract(&file, &changed, Context::ROOT);
                if let Node::Map(values) = &*changed {
                    self.subcharts(subchart, values, &path);
                }
            }
        }
    }
}

/// Returns the keys that a chart has for the values of a subchart: the aliases of its dependencies with
/// that name, or the name.
fn names(metadata: &Map, directory: &str, subchart: &ChartText) -> Vec<String> {
    let own = mapping(&subchart.chart_yaml);
    let name = own.text("name").unwrap_or(directory);
    let dependencies = metadata.maps("dependencies");
    let dependencies = dependencies.filter(|dependency| dependency.text("name") == Some(name));
    let names = dependencies.map(|dependency| dependency.filled("alias").unwrap_or(name));
    let names: Vec<_> = names.map(str::to_owned).collect();
    match names.is_empty() {
        true => vec![name.to_owned()],
        false => names,
    }
}

/// Returns values with changes: mappings are merged, other values replaced. `null` deletes a key.
fn overlay(values: &Rc<Node>, changes: &Map) -> Rc<Node> {
    let Node::Map(values) = &**values else {
        let changes = changes.0.iter();
        let changes = changes.map(|(key, value)| (key.clone(), Rc::clone(value)));
        return Rc::new(Node::Map(Map(changes.collect())));
    };
    let mut merged = Vec::new();
    for (key, value) in &values.0 {
        match changes.get(key) {
            None => merged.push((key.clone(), Rc::clone(value))),
            Some(Node::Null) => {}
            Some(Node::Map(changes)) => merged.push((key.clone(), overlay(value, changes))),
            Some(_) => {
                let mut changed = changes.0.iter();
                let changed = changed.find(|(name, _)| name.text == key.text);
                merged.extend(changed.map(|(key, value)| (key.clone(), Rc::clone(value))));
            }
        }
    }
    let new = changes
        .0
        .iter()
        .filter(|(key, _)| values.get(key).is_none());
    merged.extend(new.map(|(key, value)| (key.clone(), Rc::clone(value))));
    Rc::new(Node::Map(Map(merged)))
}

/// Parses a mapping: empty if the text is none.
fn mapping(text: &str) -> Map {
    let roots = parse(text, &mut AliasBudget::default()).unwrap_or_default();
    let mut maps = roots.iter().filter_map(|root| match &**root {
        Node::Map(map) => Some(map),
        _ => None,
    });
    let entries = maps.next().map(|map| {
        let entries = map.0.iter();
        let entries = entries.map(|(key, value)| (key.clone(), Rc::clone(value)));
        entries.collect()
    });
    Map(entries.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image_reference::TagOrDigest;

    #[test]
    fn values_have_the_changes_of_the_charts_above() {
        let chart = |chart_yaml: &str, values: &str, subcharts: &[(&str, ChartText)]| ChartText {
            chart_yaml: chart_yaml.to_owned(),
            values: values.to_owned(),
            images_lock: String::new(),
            subcharts: subcharts
                .iter()
                .map(|(name, chart)| ((*name).to_owned(), chart.clone()))
                .collect(),
        };
        let inner = chart(
            "name: inner\nannotations: {images: 'a/announced:1'}\n",
            "image: {repository: a/inner, tag: v1}\n",
            &[],
        );
        let sub = chart(
            "name: sub\n",
            "image: {repository: a/sub, tag: v1}\ninner: {image: {tag: v2}}\ngone: {image: 'a/gone:1'}\n",
            &[("inner", inner)],
        );
        let chart = chart(
            "name: top\ndependencies: [{name: sub, alias: one}, {name: sub, alias: two}]\n",
            "one: {image: {tag: v9}, gone: null}\nimage: a/top:1\n",
            &[("sub-1.0.tgz", sub)],
        );
        let found = from_subcharts(&chart);
        let found = found.iter().map(|image| match &image.version {
            TagOrDigest::Tag(tag) => format!("{}:{tag} {}", image.repository, image.location),
            TagOrDigest::Digest(_) => image.repository.clone(),
        });
        let path = "charts/sub-1.0.tgz";
        let expected = [
            format!("a/announced:1 {path}/charts/inner/Chart.yaml: annotations.\"images\""),
            format!("a/announced:1 {path}/charts/inner/Chart.yaml: annotations.\"images\""),
            format!("a/sub:v9 {path}/values.yaml: image"),
            format!("a/inner:v2 {path}/charts/inner/values.yaml: image"),
            format!("a/sub:v1 {path}/values.yaml: image"),
            format!("a/gone:1 {path}/values.yaml: gone.image"),
            format!("a/inner:v2 {path}/charts/inner/values.yaml: image"),
        ];
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }
}
