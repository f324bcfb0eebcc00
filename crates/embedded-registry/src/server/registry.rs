//! The options of a registry: the behavior in which registries differ.

use std::time::Duration;

/// Support for the referrers API of distribution specification 1.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Referrers {
    /// The API is served, and the response to a push with a subject has `OCI-Subject`.
    #[default]
    Api,
    /// 404, as in distribution 2.8. Clients keep the referrers in tags.
    Missing,
}

/// The form of `Location` and `Link`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Links {
    /// A path. The client adds scheme and host.
    #[default]
    Relative,
    /// A URL with the `Host` of the request.
    Absolute,
}

/// The requirement on the children of an index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Children {
    /// The push of an index fails while a child is missing.
    #[default]
    Required,
    /// Children may be missing (sparse indexes).
    Optional,
}

/// The requirement on the blobs of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Blobs {
    /// The push of a manifest fails while a blob is missing.
    #[default]
    Required,
    /// Blobs may be missing, and the tag is visible without them.
    Optional,
}

/// The response to a request to mount a blob of another repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mounts {
    /// 201 if the other repository has the blob.
    #[default]
    Granted,
    /// 202 and an upload session, always.
    Refused,
}

/// Support for `_catalog`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Catalog {
    /// The names of all repositories.
    Served,
    /// 404.
    #[default]
    Hidden,
}

/// A builder of a registry. By default the registry supports everything but the catalog, and logs
/// no requests.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    pub(crate) referrers: Referrers,
    pub(crate) links: Links,
    pub(crate) children: Children,
    pub(crate) blobs: Blobs,
    pub(crate) mounts: Mounts,
    pub(crate) catalog: Catalog,
    pub(crate) page_limit: Option<usize>,
    pub(crate) access_log: usize,
    pub(crate) latency: Option<Duration>,
}

impl Registry {
    /// Creates a builder with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the support for the referrers API.
    #[must_use]
    pub fn referrers(mut self, referrers: Referrers) -> Self {
        self.referrers = referrers;
        self
    }

    /// Sets the form of `Location` and `Link`.
    #[must_use]
    pub fn links(mut self, links: Links) -> Self {
        self.links = links;
        self
    }

    /// Sets the requirement on the children of an index.
    #[must_use]
    pub fn children(mut self, children: Children) -> Self {
        self.children = children;
        self
    }

    /// Sets the requirement on the blobs of an image.
    #[must_use]
    pub fn blobs(mut self, blobs: Blobs) -> Self {
        self.blobs = blobs;
        self
    }

    /// Sets the response to requests that mount a blob.
    #[must_use]
    pub fn mounts(mut self, mounts: Mounts) -> Self {
        self.mounts = mounts;
        self
    }

    /// Sets the support for `_catalog`.
    #[must_use]
    pub fn catalog(mut self, catalog: Catalog) -> Self {
        self.catalog = catalog;
        self
    }

    /// Limits the pages of lists (tags, referrers, repositories) to `items`, and to less if the
    /// client asks for less. The smallest limit is 1.
    #[must_use]
    pub fn page_limit(mut self, items: usize) -> Self {
        self.page_limit = Some(items.max(1));
        self
    }

    /// Logs the first `requests` requests.
    #[must_use]
    pub fn access_log(mut self, requests: usize) -> Self {
        self.access_log = requests;
        self
    }

    /// Delays every response by `latency`, like a long distance to the registry.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = Some(latency);
        self
    }
}
