//! The referrers of a manifest: signatures, SBOMs, attestations.
//!
//! Source: distribution specification, "Listing Referrers" and "Referrers Tag
//! Schema".

use std::ops::Deref;

use bytes::Bytes;
use http::Method;
use http::header::CONTENT_TYPE;
use image_name::{Digest, DigestTagKind};
use oci_client::manifest::OCI_IMAGE_INDEX_MEDIA_TYPE;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::capabilities::Support;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::exact_keys::ExactKeys;
use crate::manifest::{Content, Descriptor, MAX_DESCRIPTORS};
use crate::paging::{NextLink, VisitedPages, next_list_page};
use crate::repository::Repository;
use crate::served::{Availability, READ};
use crate::transport::BufferedResponse;

/// The maximum number of pages of one list.
const MAX_PAGES: usize = 100;
/// The maximum size of one list with all its pages in bytes. The list of the tag schema is a manifest, so
/// it is not larger either.
const MAX_LIST: usize = 8 * 1024 * 1024;

/// The referrers of a manifest. Their memory is counted until the list is dropped.
#[derive(Debug, Clone, Default)]
pub struct ReferrerList {
    descriptors: Vec<Descriptor>,
    /// The documents that the descriptors were parsed from.
    pages: Vec<Bytes>,
}

impl Deref for ReferrerList {
    type Target = [Descriptor];

    fn deref(&self) -> &[Descriptor] {
        &self.descriptors
    }
}

impl PartialEq for ReferrerList {
    fn eq(&self, other: &Self) -> bool {
        self.descriptors == other.descriptors
    }
}

impl Eq for ReferrerList {}

/// The result of a request to the referrers API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Referrers {
    /// The referrers.
    Listed(ReferrerList),
    /// The response is that of a host without the API, so the tag schema applies. If
    /// [`Repository::referrers_support`] is [`Support::Yes`], a list is missing.
    Unsupported,
}

/// The content of the tag schema's tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagSchema {
    /// The repository has no such tag.
    Absent,
    /// The tag lists the referrers.
    Listed(ReferrerList),
    /// The tag has other content, such as an image that happens to have such a tag.
    Other(Digest),
}

impl TagSchema {
    /// Returns the listed referrers.
    #[must_use]
    pub fn listed(&self) -> &[Descriptor] {
        match self {
            Self::Listed(listed) => listed,
            Self::Absent | Self::Other(_) => &[],
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index<'a> {
    #[serde(borrow)]
    schema_version: Option<&'a RawValue>,
    #[serde(rename = "mediaType")]
    _media_type: Option<IgnoredAny>,
    /// Some registries in Go send `null` for an empty list.
    #[serde(default, deserialize_with = "Descriptor::list")]
    manifests: Option<Vec<Descriptor>>,
}

impl Repository {
    /// Returns the referrers of `subject` from the API. No request is sent to a host that is known to
    /// lack the API.
    ///
    /// # Errors
    ///
    /// Any [`Error`]; [`Error::is_refused`] if other clients may have a list (401, 403).
    pub async fn referrers(&self, subject: &Digest) -> Result<Referrers, Error> {
        let capabilities = &self.host.capabilities;
        let _guard = capabilities.referrers_probe.pass().await;
        if capabilities.referrers() == Support::No {
            return Ok(Referrers::Unsupported);
        }
        let endpoint = Endpoint::Referrers(subject.clone());
        let mut request = self.request(Method::GET, &endpoint, READ)?;
        let first = request.url.clone();
        let mut visited = VisitedPages::new(&first);
        let mut found = ReferrerList::default();
        let mut budget = self.host.list_budget();
        for _ in 0..MAX_PAGES {
            let response = self.host.send_page(&request, &mut budget).await?;
            match parse_page(&response)? {
                Page::NoSuchRepository | Page::NoApi if request.url != first => {
                    return Err(response.protocol_error("a page of the referrers list is missing"));
                }
                Page::Index(page) => {
                    capabilities.has_referrers();
                    found.add(page, &response)?;
                }
                // The API may exist: its absence must not be recorded.
                Page::NoSuchRepository => return Ok(Referrers::Unsupported),
                Page::NoApi => {
                    capabilities.lacks_referrers();
                    return Ok(Referrers::Unsupported);
                }
            }
            match next_list_page(&response, &request.url)? {
                NextLink::Page(next) if visited.insert(&next) => request.url = next,
                NextLink::None => return Ok(Referrers::Listed(found)),
                NextLink::Page(_) => {
                    return Err(response.protocol_error("the referrers list has a page twice"));
                }
                NextLink::Unreadable => {
                    let what = "the referrers list has an invalid Link to its next page";
                    return Err(response.protocol_error(what));
                }
            }
        }
        Err(Error::protocol(
            &Method::GET,
            &request.url,
            format!("the referrers list has more than {MAX_PAGES} pages"),
        ))
    }

    /// Returns the referrers of `subject` from the tag schema.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub async fn referrers_by_tag(&self, subject: &Digest) -> Result<ReferrerList, Error> {
        match self.tag_schema(subject).await? {
            TagSchema::Listed(listed) => Ok(listed),
            TagSchema::Absent | TagSchema::Other(_) => Ok(ReferrerList::default()),
        }
    }

    /// Returns the content of the tag schema's tag about `subject`.
    ///
    /// # Errors
    ///
    /// Any [`Error`].
    pub async fn tag_schema(&self, subject: &Digest) -> Result<TagSchema, Error> {
        let tag = subject.tag(DigestTagKind::Referrers);
        let Some(manifest) = self.manifest(&tag).await? else {
            return Ok(TagSchema::Absent);
        };
        // GitLab may send the subject itself.
        if manifest.digest == *subject {
            return Ok(TagSchema::Absent);
        }
        match manifest.content() {
            Ok(Content::Index { manifests, .. }) => Ok(TagSchema::Listed(ReferrerList {
                descriptors: manifests,
                pages: vec![manifest.bytes],
            })),
            Ok(Content::Image { .. }) => Ok(TagSchema::Other(manifest.digest)),
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

impl ReferrerList {
    /// Returns the list for a cache: its memory is no longer counted.
    #[must_use]
    pub fn without_documents(self) -> Self {
        Self {
            pages: Vec::new(),
            ..self
        }
    }

    /// Adds a page.
    fn add(&mut self, page: Vec<Descriptor>, response: &BufferedResponse) -> Result<(), Error> {
        self.descriptors.extend(page);
        self.pages.push(response.body.clone());
        let size: usize = self.pages.iter().map(Bytes::len).sum();
        let what = if size > MAX_LIST {
            format!("the referrers list has more than {MAX_LIST} bytes")
        } else if self.descriptors.len() > MAX_DESCRIPTORS {
            format!("the referrers list has more than {MAX_DESCRIPTORS} entries")
        } else {
            return Ok(());
        };
        Err(response.protocol_error(what))
    }
}

enum Page {
    Index(Vec<Descriptor>),
    NoSuchRepository,
    NoApi,
}

/// Parses a page of referrers. A registry without the API does not serve it, or responds with other
/// content. A 404 for an unknown repository or manifest can come from a registry with the API.
fn parse_page(response: &BufferedResponse) -> Result<Page, Error> {
    match Availability::of(response) {
        Availability::Available => {}
        Availability::NotServed => return Ok(Page::NoApi),
        Availability::Missing => {
            let body = String::from_utf8_lossy(&response.body);
            let unknown = body.contains("NAME_UNKNOWN") || body.contains("MANIFEST_UNKNOWN");
            return Ok(if unknown {
                Page::NoSuchRepository
            } else {
                Page::NoApi
            });
        }
    }
    let media_type = response.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    let is_index = media_type.starts_with(OCI_IMAGE_INDEX_MEDIA_TYPE);
    let index = serde_json::from_slice::<ExactKeys<Index<'_>>>(&response.body);
    match index.map(|ExactKeys(index)| index) {
        Ok(Index {
            manifests: Some(manifests),
            ..
        }) => Ok(Page::Index(manifests)),
        Ok(index) if is_index || index.schema_version.is_some() => Ok(Page::Index(Vec::new())),
        Err(error) if is_index || response.body.trim_ascii_start().starts_with(b"{") => {
            Err(response
                .protocol_error(format!("the referrers list is not a valid index: {error}")))
        }
        _ => Ok(Page::NoApi),
    }
}
