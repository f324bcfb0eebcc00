//! The pulls of a run from one registry.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use copier::Status;
use registry_client::{HostPulls, QuotaWindow, is_index_type};
use serde::{Deserialize, Serialize};

use super::run::{CopyRun, Mode};

/// The pulls of a run from one registry: GET requests for manifests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReportPulls {
    pub(crate) registry: String,
    /// Pulls of this run.
    pub(crate) used: u64,
    /// The value of `--max-pulls`.
    pub(crate) max: Option<u64>,
    /// The pulls that the registry has reported last as left.
    pub(crate) left: Option<u64>,
    /// The pulls of one window.
    pub(crate) limit: Option<u64>,
    pub(crate) window_seconds: Option<u64>,
    /// The pulls that the copies of a dry run need at least: an index needs more for its children.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) needed: Option<u64>,
}

impl ReportPulls {
    /// Creates the report of one registry.
    pub(crate) fn new(pulls: &HostPulls, run: &CopyRun) -> Self {
        let quota = pulls.quota.as_ref();
        Self {
            registry: pulls.host.clone(),
            used: pulls.used,
            max: pulls.max,
            left: quota.map(|quota| quota.left),
            limit: quota.and_then(|quota| quota.limit),
            window_seconds: quota.map(|quota| quota.window.as_secs()),
            needed: (run.mode == Mode::DryRun).then(|| needed(&pulls.host, run)),
        }
    }

    /// Adds the pulls of another report of the same run.
    pub(crate) fn add(&mut self, other: &Self) {
        self.used = self.used.saturating_add(other.used);
        self.left = [self.left, other.left].into_iter().flatten().min();
        self.needed = match (self.needed, other.needed) {
            (Some(one), Some(two)) => Some(one.saturating_add(two)),
            (one, two) => one.or(two),
        };
    }
}

/// Returns the pulls for the images that a dry run would copy from a host: one for each, and another
/// for at least one child of an index.
fn needed(host: &str, run: &CopyRun) -> u64 {
    let copied = run
        .rows
        .iter()
        .filter(|row| row.outcome.status == Status::Copied);
    let images: BTreeMap<_, _> = copied
        .filter(|row| row.row.row.source.registry() == host)
        .filter_map(|row| {
            let head = row.outcome.source.as_ref()?;
            let is_index = is_index_type(head.media_type.as_deref().unwrap_or_default());
            Some((&head.digest, if is_index { 2 } else { 1 }))
        })
        .collect();
    images.values().sum()
}

/// Prints `docker.io: 40 pulls used, 60 of 100 pulls left per 6 h`.
impl fmt::Display for ReportPulls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} pulls used", self.registry, self.used)?;
        if let Some(max) = self.max {
            write!(f, " of at most {max}")?;
        }
        if let Some(needed) = self.needed {
            write!(f, ", at least {needed} needed")?;
        }
        if let (Some(left), Some(seconds)) = (self.left, self.window_seconds) {
            let quota = QuotaWindow {
                limit: self.limit,
                left,
                window: Duration::from_secs(seconds),
            };
            write!(f, ", {quota}")?;
        }
        Ok(())
    }
}
