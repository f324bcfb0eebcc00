//! A version that was announced.

use chrono::{DateTime, Utc};

/// A version that a source announced: what may become a tag of the entry's images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The name under which it was announced: a release's or a git tag, a registry's tag.
    pub name: String,
    /// The image tag: the name, unless `versionExtract` makes another of it.
    pub tag: String,
    /// When it was published, where the source says.
    pub published: Option<DateTime<Utc>>,
    /// Where it was found.
    pub origin: Origin,
}

impl Candidate {
    /// As a source announces it: the tag is the name until a filter extracts another.
    #[must_use]
    pub fn announced(
        name: impl Into<String>,
        published: Option<DateTime<Utc>>,
        origin: Origin,
    ) -> Self {
        let name = name.into();
        let tag = name.clone();
        Self {
            name,
            tag,
            published,
            origin,
        }
    }
}

/// Where a version or an image was found, for the person who reviews it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A page for people: a release, a file at a tag.
    Page {
        /// What it is, such as `release v1.2.3 of coredns/coredns`.
        title: String,
        /// Its address.
        url: String,
    },
    /// A registry's tag list.
    Repository {
        /// As the configuration names it.
        repository: String,
    },
    /// A Helm chart.
    Chart {
        /// The chart's name or `oci://` reference.
        chart: String,
        /// The chart's version, as `Chart.yaml` has it.
        version: String,
        /// Where in it, such as `Deployment/web: spec.template.spec.containers[0].image` or
        /// `values: controller.image`.
        place: String,
    },
}
