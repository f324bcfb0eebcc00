//! The observed capabilities of a host.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::probe_gate::ProbeGate;

/// The capabilities of one host, observed once for a whole run.
#[derive(Debug)]
pub(crate) struct Capabilities {
    referrers: AtomicU8,
    pub(crate) referrers_probe: ProbeGate,
    mounts: AtomicU8,
    uploads: AtomicU8,
    tags: AtomicBool,
}

/// The support of a feature by a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// Not observed yet.
    Unknown,
    /// The feature worked.
    Yes,
    /// The feature failed.
    No,
}

/// The form of uploads to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UploadForm {
    /// `POST`, then one `PUT` with the whole blob. It works everywhere, also with registries that keep
    /// only the last of several `PATCH`es (GHCR) or have no `PATCH` (Google Artifact Registry).
    Monolithic,
    /// `POST`, a `PATCH` for each chunk, an empty `PUT`. For registries and proxies that refuse large
    /// bodies (Azure ACR above some 20 MB, others with a 413).
    Chunked,
}

const UNKNOWN: u8 = 0;
const YES: u8 = 1;
const NO: u8 = 2;

fn read(cell: &AtomicU8) -> Support {
    match cell.load(Ordering::Relaxed) {
        YES => Support::Yes,
        NO => Support::No,
        _ => Support::Unknown,
    }
}

fn set_if_unknown(cell: &AtomicU8, value: u8) {
    let order = Ordering::Relaxed;
    cell.compare_exchange(UNKNOWN, value, order, order).ok();
}

impl Capabilities {
    /// Creates the capabilities that are known from the name of a host.
    pub(crate) fn for_host(host: &str) -> Self {
        let uploads = if host.ends_with(".azurecr.io") {
            YES
        } else {
            UNKNOWN
        };
        Self {
            referrers: AtomicU8::new(UNKNOWN),
            referrers_probe: ProbeGate::new(),
            mounts: AtomicU8::new(UNKNOWN),
            uploads: AtomicU8::new(uploads),
            tags: AtomicBool::new(false),
        }
    }

    pub(crate) fn referrers(&self) -> Support {
        read(&self.referrers)
    }

    /// Records a list of referrers. It outweighs later responses of single repositories.
    pub(crate) fn has_referrers(&self) {
        self.referrers.store(YES, Ordering::Relaxed);
    }

    /// Records a missing referrers API. If the API has worked before, only one repository lacks it:
    /// proxies serve several registries under one name.
    pub(crate) fn lacks_referrers(&self) {
        set_if_unknown(&self.referrers, NO);
    }

    /// Returns whether the host has listed the tags of any repository.
    pub(crate) fn lists_tags(&self) -> bool {
        self.tags.load(Ordering::Relaxed)
    }

    pub(crate) fn tags_listed(&self) {
        self.tags.store(true, Ordering::Relaxed);
    }

    pub(crate) fn mounts(&self) -> Support {
        read(&self.mounts)
    }

    /// Records the result of a mount. After a success, a refusal means that the blob does not exist,
    /// so `Yes` stays.
    pub(crate) fn record_mount(&self, succeeded: bool) {
        if succeeded {
            self.mounts.store(YES, Ordering::Relaxed);
        } else {
            set_if_unknown(&self.mounts, NO);
        }
    }

    pub(crate) fn upload_form(&self) -> UploadForm {
        match self.uploads.load(Ordering::Relaxed) {
            UNKNOWN => UploadForm::Monolithic,
            _ => UploadForm::Chunked,
        }
    }

    /// Records a body that was refused as too large. Returns whether uploads now change to chunks.
    pub(crate) fn needs_chunks(&self) -> bool {
        self.uploads.swap(YES, Ordering::Relaxed) != YES
    }
}
