//! The contents of a registry, and its honest responses.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use embedded_registry::digest_of;
use serde_json::json;
use testkit::proxy::RequestKind;

use super::documents::{Document, INDEX, Image};
use super::record::Request;

/// A response.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// The contents of a registry.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Media type and bytes, by repository and tag or digest.
    pub manifests: HashMap<(String, String), (String, Bytes)>,
    /// Content and size, by repository and digest. Blobs that were uploaded have only a size.
    blobs: HashMap<(String, String), (Bytes, u64)>,
    /// The bytes of each open upload.
    sessions: HashMap<String, u64>,
    next_session: u64,
    /// The documents of tag lists that differ from the tags.
    pub tag_lists: HashMap<String, Bytes>,
    /// The documents of the referrers API by subject, if the registry has it.
    pub referrers: Option<HashMap<String, Bytes>>,
}

impl Response {
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub fn body(mut self, media_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", media_type)
    }

    fn missing(code: &str) -> Self {
        let body = json!({"errors": [{"code": code, "message": "not found"}]});
        Self::new(404).body("application/json", body.to_string())
    }
}

impl Contents {
    pub fn add_manifest(&mut self, repository: &str, document: &Document, tag: Option<&str>) {
        for reference in [Some(document.digest.as_str()), tag].into_iter().flatten() {
            self.manifests.insert(
                (repository.to_owned(), reference.to_owned()),
                (document.media_type.clone(), document.bytes.clone()),
            );
        }
    }

    pub fn add_image(&mut self, repository: &str, image: &Image, tag: Option<&str>) {
        self.add_manifest(repository, &image.root, tag);
        for child in &image.children {
            self.add_manifest(repository, child, None);
        }
        for blob in &image.blobs {
            let key = (repository.to_owned(), digest_of(blob).to_string());
            self.blobs.insert(key, (blob.clone(), blob.len() as u64));
        }
    }

    /// Returns the tags of a repository.
    pub fn tags(&self, repository: &str) -> BTreeSet<&str> {
        let names = self.manifests.keys();
        let names =
            names.filter(|(name, reference)| name == repository && !reference.contains(':'));
        names.map(|(_, reference)| reference.as_str()).collect()
    }

    /// Returns the honest response to a request. `body` is whole, or its first part if it is long.
    pub fn response(
        &mut self,
        kind: Option<RequestKind>,
        request: &Request,
        body: &Bytes,
        size: u64,
    ) -> Response {
        let Some((repository, last)) = split(request.path()) else {
            let is_root = request.path() == "/v2/";
            return Response::new(if is_root { 200 } else { 404 });
        };
        let key = (repository.to_owned(), last.to_owned());
        match kind {
            Some(RequestKind::ManifestHead | RequestKind::ManifestGet) => self.manifest(&key),
            Some(RequestKind::ManifestPut) => {
                let media_type = "application/json".to_owned();
                let digest = digest_of(body).to_string();
                let document = (media_type, body.clone());
                let by_digest = (key.0.clone(), digest.clone());
                self.manifests.insert(by_digest, document.clone());
                self.manifests.insert(key, document);
                Response::new(201).header("docker-content-digest", digest)
            }
            Some(RequestKind::BlobHead | RequestKind::BlobGet) => self.blob(&key, request),
            Some(RequestKind::Tags) => self.tag_list(repository),
            Some(RequestKind::Referrers) => match &self.referrers {
                None => Response::missing("UNSUPPORTED"),
                Some(lists) => {
                    let empty = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []});
                    let list = lists.get(last).cloned();
                    Response::new(200).body(INDEX, list.unwrap_or(empty.to_string().into()))
                }
            },
            _ => self.upload(kind, &key, request, size),
        }
    }

    fn manifest(&self, key: &(String, String)) -> Response {
        let Some((media_type, bytes)) = self.manifests.get(key) else {
            return Response::missing("MANIFEST_UNKNOWN");
        };
        Response::new(200)
            .header("docker-content-digest", digest_of(bytes))
            .body(media_type, bytes.clone())
    }

    fn blob(&self, key: &(String, String), request: &Request) -> Response {
        let Some((bytes, size)) = self.blobs.get(key) else {
            return Response::missing("BLOB_UNKNOWN");
        };
        if request.method == "HEAD" {
            return Response::new(200).header("content-length", size);
        }
        let head = String::from_utf8_lossy(&request.head).to_ascii_lowercase();
        let start = head
            .split_once("\r\nrange: bytes=")
            .and_then(|(_, rest)| rest.split('-').next()?.parse::<usize>().ok())
            .filter(|start| *start < bytes.len());
        let response = |status| Response::new(status).header("docker-content-digest", &key.1);
        match start {
            None => response(200).body("application/octet-stream", bytes.clone()),
            Some(start) => {
                let range = format!("bytes {start}-{}/{size}", bytes.len() - 1);
                response(206)
                    .header("content-range", range)
                    .body("application/octet-stream", bytes.slice(start..))
            }
        }
    }

    fn tag_list(&self, repository: &str) -> Response {
        let list = self.tag_lists.get(repository).cloned();
        let list = list.unwrap_or_else(|| {
            let list = json!({"name": repository, "tags": self.tags(repository)});
            list.to_string().into()
        });
        Response::new(200).body("application/json", list)
    }

    fn upload(
        &mut self,
        kind: Option<RequestKind>,
        (repository, session): &(String, String),
        request: &Request,
        size: u64,
    ) -> Response {
        let query = |name: &str| {
            let mut pairs = url::form_urlencoded::parse(request.query().as_bytes());
            pairs
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let accepted = |status, session: &str, offset: u64| {
            Response::new(status)
                .header(
                    "location",
                    format!("/v2/{repository}/blobs/uploads/{session}"),
                )
                .header("range", format!("0-{}", offset.saturating_sub(1)))
        };
        match kind {
            Some(RequestKind::Mount) if self.mount(repository, &query) => Response::new(201),
            Some(RequestKind::Mount | RequestKind::UploadPost) => {
                self.next_session += 1;
                let session = self.next_session.to_string();
                self.sessions.insert(session.clone(), 0);
                accepted(202, &session, 0)
            }
            Some(RequestKind::UploadPatch | RequestKind::UploadStatus) => {
                let Some(offset) = self.sessions.get_mut(session) else {
                    return Response::missing("BLOB_UPLOAD_UNKNOWN");
                };
                *offset += size;
                accepted(if size == 0 { 204 } else { 202 }, session, *offset)
            }
            Some(RequestKind::UploadPut) => {
                let (Some(offset), Some(digest)) = (self.sessions.remove(session), query("digest"))
                else {
                    return Response::missing("BLOB_UPLOAD_UNKNOWN");
                };
                let key = (repository.clone(), digest.clone());
                self.blobs.insert(key, (Bytes::new(), offset + size));
                Response::new(201).header("docker-content-digest", digest)
            }
            Some(RequestKind::UploadDelete) => Response::new(204),
            _ => Response::missing("UNSUPPORTED"),
        }
    }

    fn mount(&mut self, repository: &str, query: &dyn Fn(&str) -> Option<String>) -> bool {
        let (Some(digest), Some(from)) = (query("mount"), query("from")) else {
            return false;
        };
        let Some(found) = self.blobs.get(&(from, digest.clone())).cloned() else {
            return false;
        };
        self.blobs.insert((repository.to_owned(), digest), found);
        true
    }
}

/// Returns the repository of a path of the registry API, and its last part.
pub fn split(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix("/v2/")?;
    let kinds = [
        "/manifests/",
        "/blobs/uploads/",
        "/blobs/",
        "/referrers/",
        "/tags/",
    ];
    kinds.iter().find_map(|kind| rest.split_once(kind))
}
