//! File-based catalogs of the Operator Lifecycle Manager: packages, channels and bundles.
//!
//! Source: <https://olm.operatorframework.io/docs/reference/file-based-catalogs/>.

use std::collections::{BTreeMap, BTreeSet};

use crate::extracted_image::{Evidence, ExtractedImage, path_segment};
use crate::extracted_text::ExtractedText;
use crate::image_reference::ImageReference;
use crate::yaml::{AliasBudget, Map, Node, parse, split_documents};

/// The bundles to select from a catalog.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CatalogSelection {
    /// The packages; all if empty.
    pub packages: Vec<PackageSelection>,
    /// All bundles of the channels, not only their heads.
    pub all_versions: bool,
}

/// A package, and channels of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageSelection {
    /// The name of the package.
    pub name: String,
    /// The channels; the default channel if empty.
    pub channels: Vec<String>,
}

/// The reason why a text selects no package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a package: write NAME or NAME:CHANNEL[,CHANNEL]")]
pub struct PackageSelectionError(String);

impl std::str::FromStr for PackageSelection {
    type Err = PackageSelectionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, channels) = match text.split_once(':') {
            Some((name, channels)) => (name, channels.split(',').map(str::to_owned).collect()),
            None => (text, Vec::new()),
        };
        let is_name = |name: &str| {
            !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control())
        };
        let channels: Vec<String> = channels;
        if !is_name(name) || !channels.iter().all(|channel| is_name(channel)) {
            return Err(PackageSelectionError(text.to_owned()));
        }
        Ok(Self {
            name: name.to_owned(),
            channels,
        })
    }
}

/// A catalog, read from one or more files.
#[derive(Debug, Default)]
pub struct Catalog {
    /// Default channels, by package.
    packages: BTreeMap<String, Option<String>>,
    /// By package and name of the channel.
    channels: BTreeMap<(String, String), Channel>,
    /// By package and name.
    bundles: BTreeMap<(String, String), Bundle>,
    /// The parts that could not be read, with their file.
    pub problems: Vec<String>,
}

#[derive(Debug, Default)]
struct Channel {
    entries: BTreeSet<String>,
    /// The bundles that others replace or skip.
    superseded: BTreeSet<String>,
}

#[derive(Debug)]
struct Bundle {
    file: String,
    line: usize,
    images: Vec<String>,
}

impl Catalog {
    /// Adds a file: concatenated JSON or YAML objects with a `schema`. Returns the number of objects of
    /// catalogs in it.
    pub fn add_file(&mut self, file: &str, text: &str) -> usize {
        let mut count = 0;
        for document in split_documents(text) {
            // Each object has its own budget: a catalog has thousands.
            let Some(roots) = parse(document.text, &mut AliasBudget::default()) else {
                let line = document.line;
                self.problems.push(format!(
                    "{file}:{line}: the object is neither JSON nor YAML"
                ));
                continue;
            };
            for root in roots {
                if let Node::Map(object) = &*root {
                    count += usize::from(self.add_object(file, document.line, object));
                }
            }
        }
        count
    }

    fn add_object(&mut self, file: &str, line: usize, object: &Map) -> bool {
        let name = object.text("name").unwrap_or_default().to_owned();
        let package = object.text("package").unwrap_or_default().to_owned();
        match object.text("schema") {
            Some("olm.package") => {
                let default = object.filled("defaultChannel").map(str::to_owned);
                self.packages.insert(name, default);
            }
            Some("olm.channel") => {
                let channel = self.channels.entry((package, name)).or_default();
                for entry in object.maps("entries") {
                    channel
                        .entries
                        .extend(entry.filled("name").map(str::to_owned));
                    channel
                        .superseded
                        .extend(entry.filled("replaces").map(str::to_owned));
                    channel
                        .superseded
                        .extend(entry.scalars("skips").map(|skip| skip.text.clone()));
                }
            }
            Some("olm.bundle") => {
                let related = object.maps("relatedImages");
                let related = related.filter_map(|image| image.filled("image"));
                let images = object.filled("image").into_iter().chain(related);
                let bundle = Bundle {
                    file: file.to_owned(),
                    line,
                    images: images.map(str::to_owned).collect(),
                };
                self.bundles.insert((package, name), bundle);
            }
            Some(schema) if schema.starts_with("olm.") => {}
            _ => return false,
        }
        true
    }

    /// Returns the images of the selected bundles.
    #[must_use]
    pub fn images(&self, selection: &CatalogSelection) -> ExtractedText {
        let mut found = ExtractedText {
            problems: self.problems.clone(),
            ..ExtractedText::default()
        };
        let all = self.packages.keys().map(|name| PackageSelection {
            name: name.clone(),
            channels: Vec::new(),
        });
        let all: Vec<_> = all.collect();
        let packages = match selection.packages.is_empty() {
            true => &all,
            false => &selection.packages,
        };
        for package in packages {
            let Some(default) = self.packages.get(&package.name) else {
                let known = names(self.packages.keys());
                let problem = format!(
                    "the catalog has no package `{}`: it has {known}",
                    package.name
                );
                found.problems.push(problem);
                continue;
            };
            let channels = match (package.channels.is_empty(), default) {
                (true, Some(default)) => std::slice::from_ref(default),
                (true, None) => {
                    let problem = format!("the package `{}` has no default channel", package.name);
                    found.problems.push(problem);
                    continue;
                }
                (false, _) => &package.channels,
            };
            for channel in channels {
                self.add_channel(&package.name, channel, selection.all_versions, &mut found);
            }
        }
        found
    }

    fn add_channel(&self, package: &str, name: &str, all: bool, found: &mut ExtractedText) {
        let Some(channel) = self.channels.get(&(package.to_owned(), name.to_owned())) else {
            let known = self.channels.keys().filter(|(of, _)| of == package);
            let known = names(known.map(|(_, name)| name));
            found.problems.push(format!(
                "the package `{package}` has no channel `{name}`: it has {known}"
            ));
            return;
        };
        let entries = channel.entries.iter();
        let wanted = entries.filter(|entry| all || !channel.superseded.contains(*entry));
        let mut count = 0;
        for entry in wanted {
            count += 1;
            let Some(bundle) = self.bundles.get(&(package.to_owned(), entry.clone())) else {
                found.problems.push(format!(
                    "the channel `{name}` of `{package}` names the bundle `{entry}`, which the catalog lacks"
                ));
                continue;
            };
            bundle.add_images(entry, name, found);
        }
        if count == 0 {
            let problem = format!("the channel `{name}` of `{package}` has no head");
            found.problems.push(problem);
        }
    }
}

impl Bundle {
    fn add_images(&self, name: &str, channel: &str, found: &mut ExtractedText) {
        let Self { file, line, images } = self;
        let name = path_segment(name, &['.', '+']);
        let channel = path_segment(channel, &['.']);
        for image in images {
            match ImageReference::parse_certain(image) {
                Ok(reference) => {
                    let location = format!("{file}: {name} (channel {channel})");
                    let image = ExtractedImage::new(reference, Evidence::Strong, location);
                    found.images.push(image.at_line(*line));
                }
                Err(error) => {
                    let image: String = image.chars().take(100).collect();
                    let problem = format!("{file}:{line}: {name}: `{image}` {error}");
                    found.problems.push(problem);
                }
            }
        }
    }
}

fn names<'a>(names: impl Iterator<Item = &'a String>) -> String {
    /// Maximum names in a message.
    const MAX: usize = 10;
    let names: Vec<_> = names.map(String::as_str).collect();
    match names.len() {
        0 => "none".to_owned(),
        count if count > MAX => format!("{} and {} more", names[..MAX].join(", "), count - MAX),
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOG: &str = r#"{"schema": "olm.package", "name": "etcd", "defaultChannel": "stable"}
{
    "schema": "olm.channel", "package": "etcd", "name": "stable",
    "entries": [
        {"name": "etcd.v1", "skips": []},
        {"name": "etcd.v2", "replaces": "etcd.v1", "skips": ["etcd.v1-bad"]},
        {"name": "etcd.v1-bad"}
    ]
}
{"schema": "olm.channel", "package": "etcd", "name": "alpha", "entries": [{"name": "etcd.v3"}]}
{"schema": "olm.bundle", "package": "etcd", "name": "etcd.v1", "image": "q.io/e/bundle:v1"}
{"schema": "olm.bundle", "package": "etcd", "name": "etcd.v1-bad", "image": "q.io/e/bundle:bad"}
{"schema": "olm.bundle", "package": "etcd", "name": "etcd.v2", "image": "q.io/e/bundle:v2",
 "relatedImages": [{"name": "", "image": "q.io/e/bundle:v2"}, {"name": "etcd", "image": "q.io/e/etcd:3.5"}]}
"#;
    const YAML: &str = "---
schema: olm.bundle
package: etcd
name: etcd.v3
image: q.io/e/bundle:v3
---
schema: olm.package
name: other
defaultChannel: none
";

    fn images(selection: &CatalogSelection) -> (String, Vec<String>) {
        let mut catalog = Catalog::default();
        assert_eq!(catalog.add_file("etcd/catalog.json", CATALOG), 6);
        assert_eq!(catalog.add_file("more.yaml", YAML), 2);
        assert_eq!(catalog.add_file("x.yaml", "a: 1\n"), 0);
        let found = catalog.images(selection);
        let images = found.images.iter().map(|image| match &image.version {
            crate::TagOrDigest::Tag(tag) => format!("{}:{tag}", image.repository),
            crate::TagOrDigest::Digest(_) => image.repository.clone(),
        });
        (images.collect::<Vec<_>>().join(" "), found.problems)
    }

    fn select(packages: &[&str], all_versions: bool) -> CatalogSelection {
        CatalogSelection {
            packages: packages.iter().map(|text| text.parse().unwrap()).collect(),
            all_versions,
        }
    }

    #[test]
    fn heads_of_channels_are_selected() {
        let head = "q.io/e/bundle:v2 q.io/e/bundle:v2 q.io/e/etcd:3.5";
        assert_eq!(
            images(&select(&["etcd"], false)),
            (head.to_owned(), Vec::new())
        );
        let (found, problems) = images(&select(&[], false));
        assert_eq!(found, head);
        assert_eq!(
            problems,
            ["the package `other` has no channel `none`: it has none"]
        );
        assert_eq!(
            images(&select(&["etcd:alpha"], false)).0,
            "q.io/e/bundle:v3"
        );
        let (all, _) = images(&select(&["etcd:stable,alpha"], true));
        assert_eq!(
            all,
            format!("q.io/e/bundle:v1 q.io/e/bundle:bad {head} q.io/e/bundle:v3")
        );
        let (_, problems) = images(&select(&["nope"], false));
        assert_eq!(
            problems,
            ["the catalog has no package `nope`: it has etcd, other"]
        );
    }

    #[test]
    fn broken_object_does_not_hide_the_others() {
        let mut catalog = Catalog::default();
        let count = catalog.add_file("c.json", &format!("{CATALOG}\n{{\"schema\": [\n"));
        assert_eq!(count, 6);
        assert_eq!(catalog.problems.len(), 1, "{:?}", catalog.problems);
    }
}
