//! The configuration as it is written. These types are the file's reference: the JSON Schema is made
//! from them, and reading goes through them.

use jsonc_parser::ast::Value;
use schemars::{JsonSchema, SchemaGenerator};

use super::fields::Fields;
use super::problem::Problems;
use super::values::{At, Filled, Flag, Named, Read, VersionString, wrong};

/// A product: where its versions are announced and which count.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Entry", rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct EntryWritten {
    /// Where versions are announced.
    ///
    /// `github-releases:OWNER/REPO`, `github-latest-release:OWNER/REPO`,
    /// `github-tagged-images-file:OWNER/REPO`, `gitlab-releases:HOST/GROUP/PROJECT`, `git-tags:URL`,
    /// `registry`, `helm-latest:REPO_URL`, `helm-oci` or `helm-directory:DIR`.
    #[schemars(
        required,
        regex(
            pattern = r"^((github-(releases|latest-release|tagged-images-file)|gitlab-releases|git-tags|helm-latest|helm-directory):.+|registry|helm-oci)$"
        )
    )]
    pub version_source: Option<At<String>>,
    /// The images that get the versions, without tags. With `registry` the first is asked.
    pub images: Option<At<Filled<Vec<At<ImageWritten>>>>>,
    /// `github-tagged-images-file`: the file in the repository with one image per line.
    pub images_file_path: Option<At<String>>,
    /// Comparisons that a version must pass, such as `>=1.4.0, <2`. Operators: `< > <= >= == = != ^ ~`.
    pub version_constraint: Option<At<String>>,
    /// A regular expression that must be found in a tag. (A chart's `versionFilter` is a range.)
    pub version_filter: Option<At<String>>,
    /// A regular expression with one capture group, which makes the tag of a release's name: `^v(.*)$`.
    pub version_extract: Option<At<String>>,
    /// A regular expression: tags in which it is found are never proposed.
    pub exclude: Option<At<String>>,
    /// Whole days since publication before a version is proposed.
    pub minimum_age: Option<At<u16>>,
    /// Only the numerically highest version.
    pub latest: Option<At<Flag>>,
    /// `registry`: only the most recently published tag. Wins over `latest`.
    #[schemars(rename = "latest_entry")]
    pub latest_entry: Option<At<Flag>>,
    /// The charts: their names, or `oci://` references with `helm-oci`.
    pub helm_charts: Option<At<Filled<Named<ChartWritten>>>>,
    /// Ranges of chart versions to look at besides the latest, such as `v1.4.*`.
    pub additional_version_filter: Option<At<Vec<At<String>>>>,
    /// Images that are never proposed, without tags.
    pub image_denylist: Option<At<Vec<At<String>>>>,
    /// The keys that are there.
    #[schemars(skip)]
    pub present: Vec<At<&'static str>>,
}

/// A Helm chart and how to render it.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Chart", rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ChartWritten {
    /// A range of chart versions, such as `v1.4.*`. The latest in it counts.
    pub version_filter: Option<At<String>>,
    /// Development versions of the chart count too.
    pub devel: Option<At<Flag>>,
    /// Ways to render the chart, under free names; it is rendered once for each.
    pub chart_config: Option<At<Named<ChartConfigWritten>>>,
}

/// One way to render a chart.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "ChartConfig", rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ChartConfigWritten {
    /// Values such as `hubble.enabled=true`, each for one `--set`.
    pub values: Option<At<Vec<At<String>>>>,
    /// The Kubernetes version to render for: a string, since the number 1.30 is 1.3.
    pub kube_version: Option<At<VersionString>>,
}

/// An image that gets the versions.
#[derive(Debug, JsonSchema)]
#[schemars(rename = "Image", untagged)]
pub(super) enum ImageWritten {
    /// The repository, without a tag.
    Name(String),
    /// A repository that has several destinations in the list.
    WithDestination(ImageObject),
}

/// A repository that has several destinations in the list.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ImageObject {
    /// The repository, without a tag.
    #[schemars(required)]
    pub source: Option<At<String>>,
    /// The destination that gets the versions.
    #[schemars(required)]
    pub destination: Option<At<String>>,
}

/// Where in the configuration an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Entry,
    Chart,
    ChartConfig,
    Image,
}

impl Level {
    /// Where a key that is unknown here belongs, if anywhere.
    pub fn home(self, key: &str) -> Option<Self> {
        let levels = [Self::Entry, Self::Chart, Self::ChartConfig];
        let others = levels.into_iter().filter(|level| *level != self);
        others
            .into_iter()
            .find(|level| level.keys().iter().any(|known| known == key))
    }

    /// Says where that is.
    pub fn place(self) -> &'static str {
        match self {
            Self::Entry => "at the entry",
            Self::Chart => "at a chart in `helmCharts`",
            Self::ChartConfig => "at one of a chart's `chartConfig`",
            Self::Image => "at an image",
        }
    }

    /// The keys that the types above have.
    pub fn keys(self) -> Vec<String> {
        let generator = &mut SchemaGenerator::default();
        let schema = match self {
            Self::Entry => EntryWritten::json_schema(generator),
            Self::Chart => ChartWritten::json_schema(generator),
            Self::ChartConfig => ChartConfigWritten::json_schema(generator),
            Self::Image => ImageObject::json_schema(generator),
        };
        let properties = schema.get("properties").and_then(|keys| keys.as_object());
        properties
            .into_iter()
            .flat_map(|keys| keys.keys().cloned())
            .collect()
    }
}

impl Read for EntryWritten {
    fn read(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = Fields::of(value, key, problems)?;
        let mut entry = Self {
            version_source: fields.require("versionSource", problems),
            images: fields.take("images", problems),
            images_file_path: fields.take("imagesFilePath", problems),
            version_constraint: fields.take("versionConstraint", problems),
            version_filter: fields.take("versionFilter", problems),
            version_extract: fields.take("versionExtract", problems),
            exclude: fields.take("exclude", problems),
            minimum_age: fields.take("minimumAge", problems),
            latest: fields.take("latest", problems),
            latest_entry: fields.take("latest_entry", problems),
            helm_charts: fields.take("helmCharts", problems),
            additional_version_filter: fields.take("additionalVersionFilter", problems),
            image_denylist: fields.take("imageDenylist", problems),
            present: Vec::new(),
        };
        entry.present = fields.finish(Level::Entry, problems);
        Some(entry)
    }
}

impl Read for ChartWritten {
    fn read(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = Fields::of(value, key, problems)?;
        let chart = Self {
            version_filter: fields.take("versionFilter", problems),
            devel: fields.take("devel", problems),
            chart_config: fields.take("chartConfig", problems),
        };
        fields.finish(Level::Chart, problems);
        Some(chart)
    }
}

impl Read for ChartConfigWritten {
    fn read(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        let mut fields = Fields::of(value, key, problems)?;
        let config = Self {
            values: fields.take("values", problems),
            kube_version: fields.take("kubeVersion", problems),
        };
        fields.finish(Level::ChartConfig, problems);
        Some(config)
    }
}

impl Read for ImageWritten {
    fn read(value: &Value<'_>, key: &str, problems: &mut Problems<'_>) -> Option<Self> {
        if let Value::StringLit(_) = value {
            return String::read(value, key, problems).map(Self::Name);
        }
        if !matches!(value, Value::Object(_)) {
            let takes = "strings and objects {\"source\", \"destination\"}";
            return wrong(value, key, takes, problems);
        }
        let mut fields = Fields::of(value, key, problems)?;
        let image = ImageObject {
            source: fields.require("source", problems),
            destination: fields.require("destination", problems),
        };
        fields.finish(Level::Image, problems);
        Some(Self::WithDestination(image))
    }
}
