//! The conversion of an entry's fields into types that cannot hold invalid values.

use std::fmt::Display;
use std::num::NonZeroUsize;
use std::str::FromStr;

use extraction::ImagePath;
use extraction::formats::PackageSelection;
use image_name::without_docker_hub;
use strict_json::{Flag, Located, NamedMap, NonEmpty, Problems};

use super::charts::{Chart, ChartConfig, EntryImage, HelmCharts, ImageRules};
use super::entry_fields::{ChartConfigFields, ChartFields, EntryFields, ImageField};
use super::latest_fields::LatestByField;
use super::names::{self, NameError};
use super::source_kind::SourceKind;
use crate::filters::{
    Constraint, FilterSet, MinimumAge, Newest, TagForm, TagTemplate, VersionExtractor,
    compile_pattern,
};

/// The parts of an entry besides its `versionSource`. Parts that the entry does not have are empty.
#[derive(Debug)]
pub(crate) struct EntryParts {
    /// The filters for versions.
    pub(crate) filters: FilterSet,
    /// `images`.
    pub(crate) images: Vec<EntryImage>,
    /// `imagesFilePath`, relative to the root of the repository.
    pub(crate) images_file_path: String,
    /// `imageDenylist`, without Docker Hub's host.
    pub(crate) denylist: Vec<String>,
    /// `imagePaths`.
    pub(crate) image_paths: Vec<ImagePath>,
    /// `packages`.
    pub(crate) packages: Vec<PackageSelection>,
    charts: Vec<Chart>,
    additional_versions: Vec<String>,
}

impl EntryParts {
    /// Converts the fields of an entry and reports the invalid ones.
    pub(crate) fn parse(
        kind: Option<&SourceKind>,
        fields: &EntryFields,
        problems: &mut Problems<'_>,
    ) -> Self {
        Self {
            filters: filters(fields, problems),
            images: images(fields, problems),
            images_file_path: images_file_path(fields, problems),
            denylist: denylist(fields, problems),
            image_paths: all_parsed("imagePaths", fields.image_paths.as_ref(), problems),
            packages: packages(fields, problems),
            charts: charts(kind, fields, problems),
            additional_versions: strings(fields.additional_version_filter.as_ref()),
        }
    }

    /// Returns the settings of a Helm source.
    pub(crate) fn into_helm_charts(self) -> HelmCharts {
        HelmCharts {
            charts: self.charts,
            additional_versions: self.additional_versions,
            denylist: self.denylist,
            exclude: self.filters.exclude,
            image_paths: self.image_paths,
        }
    }

    /// Returns the images that are never proposed, for a source of images.
    pub(crate) fn into_image_rules(self) -> ImageRules {
        ImageRules {
            denylist: self.denylist,
            exclude: self.filters.exclude,
        }
    }
}

/// Parses the value of a key.
fn parsed<T, E: Display>(
    key: &str,
    written: Option<&Located<String>>,
    parse: impl FnOnce(&str) -> Result<T, E>,
    problems: &mut Problems<'_>,
) -> Option<T> {
    let written = written?;
    let parsed = parse(&written.value);
    parsed
        .map_err(|error| problems.add(written.offset, format!("`{key}`: {error}")))
        .ok()
}

/// Parses each string of a list.
fn all_parsed<T: FromStr<Err: Display>>(
    key: &str,
    written: Option<&Located<Vec<Located<String>>>>,
    problems: &mut Problems<'_>,
) -> Vec<T> {
    let strings = written.into_iter().flat_map(|list| &list.value);
    strings
        .filter_map(|string| parsed(key, Some(string), str::parse, problems))
        .collect()
}

fn packages(entry: &EntryFields, problems: &mut Problems<'_>) -> Vec<PackageSelection> {
    let packages = entry.packages.iter().flat_map(|packages| &packages.value.0);
    packages
        .filter_map(|package| parsed("packages", Some(package), str::parse, problems))
        .collect()
}

fn filters(entry: &EntryFields, problems: &mut Problems<'_>) -> FilterSet {
    let newest = newest(entry, problems);
    let (extract, constraint) = (&entry.version_extract, &entry.version_constraint);
    let days = entry.minimum_age.as_ref().map(|age| age.value);
    let template = &entry.tag_template;
    let extract = parsed(
        "versionExtract",
        extract.as_ref(),
        |text| VersionExtractor::parse(text, template.is_some()),
        problems,
    );
    // Without its groups, every placeholder would be a problem too.
    let is_valid = extract.is_some() || entry.version_extract.is_none();
    let template = parsed(
        "tagTemplate",
        template.as_ref().filter(|_| is_valid),
        |text| TagTemplate::parse(text, extract.as_ref()),
        problems,
    );
    FilterSet {
        extract,
        tag: template.map_or(TagForm::Version, TagForm::Template),
        exclude: parsed("exclude", entry.exclude.as_ref(), compile_pattern, problems),
        pattern: parsed(
            "versionFilter",
            entry.version_filter.as_ref(),
            compile_pattern,
            problems,
        ),
        constraint: parsed(
            "versionConstraint",
            constraint.as_ref(),
            Constraint::parse,
            problems,
        ),
        minimum_age: days
            .filter(|days| *days > 0)
            .map(|days| MinimumAge { days }),
        newest,
    }
}

fn newest(entry: &EntryFields, problems: &mut Problems<'_>) -> Newest {
    let count = entry.latest.as_ref().and_then(|latest| latest.value.0);
    let count = count.map(NonZeroUsize::from);
    let is_latest_entry = is_on(entry.latest_entry.as_ref());
    if let Some(by) = &entry.latest_by {
        let problem = match (is_latest_entry, count) {
            (true, _) => Some("`latestBy` and `latest_entry` exclude each other: remove one"),
            (false, None) => Some("`latestBy` has no effect without `latest`"),
            (false, Some(_)) => None,
        };
        if let Some(problem) = problem {
            problems.add(by.offset, problem);
        }
    }
    let by = entry.latest_by.as_ref().map(|by| by.value);
    match (is_latest_entry, count, by) {
        (true, ..) => Newest::LastPublished {
            count: NonZeroUsize::MIN,
            filter: "latest_entry",
        },
        (false, Some(count), Some(LatestByField::Pushed)) => Newest::LastPublished {
            count,
            filter: "latest",
        },
        (false, Some(count), _) => Newest::Highest(count),
        (false, None, _) => Newest::All,
    }
}

fn images(entry: &EntryFields, problems: &mut Problems<'_>) -> Vec<EntryImage> {
    let Some(written) = &entry.images else {
        return Vec::new();
    };
    let NonEmpty(images) = &written.value;
    images
        .iter()
        .filter_map(|image| entry_image(image, problems))
        .collect()
}

fn entry_image(written: &Located<ImageField>, problems: &mut Problems<'_>) -> Option<EntryImage> {
    let report = |key, offset, checked: Result<(), NameError>, problems: &mut Problems<'_>| {
        checked
            .map_err(|error| problems.add(offset, format!("{key}: {error}")))
            .ok()
    };
    match &written.value {
        ImageField::Name(source) => {
            let checked = names::check_repository(source);
            report("`images`", written.offset, checked, problems)?;
            Some(EntryImage {
                source: source.clone(),
                destination: None,
            })
        }
        ImageField::WithDestination(image) => {
            let (source, destination) = (image.source.as_ref()?, image.destination.as_ref()?);
            let checked = [
                (
                    "`images`, `source`",
                    source,
                    names::check_repository(&source.value),
                ),
                (
                    "`images`, `destination`",
                    destination,
                    names::check_destination(&destination.value),
                ),
            ]
            .map(|(key, name, checked)| report(key, name.offset, checked, problems));
            checked.iter().all(Option::is_some).then(|| EntryImage {
                source: source.value.clone(),
                destination: Some(destination.value.clone()),
            })
        }
    }
}

fn images_file_path(entry: &EntryFields, problems: &mut Problems<'_>) -> String {
    let relative = |text: &str| {
        let path = text.trim_start_matches('/');
        if path.is_empty() || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(format!("`{text}` is not a file path within a repository"));
        }
        Ok(path.to_owned())
    };
    let path = parsed(
        "imagesFilePath",
        entry.images_file_path.as_ref(),
        relative,
        problems,
    );
    path.unwrap_or_default()
}

fn denylist(entry: &EntryFields, problems: &mut Problems<'_>) -> Vec<String> {
    let mut denied = Vec::new();
    for Located { value, offset } in entry.image_denylist.iter().flat_map(|list| &list.value) {
        match names::check_repository(value) {
            Ok(()) => denied.push(without_docker_hub(value).to_owned()),
            Err(error) => problems.add(*offset, format!("`imageDenylist`: {error}")),
        }
    }
    denied
}

fn charts(
    kind: Option<&SourceKind>,
    entry: &EntryFields,
    problems: &mut Problems<'_>,
) -> Vec<Chart> {
    let Some(written) = &entry.helm_charts else {
        return Vec::new();
    };
    let NonEmpty(NamedMap(charts)) = &written.value;
    if let Some((kind, rules)) = kind.and_then(|kind| Some((kind, kind.charts?))) {
        for (name, chart) in charts {
            if let Err(error) = (rules.check_name)(&name.value) {
                problems.add(name.offset, format!("`helmCharts`: {error}"));
            }
            if let (Some(range), false) = (&chart.version_filter, rules.has_versions) {
                let message = format!(
                    "versionSource `{}` does not accept `versionFilter`: a chart in a directory has \
                     one version",
                    kind.name
                );
                problems.add(range.offset, message);
            }
        }
    }
    charts
        .iter()
        .map(|(name, written)| chart(&name.value, written))
        .collect()
}

fn chart(name: &str, written: &ChartFields) -> Chart {
    let configs = written
        .chart_config
        .iter()
        .flat_map(|configs| &configs.value.0);
    Chart {
        name: name.to_owned(),
        devel: is_on(written.devel.as_ref()),
        version: written
            .version_filter
            .as_ref()
            .map(|range| range.value.clone()),
        configs: configs
            .map(|(name, config)| chart_config(&name.value, config))
            .collect(),
    }
}

fn chart_config(name: &str, written: &ChartConfigFields) -> ChartConfig {
    ChartConfig {
        name: name.to_owned(),
        values: strings(written.values.as_ref()),
        values_files: strings(written.values_files.as_ref())
            .into_iter()
            .map(Into::into)
            .collect(),
        api_versions: strings(written.api_versions.as_ref()),
        namespace: written
            .namespace
            .as_ref()
            .map(|namespace| namespace.value.clone()),
        tests: is_on(written.tests.as_ref()),
        kube_version: written
            .kube_version
            .as_ref()
            .map(|version| version.value.0.clone()),
    }
}

fn strings(written: Option<&Located<Vec<Located<String>>>>) -> Vec<String> {
    let strings = written.into_iter().flat_map(|list| &list.value);
    strings.map(|string| string.value.clone()).collect()
}

fn is_on(flag: Option<&Located<Flag>>) -> bool {
    flag.is_some_and(|flag| flag.value == Flag::On)
}
