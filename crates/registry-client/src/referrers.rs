//! What refers to a manifest: signatures, SBOMs, attestations.
//!
//! Source: distribution specification, "Listing Referrers" and "Referrers Tag
//! Schema".

use http::Method;
use http::header::CONTENT_TYPE;
use image_name::{Digest, DigestTagKind};
use oci_client::manifest::OCI_IMAGE_INDEX_MEDIA_TYPE;
use oci_spec::image::Descriptor;

use crate::capabilities::Support;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::manifest::Content;
use crate::paging::next_list_page;
use crate::repository::Repository;
use crate::transport::BufferedResponse;

/// Pages of one list; a registry that pages without end stops here.
const PAGES: usize = 100;

/// The answer of the referrers API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Referrers {
    /// The host has the API; this is its list.
    Listed(Vec<Descriptor>),
    /// The answer was that of a host without the API: the tag schema counts.
    /// Where [`Repository::referrers_support`] knows better, a list is lost.
    Unsupported,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: Option<u64>,
    /// `null` for an empty list with some registries written in Go.
    manifests: Option<Vec<Descriptor>>,
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
        let _guard = capabilities.referrers_probe.pass().await;
        if capabilities.referrers() == Support::No {
            return Ok(Referrers::Unsupported);
        }
        let endpoint = Endpoint::Referrers(subject.clone());
        let mut request = self.request(Method::GET, &endpoint, &[200, 400, 404, 405])?;
        let first = request.url.clone();
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let response = self.host.send(&request).await?;
            match read_page(&response)? {
                PageRead::NoSuchRepository | PageRead::NoApi if request.url != first => {
                    return Err(response.protocol_error("the list of referrers breaks off"));
                }
                PageRead::Index(page) => {
                    capabilities.has_referrers();
                    found.extend(page);
                }
                // That says nothing of the API; no list may be lost over it.
                PageRead::NoSuchRepository => return Ok(Referrers::Unsupported),
                PageRead::NoApi => {
                    capabilities.lacks_referrers();
                    return Ok(Referrers::Unsupported);
                }
            }
            match next_list_page(&response, &request.url)? {
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
        let tag = subject.tag(DigestTagKind::Referrers);
        let Some(manifest) = self.manifest(&tag).await? else {
            return Ok(Vec::new());
        };
        // GitLab may answer with the subject itself.
        if manifest.digest == *subject {
            return Ok(Vec::new());
        }
        match manifest.content() {
            Ok(Content::Index { manifests, .. }) => Ok(manifests),
            // Somebody's image under a tag of this form lists nothing.
            Ok(Content::Image { .. }) => Ok(Vec::new()),
            Err(error) => {
                let request = self.request(Method::GET, &Endpoint::Manifest(tag.into()), &[])?;
                Err(Error::protocol(
                    &Method::GET,
                    &request.url,
                    error.to_string(),
                ))
            }
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
/// that names the repository or the manifest as unknown may come from one with
/// the API.
fn read_page(response: &BufferedResponse) -> Result<PageRead, Error> {
    if response.status.as_u16() != 200 {
        let body = String::from_utf8_lossy(&response.body);
        let unknown = body.contains("NAME_UNKNOWN") || body.contains("MANIFEST_UNKNOWN");
        let is_unknown = response.status.as_u16() == 404 && unknown;
        return Ok(if is_unknown {
            PageRead::NoSuchRepository
        } else {
            PageRead::NoApi
        });
    }
    let media_type = response.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    let says_index = media_type.starts_with(OCI_IMAGE_INDEX_MEDIA_TYPE);
    match serde_json::from_slice::<Index>(&response.body) {
        Ok(Index {
            manifests: Some(manifests),
            ..
        }) if !media_type.starts_with("text/html") => Ok(PageRead::Index(manifests)),
        Ok(index) if says_index || index.schema_version == Some(2) => {
            Ok(PageRead::Index(Vec::new()))
        }
        Err(error) if says_index => Err(response.protocol_error(format!(
            "the list of referrers is no index that can be read ({error})"
        ))),
        _ => Ok(PageRead::NoApi),
    }
}
