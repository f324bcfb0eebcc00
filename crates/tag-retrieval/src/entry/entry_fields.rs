//! The fields of an entry as written.
//!
//! These types are the reference of the file format: the JSON Schema is generated from them, and the
//! parser reads into them.

use std::num::NonZeroU16;

use schemars::{JsonSchema, SchemaGenerator};
use strict_json::{
    Flag, FromJson, Located, NamedMap, NonEmpty, ObjectReader, Problems, Value, VersionString,
    report_wrong_type,
};

use super::latest_fields::{LatestByField, LatestField};

/// A product: its version source and the filters for its versions.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Entry", rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct EntryFields {
    /// The source that announces versions.
    #[schemars(required)]
    pub(crate) version_source: Option<Located<String>>,
    /// The images that receive the versions, without tags. `registry` reads the tags of the first.
    pub(crate) images: Option<Located<NonEmpty<Vec<Located<ImageField>>>>>,
    /// `github-tagged-images-file`: the path of the file with one image a line.
    pub(crate) images_file_path: Option<Located<String>>,
    /// Comparisons that a version must satisfy, such as `>=1.4.0, <2`. Operators: `< > <= >= == = != ^ ~`.
    pub(crate) version_constraint: Option<Located<String>>,
    /// A regular expression that must match part of a version. (The `versionFilter` of a chart is a range.)
    pub(crate) version_filter: Option<Located<String>>,
    /// A regular expression that captures the version in the name of a release or tag: `^v(.*)$`. Filters
    /// and order look at the version. Of several groups, the one called `version`, or else the first.
    pub(crate) version_extract: Option<Located<String>>,
    /// The tag, with captures of `versionExtract`: `v{1}-{flavor}`. `{name}` is the whole name. Default: the
    /// version; with `registry`, the whole name.
    pub(crate) tag_template: Option<Located<String>>,
    /// Mirror what the filters leave in every `mirror sync`, without rows in a list. Each image needs a
    /// destination, and `retrieve-tags` skips the entry.
    pub(crate) follow: Option<Located<Flag>>,
    /// With `follow`: the entry fails if the filters leave more tags.
    pub(crate) maximum: Option<Located<NonZeroU16>>,
    /// A regular expression. Versions that contain a match are never proposed or followed.
    pub(crate) exclude: Option<Located<String>>,
    /// The number of days after publication before a version is proposed or followed.
    pub(crate) minimum_age: Option<Located<u16>>,
    /// Only the numerically highest version, or only this many of the highest.
    pub(crate) latest: Option<Located<LatestField>>,
    /// The order in which `latest` counts: `version` (the default), or `pushed`, the time of publication.
    pub(crate) latest_by: Option<Located<LatestByField>>,
    /// `registry`: only the most recently published tag. Overrides `latest`.
    #[schemars(rename = "latest_entry")]
    pub(crate) latest_entry: Option<Located<Flag>>,
    /// The charts, by name, or by `oci://` reference with `helm-oci`.
    pub(crate) helm_charts: Option<Located<NonEmpty<NamedMap<ChartFields>>>>,
    /// Ranges of chart versions to read besides the latest, such as `v1.4.*`.
    pub(crate) additional_version_filter: Option<Located<Vec<Located<String>>>>,
    /// `manifests`, charts: further paths to images, such as `spec.parts[*].ref`, or `KIND:PATH`.
    pub(crate) image_paths: Option<Located<Vec<Located<String>>>>,
    /// `olm-catalog`: the packages to read, `NAME` or `NAME:CHANNEL,CHANNEL`. Default: all packages, each with
    /// its default channel.
    pub(crate) packages: Option<Located<NonEmpty<Vec<Located<String>>>>>,
    /// Images, without tags, that are never proposed.
    pub(crate) image_denylist: Option<Located<Vec<Located<String>>>>,
    /// Users and teams (`ORGANIZATION/TEAM`) that are asked to review a pull request of the entry.
    pub(crate) reviewers: Option<Located<Vec<Located<String>>>>,
    /// Labels of a pull request of the entry.
    pub(crate) labels: Option<Located<Vec<Located<String>>>>,
    /// The keys of the entry.
    #[schemars(skip)]
    pub(crate) present: Vec<Located<&'static str>>,
}

/// A Helm chart and the ways to render it.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Chart", rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ChartFields {
    /// A range of chart versions, such as `v1.4.*`. Its latest version is rendered.
    pub(crate) version_filter: Option<Located<String>>,
    /// Include development versions of the chart.
    pub(crate) devel: Option<Located<Flag>>,
    /// The ways to render the chart, under names of your choice. It is rendered once for each.
    pub(crate) chart_config: Option<Located<NamedMap<ChartConfigFields>>>,
}

/// One way to render a chart.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "ChartConfig", rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ChartConfigFields {
    /// Values such as `hubble.enabled=true`, each an argument of `--set`.
    pub(crate) values: Option<Located<Vec<Located<String>>>>,
    /// Paths of values files, each an argument of `--values`, relative to the working directory. `values`
    /// win over them.
    pub(crate) values_files: Option<Located<Vec<Located<String>>>>,
    /// The Kubernetes version to render for, as a string: the number 1.30 is 1.3.
    pub(crate) kube_version: Option<Located<VersionString>>,
    /// API versions of the cluster, such as `monitoring.coreos.com/v1`, each an argument of
    /// `--api-versions`.
    pub(crate) api_versions: Option<Located<Vec<Located<String>>>>,
    /// The namespace to render for.
    pub(crate) namespace: Option<Located<String>>,
    /// Include images that only hooks of kind `test` use.
    pub(crate) tests: Option<Located<Flag>>,
}

/// An image that receives the versions.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Image", untagged)]
pub(crate) enum ImageField {
    /// The repository, without a tag.
    Name(String),
    /// A repository and the destination that gets its versions.
    WithDestination(ImageFields),
}

/// A repository and the destination that gets its versions: one of several in the list, or that of a
/// followed entry.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ImageFields {
    /// The repository, without a tag.
    #[schemars(required)]
    pub(crate) source: Option<Located<String>>,
    /// The destination that receives the versions: a repository, or `@NAME[,NAME…]/PATH` with names of
    /// targets.
    #[schemars(required)]
    pub(crate) destination: Option<Located<String>>,
}

/// The kind of an object in an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Entry,
    Chart,
    ChartConfig,
    Image,
}

impl Level {
    /// Returns the location where a key that is unknown at this level belongs.
    fn home(self, key: &str) -> Option<&'static str> {
        let levels = [Self::Entry, Self::Chart, Self::ChartConfig];
        let mut others = levels.into_iter().filter(|level| *level != self);
        let home = others.find(|level| level.keys().iter().any(|known| known == key));
        home.map(Self::location)
    }

    fn location(self) -> &'static str {
        match self {
            Self::Entry => "at the entry",
            Self::Chart => "at a chart in `helmCharts`",
            Self::ChartConfig => "at one of a chart's `chartConfig`",
            Self::Image => "at an image",
        }
    }

    /// Returns the keys of the level.
    pub(crate) fn keys(self) -> Vec<String> {
        let generator = &mut SchemaGenerator::default();
        let schema = match self {
            Self::Entry => EntryFields::json_schema(generator),
            Self::Chart => ChartFields::json_schema(generator),
            Self::ChartConfig => ChartConfigFields::json_schema(generator),
            Self::Image => ImageFields::json_schema(generator),
        };
        let properties = schema.get("properties").and_then(|keys| keys.as_object());
        properties
            .into_iter()
            .flat_map(|keys| keys.keys().cloned())
            .collect()
    }
}

impl FromJson for EntryFields {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = ObjectReader::new(value, key, problems)?;
        let mut entry = Self {
            version_source: fields.require("versionSource", problems),
            images: fields.take("images", problems),
            images_file_path: fields.take("imagesFilePath", problems),
            version_constraint: fields.take("versionConstraint", problems),
            version_filter: fields.take("versionFilter", problems),
            version_extract: fields.take("versionExtract", problems),
            tag_template: fields.take("tagTemplate", problems),
            follow: fields.take("follow", problems),
            maximum: fields.take("maximum", problems),
            exclude: fields.take("exclude", problems),
            minimum_age: fields.take("minimumAge", problems),
            latest: fields.take("latest", problems),
            latest_by: fields.take("latestBy", problems),
            latest_entry: fields.take("latest_entry", problems),
            helm_charts: fields.take("helmCharts", problems),
            additional_version_filter: fields.take("additionalVersionFilter", problems),
            image_paths: fields.take("imagePaths", problems),
            packages: fields.take("packages", problems),
            image_denylist: fields.take("imageDenylist", problems),
            reviewers: fields.take("reviewers", problems),
            labels: fields.take("labels", problems),
            present: Vec::new(),
        };
        entry.present = fields.finish(|key| Level::Entry.home(key), problems);
        Some(entry)
    }
}

impl FromJson for ChartFields {
    const NOUN: Option<&'static str> = Some("chart");

    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = ObjectReader::new(value, key, problems)?;
        let chart = Self {
            version_filter: fields.take("versionFilter", problems),
            devel: fields.take("devel", problems),
            chart_config: fields.take("chartConfig", problems),
        };
        fields.finish(|key| Level::Chart.home(key), problems);
        Some(chart)
    }
}

impl FromJson for ChartConfigFields {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = ObjectReader::new(value, key, problems)?;
        let config = Self {
            values: fields.take("values", problems),
            values_files: fields.take("valuesFiles", problems),
            kube_version: fields.take("kubeVersion", problems),
            api_versions: fields.take("apiVersions", problems),
            namespace: fields.take("namespace", problems),
            tests: fields.take("tests", problems),
        };
        fields.finish(|key| Level::ChartConfig.home(key), problems);
        Some(config)
    }
}

impl FromJson for ImageField {
    fn from_json(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        if let Value::StringLit(_) = value {
            return String::from_json(value, key, problems).map(Self::Name);
        }
        if !matches!(value, Value::Object(_)) {
            let expected = "strings and objects {\"source\", \"destination\"}";
            return report_wrong_type(value, key, expected, problems);
        }
        let mut fields = ObjectReader::new(value, key, problems)?;
        let image = ImageFields {
            source: fields.require("source", problems),
            destination: fields.require("destination", problems),
        };
        fields.finish(|key| Level::Image.home(key), problems);
        Some(Self::WithDestination(image))
    }
}
