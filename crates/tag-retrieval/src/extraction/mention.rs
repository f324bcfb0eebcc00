//! An image that a text names.

use super::reference::Written;

/// An image that a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The repository as it is written, `docker.io/` and `index.docker.io/` stripped.
    pub image: String,
    /// Which of its images.
    pub pin: Pin,
    /// How much speaks for it.
    pub evidence: Evidence,
    /// Where it stands, such as `Deployment/web: spec.template.spec.containers[0].image`,
    /// `values: controller.image` or `line 3`.
    pub place: String,
}

impl Mention {
    pub(super) fn new(written: Written, evidence: Evidence, place: String) -> Self {
        Self {
            image: written.image,
            pin: written.pin,
            evidence,
            place,
        }
    }
}

/// Which image of a repository is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pin {
    /// By a tag; a digest beside it is cut.
    Tag(String),
    /// By a digest alone, such as `sha256:…`.
    Digest(String),
}

/// How much speaks for a [`Mention`], the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// A key `image` of what is rendered, or a line of a file of images.
    Strong,
    /// Another place of what is rendered: keys that end in `image`, variables, arguments, YAML in
    /// strings.
    Medium,
    /// An annotation of the chart.
    Announced,
    /// The values of the chart.
    Weak,
}

impl Evidence {
    /// Whether it is what the chart runs, not only what it says of itself.
    pub(super) fn is_rendered(self) -> bool {
        matches!(self, Self::Strong | Self::Medium)
    }
}
