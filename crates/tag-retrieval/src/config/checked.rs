//! What is written, made into the types that cannot be wrong. Everything that is wrong is reported.

use std::fmt::Display;

use super::entry::{Chart, ChartConfig, EntryImage};
use super::kind::Kind;
use super::names;
use super::problem::Problems;
use super::values::{At, Filled, Flag, Named};
use super::written::{ChartConfigWritten, ChartWritten, EntryWritten, ImageWritten};
use crate::filters::{Constraint, Extract, Filters, MinimumAge, Newest, compile};

/// The value of a key, parsed.
pub(super) fn parsed<T, E: Display>(
    key: &str,
    written: Option<&At<String>>,
    parse: impl FnOnce(&str) -> Result<T, E>,
    problems: &mut Problems<'_>,
) -> Option<T> {
    let written = written?;
    let parsed = parse(&written.value);
    parsed
        .map_err(|error| problems.add(written.at, format!("`{key}`: {error}")))
        .ok()
}

/// The filters of an entry.
pub(super) fn filters(entry: &EntryWritten, problems: &mut Problems<'_>) -> Filters {
    let newest = match (
        is_on(entry.latest_entry.as_ref()),
        is_on(entry.latest.as_ref()),
    ) {
        (true, _) => Newest::LastPublished,
        (false, true) => Newest::Highest,
        (false, false) => Newest::All,
    };
    let (extract, constraint) = (&entry.version_extract, &entry.version_constraint);
    let days = entry.minimum_age.as_ref().map(|age| age.value);
    Filters {
        extract: parsed("versionExtract", extract.as_ref(), Extract::parse, problems),
        exclude: parsed("exclude", entry.exclude.as_ref(), compile, problems),
        pattern: parsed(
            "versionFilter",
            entry.version_filter.as_ref(),
            compile,
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

/// `images`.
pub(super) fn images(entry: &EntryWritten, problems: &mut Problems<'_>) -> Vec<EntryImage> {
    let Some(written) = &entry.images else {
        return Vec::new();
    };
    let Filled(images) = &written.value;
    images
        .iter()
        .filter_map(|image| entry_image(image, problems))
        .collect()
}

fn entry_image(written: &At<ImageWritten>, problems: &mut Problems<'_>) -> Option<EntryImage> {
    let name = |key, at, value: &str, problems: &mut Problems<'_>| {
        let checked = names::repository(value);
        checked
            .map_err(|error| problems.add(at, format!("{key}: {error}")))
            .ok()
    };
    match &written.value {
        ImageWritten::Name(source) => {
            name("`images`", written.at, source, problems)?;
            Some(EntryImage {
                source: source.clone(),
                destination: None,
            })
        }
        ImageWritten::WithDestination(image) => {
            let (source, destination) = (image.source.as_ref()?, image.destination.as_ref()?);
            let good = [
                ("`images`, `source`", source),
                ("`images`, `destination`", destination),
            ]
            .map(|(key, at)| name(key, at.at, &at.value, problems));
            good.iter().all(Option::is_some).then(|| EntryImage {
                source: source.value.clone(),
                destination: Some(destination.value.clone()),
            })
        }
    }
}

/// `imagesFilePath`, from the top of the repository.
pub(super) fn path(entry: &EntryWritten, problems: &mut Problems<'_>) -> String {
    let relative = |text: &str| {
        let path = text.trim_start_matches('/');
        if path.is_empty() || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(format!("`{text}` is no file of a repository"));
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

/// `imageDenylist`, in the form in which images are proposed.
pub(super) fn denylist(entry: &EntryWritten, problems: &mut Problems<'_>) -> Vec<String> {
    let mut denied = Vec::new();
    for At { value, at } in entry.image_denylist.iter().flat_map(|list| &list.value) {
        match names::repository(value) {
            Ok(()) => denied.push(names::without_hub(value).to_owned()),
            Err(error) => problems.add(*at, format!("`imageDenylist`: {error}")),
        }
    }
    denied
}

/// `helmCharts`.
pub(super) fn charts(
    kind: Option<Kind>,
    entry: &EntryWritten,
    problems: &mut Problems<'_>,
) -> Vec<Chart> {
    let Some(written) = &entry.helm_charts else {
        return Vec::new();
    };
    let Filled(Named(charts)) = &written.value;
    for (name, _) in charts {
        let checked = match kind {
            Some(Kind::HelmOci) => names::oci_chart(&name.value),
            Some(Kind::HelmLatest | Kind::HelmDirectory) => names::plain_chart(&name.value),
            _ => Ok(()),
        };
        if let Err(error) = checked {
            problems.add(name.at, format!("`helmCharts`: {error}"));
        }
    }
    if let Some(kind) = kind.filter(|kind| !kind.has_chart_versions()) {
        let ranges = charts.iter().map(|(_, chart)| &chart.version_filter);
        for range in ranges.flatten() {
            let why = "a chart in a folder has the version that is there";
            let message = format!(
                "versionSource `{}` cannot use `versionFilter`: {why}",
                kind.name()
            );
            problems.add(range.at, message);
        }
    }
    charts
        .iter()
        .map(|(name, written)| chart(&name.value, written))
        .collect()
}

fn chart(name: &str, written: &ChartWritten) -> Chart {
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

fn chart_config(name: &str, written: &ChartConfigWritten) -> ChartConfig {
    ChartConfig {
        name: name.to_owned(),
        values: strings(written.values.as_ref()),
        kube_version: written
            .kube_version
            .as_ref()
            .map(|version| version.value.0.clone()),
    }
}

/// The strings of a list.
pub(super) fn strings(written: Option<&At<Vec<At<String>>>>) -> Vec<String> {
    let strings = written.into_iter().flat_map(|list| &list.value);
    strings.map(|string| string.value.clone()).collect()
}

fn is_on(flag: Option<&At<Flag>>) -> bool {
    flag.is_some_and(|flag| flag.value == Flag::On)
}
