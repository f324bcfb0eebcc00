//! A target: a registry, or a part of one, with its settings.

use std::num::NonZeroU16;

use super::prefix::TargetPrefix;
use super::source_template::DescriptionTemplate;
use crate::destination::TargetName;

/// A registry, or a part of one, that destinations name: `@NAME/PATH` is the repository `PREFIX/PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The name.
    pub name: TargetName,
    /// The part of its repositories before the path.
    pub prefix: TargetPrefix,
    /// Maximum concurrent requests to the registry, `None` for that of the run.
    pub jobs: Option<NonZeroU16>,
    /// Maximum rate of requests to the registry, `None` for no limit.
    pub requests_per_second: Option<RequestRate>,
    /// The platforms that its repositories get, such as `linux/arm64`. `None` for those of the run.
    pub platforms: Option<Vec<String>>,
    /// Also copy referrers and digest tags, `None` for the choice of the run.
    pub referrers: Option<bool>,
    /// The creation of missing repositories.
    pub create: RepositoryCreation,
    /// The short description of its repositories, `None` to leave them alone.
    pub description: Option<DescriptionTemplate>,
    /// The number of the line with its name, from 1.
    pub line: usize,
}

/// The way in which a missing repository is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RepositoryCreation {
    /// It is not created: a missing repository fails its rows.
    #[default]
    No,
    /// The registry creates it at the first push.
    Push,
    /// Through the API of Amazon ECR.
    Ecr,
    /// Through the API of Harbor, which creates the project.
    Harbor,
    /// Through the API of GitLab, which creates the project.
    GitLab,
    /// Through the API of Quay.
    Quay,
}

/// A maximum rate of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestRate {
    /// Microseconds between two requests.
    interval: u64,
}

impl RepositoryCreation {
    /// All values, in the order of the documentation.
    pub const ALL: [Self; 6] = [
        Self::No,
        Self::Push,
        Self::Ecr,
        Self::Harbor,
        Self::GitLab,
        Self::Quay,
    ];

    /// Returns the value of `create`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Push => "push",
            Self::Ecr => "ecr",
            Self::Harbor => "harbor",
            Self::GitLab => "gitlab",
            Self::Quay => "quay",
        }
    }

    /// Returns true if a repository must exist before the first push.
    #[must_use]
    pub fn requires_repository(self) -> bool {
        self == Self::No
    }

    /// Returns true if a missing repository is created through an API.
    #[must_use]
    pub fn uses_api(self) -> bool {
        !matches!(self, Self::No | Self::Push)
    }
}

impl RequestRate {
    /// Creates a rate; `None` unless the number of requests per second is between 0.01 and 10,000.
    #[must_use]
    pub fn per_second(requests: f64) -> Option<Self> {
        (0.01..=10_000.0).contains(&requests).then(|| Self {
            interval: (1_000_000.0 / requests) as u64,
        })
    }

    /// Returns the minimum time between the starts of two requests, in microseconds.
    #[must_use]
    pub fn interval_micros(self) -> u64 {
        self.interval
    }
}

impl Target {
    /// Returns true if two targets have the same settings for what is written. `check-new` reports a
    /// difference.
    #[must_use]
    pub fn has_settings_of(&self, other: &Self) -> bool {
        let without_line = |target: &Self| Self {
            line: 0,
            ..target.clone()
        };
        without_line(self) == without_line(other)
    }
}
