//! The observed capabilities of a host.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use crate::failed_probes::FailedProbes;
use crate::probe_gate::ProbeGate;

/// The capabilities of one host, observed once for a whole run.
#[derive(Debug)]
pub(crate) struct Capabilities {
    referrers: AtomicU8,
    pub(crate) referrers_probe: ProbeGate,
    mounts: AtomicU8,
    /// The largest body of an upload in bytes that the host may accept.
    largest_body: AtomicU64,
    /// Mounts that were neither granted nor refused.
    pub(crate) failed_mounts: FailedProbes,
    /// HEAD requests for blobs, before an upload, that failed.
    pub(crate) failed_blob_heads: FailedProbes,
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

/// The size of a chunk in bytes. It stays in memory so that it can be sent again. Azure accepts
/// 20 MB, and common proxies accept more than this.
const CHUNK: u64 = 8 * 1024 * 1024;

/// The smallest chunk in bytes after refusals. nginx accepts 1 MiB by default.
const SMALLEST_CHUNK: u64 = 64 * 1024;

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
        let largest_body = if host.ends_with(".azurecr.io") {
            CHUNK
        } else {
            u64::MAX
        };
        Self {
            referrers: AtomicU8::new(UNKNOWN),
            referrers_probe: ProbeGate::new(),
            mounts: AtomicU8::new(UNKNOWN),
            largest_body: AtomicU64::new(largest_body),
            failed_mounts: FailedProbes::default(),
            failed_blob_heads: FailedProbes::default(),
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

    /// Returns the form of the upload of a blob.
    pub(crate) fn upload_form(&self, blob_size: u64) -> UploadForm {
        if blob_size <= self.largest_body.load(Ordering::Relaxed) {
            UploadForm::Monolithic
        } else {
            UploadForm::Chunked
        }
    }

    /// Returns the size of a chunk in bytes.
    pub(crate) fn chunk_size(&self) -> u64 {
        self.largest_body.load(Ordering::Relaxed).min(CHUNK)
    }

    /// Records a body that was refused as too large (413). Returns whether smaller ones may follow:
    /// half of the size, rounded up to a power of two.
    pub(crate) fn record_refused_body(&self, size: u64) -> bool {
        let half = size.next_power_of_two() / 2;
        let next = half.clamp(SMALLEST_CHUNK, CHUNK);
        self.largest_body.fetch_min(next, Ordering::Relaxed);
        next < size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn refused_bodies_are_halved_down_to_the_smallest_chunk() {
        let capabilities = Capabilities::for_host("r.io");
        assert_eq!(capabilities.upload_form(u64::MAX), UploadForm::Monolithic);
        for (refused, chunk) in [
            (5_000 * MIB, 8 * MIB),
            // Another upload that began at the same time.
            (6_000 * MIB, 8 * MIB),
            (8 * MIB, 4 * MIB),
            (3 * MIB + 1, 2 * MIB),
            (3 * MIB, 2 * MIB),
            (2 * MIB, MIB),
            (100_000, 64 * 1024),
        ] {
            assert!(capabilities.record_refused_body(refused), "{refused}");
            assert_eq!(capabilities.chunk_size(), chunk, "{refused}");
            assert_eq!(capabilities.upload_form(chunk), UploadForm::Monolithic);
            assert_eq!(capabilities.upload_form(chunk + 1), UploadForm::Chunked);
        }
        assert!(!capabilities.record_refused_body(64 * 1024));
    }
}
