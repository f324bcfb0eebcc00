//! What refers to a manifest: signatures, SBOMs, attestations.
//!
//! Source: distribution specification, "Listing Referrers" and "Referrers Tag
//! Schema".

use http::Method;
use http::header::CONTENT_TYPE;
use oci_spec::image::{Descriptor, Digest};

use crate::capabilities::Support;
use crate::error::Error;
use crate::manifest::Content;
use crate::paging::next_page;
use crate::repository::Repository;
use crate::transport::Reply;

/// Pages of one list; a registry that pages without end stops here.
const PAGES: usize = 100;

/// The answer of the referrers API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Referrers {
    /// The host has the API; this is its list.
    Listed(Vec<Descriptor>),
    /// The host lacks the API: the tag schema counts.
    Unsupported,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    manifests: Vec<Descriptor>,
}

/// The tag under which a client lists referrers where the API is missing:
/// `sha256-<hex>`.
#[must_use]
pub fn referrers_tag(subject: &Digest) -> String {
    let tag = format!("{}-{}", subject.algorithm(), subject.digest());
    tag.chars().take(128).collect()
}

impl Repository {
    /// The referrers of `subject` by the API. Once a host has shown that it
    /// lacks the API, nothing more is sent to it.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of the wire.
    pub async fn referrers(&self, subject: &Digest) -> Result<Referrers, Error> {
        let capabilities = &self.host.capabilities;
        let _leader = capabilities.referrers_asked.pass().await;
        if capabilities.referrers() == Support::No {
            return Ok(Referrers::Unsupported);
        }
        let path = format!("referrers/{subject}");
        let mut request = self.request(Method::GET, &path, &[200, 400, 404, 405])?;
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let reply = self.host.send(&request).await?;
            match read_page(&reply) {
                PageRead::Index(page) => {
                    capabilities.has_referrers(true);
                    found.extend(page);
                }
                PageRead::NoSuchRepository => return Ok(Referrers::Listed(found)),
                PageRead::NoApi => {
                    capabilities.has_referrers(false);
                    return Ok(Referrers::Unsupported);
                }
            }
            match next_page(&reply)? {
                Some(next) => request.url = next,
                None => return Ok(Referrers::Listed(found)),
            }
        }
        Err(Error::protocol(
            &Method::GET,
            &request.url,
            format!("the list of referrers has more than {PAGES} pages"),
        ))
    }

    /// The referrers of `subject` by the tag schema.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of the wire.
    pub async fn referrers_by_tag(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        let Some(manifest) = self.manifest(&referrers_tag(subject)).await? else {
            return Ok(Vec::new());
        };
        // GitLab may answer with the subject itself.
        if manifest.digest == *subject {
            return Ok(Vec::new());
        }
        match manifest.content() {
            Ok(Content::Index { manifests, .. }) => Ok(manifests),
            _ => Ok(Vec::new()),
        }
    }
}

enum PageRead {
    Index(Vec<Descriptor>),
    NoSuchRepository,
    NoApi,
}

/// A registry without the API answers 404 (distribution), 400 or 405, or 200
/// with something else (proxies that answer every path with a page). A 404
/// that names the repository as unknown comes from a registry with the API.
fn read_page(reply: &Reply) -> PageRead {
    if reply.status.as_u16() != 200 {
        let body = String::from_utf8_lossy(&reply.body);
        return if body.contains("NAME_UNKNOWN") || body.contains("MANIFEST_UNKNOWN") {
            PageRead::NoSuchRepository
        } else {
            PageRead::NoApi
        };
    }
    let media_type = reply.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    match serde_json::from_slice::<Index>(&reply.body) {
        Ok(index) if !media_type.starts_with("text/html") => PageRead::Index(index.manifests),
        _ => PageRead::NoApi,
    }
}
