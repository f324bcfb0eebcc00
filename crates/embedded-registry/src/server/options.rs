//! How a registry behaves where registries differ.

use std::time::Duration;

/// Whether the referrers API of distribution specification 1.1 is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Referrers {
    /// Served, and a push with a subject answers with `OCI-Subject`.
    #[default]
    Api,
    /// 404, as distribution 2.8 does: clients keep the referrers in tags.
    Missing,
}

/// How `Location` and `Link` are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Links {
    /// A path; the client adds scheme and host.
    #[default]
    Relative,
    /// A whole URL, made of the request's `Host`.
    Absolute,
}

/// What is asked of the children of an index that is pushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Children {
    /// All have to be in the repository.
    #[default]
    Required,
    /// Some may be missing (sparse indexes).
    Optional,
}

/// What becomes of a request to mount a blob of another repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mounts {
    /// 201 where the other repository has the blob.
    #[default]
    Granted,
    /// Always 202 and a session to upload to.
    Refused,
}

/// Whether `_catalog` is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Catalog {
    /// The names of all repositories.
    Served,
    /// 404.
    #[default]
    Hidden,
}

/// A registry that is yet to start. The defaults are those of a registry that can everything and
/// records nothing.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    pub(crate) referrers: Referrers,
    pub(crate) links: Links,
    pub(crate) children: Children,
    pub(crate) mounts: Mounts,
    pub(crate) catalog: Catalog,
    pub(crate) page_limit: Option<usize>,
    pub(crate) access_log: usize,
    pub(crate) latency: Option<Duration>,
}

impl Registry {
    /// A registry with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves the referrers API, or does not.
    #[must_use]
    pub fn referrers(mut self, referrers: Referrers) -> Self {
        self.referrers = referrers;
        self
    }

    /// How `Location` and `Link` are written.
    #[must_use]
    pub fn links(mut self, links: Links) -> Self {
        self.links = links;
        self
    }

    /// Whether the children of a pushed index have to be there.
    #[must_use]
    pub fn children(mut self, children: Children) -> Self {
        self.children = children;
        self
    }

    /// Whether blobs of other repositories can be mounted.
    #[must_use]
    pub fn mounts(mut self, mounts: Mounts) -> Self {
        self.mounts = mounts;
        self
    }

    /// Whether `_catalog` is served.
    #[must_use]
    pub fn catalog(mut self, catalog: Catalog) -> Self {
        self.catalog = catalog;
        self
    }

    /// Lists (tags, referrers, repositories) come in pages of at most `items`, whatever the client
    /// asks for. At least one item is on a page.
    #[must_use]
    pub fn page_limit(mut self, items: usize) -> Self {
        self.page_limit = Some(items.max(1));
        self
    }

    /// Remembers up to `requests` requests; without this, none.
    #[must_use]
    pub fn access_log(mut self, requests: usize) -> Self {
        self.access_log = requests;
        self
    }

    /// Waits this long before every answer, as a registry far away would.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = Some(latency);
        self
    }
}
