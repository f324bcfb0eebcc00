//! A version announced upstream.

use std::fmt;

use chrono::{DateTime, Utc};

/// A version announced upstream, a candidate for a tag of the entry's images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The announced name: of a release, a git tag or a tag in a registry.
    pub name: String,
    /// The version that filters and order look at: the name, unless `versionExtract` captures a part.
    pub version: String,
    /// The image tag: the name, unless `versionExtract` or `tagTemplate` derives another one.
    pub tag: String,
    /// The time of publication, if the source reports one.
    pub published: Option<DateTime<Utc>>,
    /// The evidence for the version.
    pub origin: Origin,
}

impl Candidate {
    /// Creates a candidate as announced: the version and the tag are the name.
    #[must_use]
    pub fn new(name: impl Into<String>, published: Option<DateTime<Utc>>, origin: Origin) -> Self {
        let name = name.into();
        Self {
            version: name.clone(),
            tag: name.clone(),
            name,
            published,
            origin,
        }
    }
}

/// The evidence for a version or an image, shown to the reviewer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A web page: a release, or a file at a tag.
    Page {
        /// The title, such as `release v1.2.3 of coredns/coredns`.
        title: String,
        /// The URL.
        url: String,
    },
    /// A tag list of a registry.
    Repository {
        /// The repository as the configuration names it.
        repository: String,
    },
    /// A file or bundle.
    Document {
        /// The file, its line and the location in it.
        location: String,
    },
    /// A Helm chart.
    Chart {
        /// The name or `oci://` reference of the chart.
        chart: String,
        /// The version of the chart, from `Chart.yaml`.
        version: String,
        /// The location in the chart, such as
        /// `Deployment/web: spec.template.spec.containers[0].image` or `values: controller.image`.
        location: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page { title, url } => write!(f, "{title} ({url})"),
            Self::Repository { repository } => write!(f, "a tag of {repository}"),
            Self::Document { location } => f.write_str(location),
            Self::Chart {
                chart,
                version,
                location,
            } => write!(f, "chart {chart} {version}, {location}"),
        }
    }
}
