//! The rows of a bundle: the images that an import selects, with their destinations.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bundle::contents::{BundledImage, Contents};
use clap::Args;
use copier::{Approval, DestinationSettings, NarrowedIndex, Platform, PlatformSelection, Row};
use image_name::{ManifestReference, RepositoryName};
use images_list::{List, Target, Targets};

use super::globs::Globs;
use super::mutable_args::AllowEmptyArgs;
use super::overrides::Overrides;
use super::run_row::RunRow;
use super::select_args::SelectSettings;
use crate::cli::environment::Environment;
use crate::cli::failure::Failure;
use crate::cli::key_value::{Key, KeyValueArgs};

/// The options that select images of a bundle and override their destinations.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Rows")]
pub(crate) struct ImportSelectArgs {
    /// Select images whose source or destination matches
    ///
    /// Patterns match names with and without :TAG; `*` also matches `/`. A comma separates patterns.
    #[arg(long = "match", value_name = "GLOB")]
    globs: Vec<String>,
    /// Leave out images whose source or destination matches
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    #[command(flatten)]
    empty: AllowEmptyArgs,
    /// Registry of every destination (env: DEST_REGISTRY_OVERRIDE)
    #[arg(long, value_name = "HOST")]
    dest_registry: Option<String>,
    /// First path component of every destination (env: DEST_ORG_OVERRIDE)
    #[arg(long, value_name = "ORG")]
    dest_org: Option<String>,
}

/// An image that is imported.
#[derive(Debug)]
pub(crate) struct ImportedRow {
    /// The index of the image in the bundle.
    pub(crate) image: usize,
    /// The row.
    pub(crate) run_row: RunRow,
}

/// The images that are imported.
#[derive(Debug)]
pub(crate) struct ImportedRows {
    /// The rows, in the order of the bundle.
    pub(crate) rows: Vec<ImportedRow>,
    overrides: Overrides,
}

impl ImportSelectArgs {
    /// Selects images of a bundle. `targets` are those of this side, whose settings apply.
    ///
    /// # Errors
    ///
    /// [`Failure`] for invalid patterns, patterns that match no image, and invalid overrides.
    pub(crate) fn select(
        &self,
        environment: &Environment,
        contents: &Contents,
        targets: &Targets,
    ) -> Result<ImportedRows, Failure> {
        let keys = [Key::DestRegistryOverride, Key::DestOrgOverride];
        let values = KeyValueArgs::new(&[], &keys, environment)?;
        let overrides = Overrides::parse(&SelectSettings {
            images_file: None,
            dest_registry: values.value(self.dest_registry.as_deref(), keys[0]),
            dest_org: values.value(self.dest_org.as_deref(), keys[1]),
        })?;
        let selected = Globs::parse("--match", &self.globs)?;
        let excluded = Globs::parse("--exclude", &self.exclude)?;
        let ambiguous = ambiguous(contents);
        let mut rows = Vec::new();
        for (image, bundled) in contents.images.iter().enumerate() {
            let listed = listed_row(bundled)?;
            if !selected.select(&listed) || excluded.matches(&listed) {
                continue;
            }
            let destination = overrides.apply(&bundled.destination)?;
            let is_ambiguous = ambiguous.contains(&(&bundled.source, &bundled.tag));
            let row = row(bundled, &destination, is_ambiguous)?;
            rows.push(ImportedRow {
                image,
                run_row: RunRow {
                    target: target_of(targets, &destination),
                    row,
                    listed: None,
                    names: None,
                },
            });
        }
        if rows.is_empty() && !self.empty.is_allowed {
            let message = match contents.images.len() {
                0 => "the bundle has no image",
                _ => "no image of the bundle is selected: --match and --exclude leave out all",
            };
            return Err(Failure::unusable(message).hint(
                "print its images with `mirror bundle inspect FILE`; with --allow-empty this is no error"
                    .to_owned(),
            ));
        }
        refuse_conflicts(contents, &rows)?;
        Ok(ImportedRows { rows, overrides })
    }
}

impl ImportedRows {
    /// Returns a destination repository of the bundle with the overrides applied.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the result is no name.
    pub(crate) fn destination(&self, name: &RepositoryName) -> Result<RepositoryName, Failure> {
        self.overrides.apply(name)
    }
}

/// Refuses images with different contents that the overrides give the same destination.
fn refuse_conflicts(contents: &Contents, rows: &[ImportedRow]) -> Result<(), Failure> {
    let mut first: HashMap<String, &BundledImage> = HashMap::new();
    for row in rows {
        let image = &contents.images[row.image];
        let destination = row.run_row.row.destination.to_string();
        let other = first.entry(destination).or_insert(image);
        if other.digest != image.digest {
            let message = format!(
                "{} and {} of the bundle are different images, and both go to {}",
                other.destination_name(),
                image.destination_name(),
                row.run_row.row.destination,
            );
            return Err(Failure::unusable(message).hint(
                "select one with --match, or import each with another --dest-org".to_owned(),
            ));
        }
    }
    Ok(())
}

/// Returns the image as a row of a list, which patterns are compared with.
fn listed_row(image: &BundledImage) -> Result<images_list::Row, Failure> {
    let tag = match (&image.tag, &image.destination_tag) {
        (source, destination) if source == destination => source.to_string(),
        (source, destination) => format!("{source}={destination}"),
    };
    let line = format!(
        "{} {} {tag}\n",
        image.source.full(),
        image.destination.full()
    );
    let list = List::parse(&line);
    let row = list.rows().next().map(|numbered| numbered.row.clone());
    row.ok_or_else(|| {
        Failure::unusable(format!(
            "the bundle has an image that no row can have: {line:?}"
        ))
    })
}

/// Returns the source tags of images with different digests, such as those of targets with different platforms.
fn ambiguous(contents: &Contents) -> HashSet<(&RepositoryName, &ManifestReference)> {
    let mut digests = HashMap::new();
    let images = contents.images.iter();
    let ambiguous = images.filter(|image| {
        let first = digests.entry((&image.source, &image.tag));
        *first.or_insert(&image.digest) != &image.digest
    });
    ambiguous.map(|image| (&image.source, &image.tag)).collect()
}

fn row(
    image: &BundledImage,
    destination: &RepositoryName,
    is_ambiguous: bool,
) -> Result<Row, Failure> {
    let source = match is_ambiguous {
        true => image
            .source
            .reference(&ManifestReference::from(&image.digest)),
        false => image.source.reference(&image.tag),
    };
    let mut row = Row::new(source, destination.reference(&image.destination_tag));
    row.approved = Some(Box::new(Approval::from(image.digest.clone())));
    if !image.platforms.is_empty() {
        let platforms = image.platforms.iter().map(|platform| platform.parse());
        let platforms: Result<Vec<Platform>, _> = platforms.collect();
        let platforms = platforms.map_err(|error| {
            Failure::unusable(format!("the bundle has an image with an {error}"))
        })?;
        // The export has narrowed the index, or left out its other children.
        row.settings = Arc::new(DestinationSettings {
            platforms: Some(PlatformSelection {
                platforms,
                index: NarrowedIndex::Sparse,
            }),
            ..DestinationSettings::default()
        });
    }
    Ok(row)
}

/// Returns the target of this side whose prefix a destination has, the longest one.
fn target_of(targets: &Targets, destination: &RepositoryName) -> Option<Arc<Target>> {
    let name = destination.full();
    let has_prefix = |target: &&Arc<Target>| {
        let rest = name.strip_prefix(&target.prefix.to_string());
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    let found = targets.all().iter().filter(has_prefix);
    found
        .max_by_key(|target| target.prefix.to_string().len())
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(source: &str, tag: &str, digest: char) -> BundledImage {
        BundledImage {
            source: source.parse().unwrap(),
            destination: "registry.example.com/mirror/app".parse().unwrap(),
            tag: tag.parse().unwrap(),
            destination_tag: tag.parse().unwrap(),
            digest: format!("sha256:{}", digest.to_string().repeat(64))
                .parse()
                .unwrap(),
            media_type: "application/vnd.oci.image.index.v1+json".into(),
            size: 1,
            platforms: Vec::new(),
            attached: Vec::new(),
        }
    }

    fn select(args: &ImportSelectArgs, images: Vec<BundledImage>) -> Result<Vec<String>, String> {
        let mut contents = Contents::new("test");
        contents.images = images;
        let selected = args.select(&Environment::default(), &contents, &Targets::default());
        let selected = selected.map_err(|failure| failure.message)?;
        let rows = selected.rows.iter();
        let rows =
            rows.map(|row| format!("{} {}", row.run_row.row.source, row.run_row.row.destination));
        Ok(rows.collect())
    }

    #[test]
    fn patterns_and_overrides_apply_to_the_images_of_a_bundle() {
        let images = || {
            vec![
                image("nginx", "1", 'a'),
                image("quay.io/team/app", "v2", 'b'),
            ]
        };
        let args = ImportSelectArgs {
            globs: vec!["quay.io/*".to_owned()],
            dest_registry: Some("localhost:5000".to_owned()),
            dest_org: Some("far".to_owned()),
            ..ImportSelectArgs::default()
        };
        let selected = select(&args, images()).unwrap();
        assert_eq!(selected, ["quay.io/team/app:v2 localhost:5000/far/app:v2"]);
        let none = ImportSelectArgs {
            globs: vec!["ghcr.io/*".to_owned()],
            ..ImportSelectArgs::default()
        };
        assert!(select(&none, images()).unwrap_err().contains("no image"));
    }

    #[test]
    fn different_images_with_one_destination_are_refused() {
        let args = ImportSelectArgs {
            dest_registry: Some("localhost:5000".to_owned()),
            ..ImportSelectArgs::default()
        };
        let images = |digest: char| {
            let mut other = image("ghcr.io/team/app", "1", digest);
            other.destination = "other.example.com/mirror/app".parse().unwrap();
            vec![image("nginx", "1", 'a'), other]
        };
        let refused = select(&args, images('b')).unwrap_err();
        assert!(refused.contains("both go to localhost:5000"), "{refused}");
        assert_eq!(select(&args, images('a')).unwrap().len(), 2);
        assert_eq!(
            select(&ImportSelectArgs::default(), images('b'))
                .unwrap()
                .len(),
            2
        );
    }

    #[test]
    fn source_tag_with_two_digests_is_read_by_digest() {
        let mut other = image("nginx", "1", 'b');
        other.destination = "registry.example.com/other/app".parse().unwrap();
        let images = vec![image("nginx", "1", 'a'), other];
        let selected = select(&ImportSelectArgs::default(), images).unwrap();
        assert!(
            selected[0].starts_with("docker.io/library/nginx@sha256:aaaa"),
            "{selected:?}"
        );
    }
}
