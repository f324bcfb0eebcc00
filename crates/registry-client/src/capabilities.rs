//! What a host has shown that it can do, learnt once for a whole run.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::probe_gate::ProbeGate;

/// The learnt facts of one host.
#[derive(Debug)]
pub(crate) struct Capabilities {
    referrers: AtomicU8,
    pub(crate) referrers_probe: ProbeGate,
    mounts: AtomicU8,
    uploads: AtomicU8,
    tags: AtomicBool,
}

/// Whether something works at a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// Nothing was seen yet.
    Unknown,
    /// It was seen to work.
    Yes,
    /// It was seen not to work.
    No,
}

/// How blobs are sent to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UploadForm {
    /// `POST`, then one `PUT` with everything: works everywhere, and with
    /// registries that keep only the last of several `PATCH`es (GHCR) or know
    /// none (Google Artifact Registry).
    Monolithic,
    /// `POST`, a `PATCH` for each chunk, an empty `PUT`: for registries and
    /// proxies that refuse large bodies (Azure ACR above some 20 MB, a 413
    /// elsewhere).
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
    /// What is known of a host by its name alone.
    pub(crate) fn of(host: &str) -> Self {
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

    /// A list was seen, so the host has the API, whatever one repository says.
    pub(crate) fn has_referrers(&self) {
        self.referrers.store(YES, Ordering::Relaxed);
    }

    /// The API was found missing. Where it was seen to work, that is a matter
    /// of one repository (proxies serve several kinds behind one name).
    pub(crate) fn lacks_referrers(&self) {
        set_if_unknown(&self.referrers, NO);
    }

    /// Whether the tags of any repository were listed.
    pub(crate) fn lists_tags(&self) -> bool {
        self.tags.load(Ordering::Relaxed)
    }

    pub(crate) fn tags_listed(&self) {
        self.tags.store(true, Ordering::Relaxed);
    }

    pub(crate) fn mounts(&self) -> Support {
        read(&self.mounts)
    }

    /// Once a mount was honoured, a later refusal means that the blob is not
    /// there, so a `Yes` stays.
    pub(crate) fn mounts_seen(&self, works: bool) {
        if works {
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

    /// A body was refused as too large. Says whether chunks are new here.
    pub(crate) fn needs_chunks(&self) -> bool {
        self.uploads.swap(YES, Ordering::Relaxed) != YES
    }
}
