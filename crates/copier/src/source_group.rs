//! Groups of rows with the same source image and several destination registries.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use image_name::Digest;
use oci_spec::distribution::Reference;
use once_map::{Lease, SharedValue};
use registry_client::{Blob, Error, ExpectedRead, PullReservation, Repository, SharedReads};

use crate::lock::lock;

/// The pulls of one image, for all rows that copy it at the same time.
pub(crate) type SharedPulls = Lease<Arc<tokio::sync::Mutex<PullReservation>>>;

/// The announced reads of the blobs of one manifest, by digest.
pub(crate) type ExpectedBlobs = HashMap<Digest, Arc<ExpectedRead>>;

/// The source images of a run that are copied to several registries.
#[derive(Debug, Default)]
pub(crate) struct SourceGroups {
    groups: HashMap<Reference, Arc<SourceGroup>>,
}

/// The rows of one source image.
///
/// The first row that reaches a manifest announces its blobs for the registries of all rows. An
/// announcement ends when the row of its registry has the blob, does not need the manifest, or ends.
#[derive(Debug, Default)]
struct SourceGroup {
    state: Mutex<State>,
    pulls: SharedValue<Arc<tokio::sync::Mutex<PullReservation>>>,
}

#[derive(Debug, Default)]
struct State {
    /// The number of rows that may still copy the image, by registry.
    rows: HashMap<String, usize>,
    manifests: HashMap<Digest, ManifestState>,
}

/// A manifest of the image, or one that is attached to it.
#[derive(Debug, Default)]
struct ManifestState {
    is_announced: bool,
    /// The registries with a row that has reached the manifest or does not need it.
    decided: HashSet<String>,
    /// The announced blobs for the other registries.
    expected: HashMap<String, ExpectedBlobs>,
}

/// The membership of a row in a group, until it is dropped.
#[derive(Debug)]
pub(crate) struct GroupMember {
    group: Arc<SourceGroup>,
    /// The host of the row's destination.
    host: String,
    has_withdrawn: Mutex<bool>,
}

impl SourceGroups {
    /// Creates the groups of rows, given by their source and the host of their destination.
    pub(crate) fn new<'a>(rows: impl Iterator<Item = (&'a Reference, String)>) -> Self {
        let mut hosts: HashMap<&Reference, HashMap<String, usize>> = HashMap::new();
        for (source, host) in rows {
            *hosts.entry(source).or_default().entry(host).or_default() += 1;
        }
        let groups = hosts.into_iter().filter(|(_, rows)| rows.len() > 1);
        let groups = groups.map(|(source, rows)| {
            let group = SourceGroup::default();
            lock(&group.state).rows = rows;
            (source.clone(), Arc::new(group))
        });
        Self {
            groups: groups.collect(),
        }
    }

    /// Returns the membership of a row in its group; `None` if its source image goes to one registry only.
    pub(crate) fn member(&self, source: &Reference, host: &str) -> Option<GroupMember> {
        let group = self.groups.get(source)?;
        Some(GroupMember {
            group: Arc::clone(group),
            host: host.to_owned(),
            has_withdrawn: Mutex::default(),
        })
    }
}

impl GroupMember {
    /// Notes that the row copies the blobs of a manifest. Returns their announcements for its registry.
    pub(crate) fn announce_blobs(
        &self,
        reads: &SharedReads,
        source: &Repository,
        manifest: &Digest,
        blobs: &[Blob],
    ) -> ExpectedBlobs {
        let expect = |host: &str| -> ExpectedBlobs {
            let expected = blobs.iter().map(|blob| {
                let read = reads.expect(source, blob, host);
                (blob.digest.clone(), Arc::new(read))
            });
            expected.collect()
        };
        let State { rows, manifests } = &mut *lock(&self.group.state);
        let state = manifests.entry(manifest.clone()).or_default();
        state.decided.insert(self.host.clone());
        if !std::mem::replace(&mut state.is_announced, true) {
            let others = rows.keys().filter(|host| !state.decided.contains(*host));
            let others = others.map(|host| (host.clone(), expect(host)));
            state.expected = others.collect();
        }
        let own = state.expected.remove(&self.host);
        own.unwrap_or_else(|| expect(&self.host))
    }

    /// Notes that the row does not need a manifest, or no longer needs it.
    pub(crate) fn skip(&self, manifest: &Digest) {
        let mut group = lock(&self.group.state);
        let state = group.manifests.entry(manifest.clone()).or_default();
        state.decided.insert(self.host.clone());
        let expected = state.expected.remove(&self.host);
        drop(group);
        drop(expected);
    }

    /// Notes that the row does not copy the image.
    pub(crate) fn withdraw(&self) {
        if std::mem::replace(&mut *lock(&self.has_withdrawn), true) {
            return;
        }
        let State { rows, manifests } = &mut *lock(&self.group.state);
        let Some(left) = rows.get_mut(&self.host) else {
            return;
        };
        *left -= 1;
        if *left == 0 {
            rows.remove(&self.host);
            for state in manifests.values_mut() {
                state.expected.remove(&self.host);
            }
        }
    }

    /// Reserves the pulls for the image, once for the rows that copy it at the same time.
    ///
    /// # Errors
    ///
    /// As [`Repository::reserve_pulls`].
    pub(crate) async fn reserve_pulls(&self, source: &Repository) -> Result<SharedPulls, Error> {
        self.group.pulls.lease(|| reserve(source)).await
    }
}

impl Drop for GroupMember {
    fn drop(&mut self) {
        self.withdraw();
    }
}

/// Reserves the pulls for an image that one row copies.
///
/// # Errors
///
/// As [`Repository::reserve_pulls`].
pub(crate) async fn reserve_pulls(source: &Repository) -> Result<SharedPulls, Error> {
    SharedValue::default().lease(|| reserve(source)).await
}

async fn reserve(source: &Repository) -> Result<Arc<tokio::sync::Mutex<PullReservation>>, Error> {
    let reserved = source.reserve_pulls().await?;
    Ok(Arc::new(tokio::sync::Mutex::new(reserved)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(rows: &[(&str, &str)]) -> SourceGroups {
        let rows: Vec<(Reference, String)> = rows
            .iter()
            .map(|(source, host)| (source.parse().unwrap(), (*host).to_owned()))
            .collect();
        SourceGroups::new(rows.iter().map(|(source, host)| (source, host.clone())))
    }

    fn expected_hosts(member: &GroupMember, manifest: &Digest) -> Vec<String> {
        let state = lock(&member.group.state);
        let hosts = state.manifests[manifest].expected.keys();
        let mut hosts: Vec<String> = hosts.cloned().collect();
        hosts.sort();
        hosts
    }

    #[test]
    fn registries_are_expected_until_their_rows_announce_skip_or_withdraw() {
        let rows = [
            ("s/a:1", "x"),
            ("s/a:1", "y"),
            ("s/a:1", "z"),
            ("s/a:1", "z"),
        ];
        let groups = groups(&[&rows[..], &[("s/a:2", "x"), ("s/a:2", "x")]].concat());
        let member = |host: &str| groups.member(&"s/a:1".parse().unwrap(), host).unwrap();
        let other = "s/a:2".parse().unwrap();
        assert!(groups.member(&other, "x").is_none(), "one registry");

        let (x, y, z, second_z) = (member("x"), member("y"), member("z"), member("z"));
        let reads = SharedReads::default();
        let client = registry_client::Client::builder().build();
        let source = client.sources(&other).unwrap().remove(0);
        let manifest = registry_client::sha256_digest(b"manifest");
        let blob = Blob {
            digest: registry_client::sha256_digest(b"blob"),
            size: 4,
        };
        let blobs = x.announce_blobs(&reads, &source, &manifest, std::slice::from_ref(&blob));
        assert_eq!(blobs.len(), 1);
        assert_eq!(expected_hosts(&x, &manifest), ["y", "z"]);
        y.skip(&manifest);
        assert_eq!(expected_hosts(&x, &manifest), ["z"]);
        drop(z);
        assert_eq!(expected_hosts(&x, &manifest), ["z"], "another row of it");
        second_z.withdraw();
        drop(second_z);
        assert!(expected_hosts(&x, &manifest).is_empty());
        drop(y.announce_blobs(&reads, &source, &manifest, &[blob]));
        assert!(expected_hosts(&x, &manifest).is_empty(), "announced once");
    }

    #[test]
    fn registry_that_does_not_need_a_manifest_is_not_expected_by_later_rows() {
        let groups = groups(&[("s/a:1", "x"), ("s/a:1", "y"), ("s/a:1", "z")]);
        let member = |host: &str| groups.member(&"s/a:1".parse().unwrap(), host).unwrap();
        let (x, y, _z) = (member("x"), member("y"), member("z"));
        let client = registry_client::Client::builder().build();
        let source = client.sources(&"s/a:1".parse().unwrap()).unwrap().remove(0);
        let manifest = registry_client::sha256_digest(b"manifest");
        y.skip(&manifest);
        drop(x.announce_blobs(&SharedReads::default(), &source, &manifest, &[]));
        assert_eq!(expected_hosts(&x, &manifest), ["z"]);
    }
}
