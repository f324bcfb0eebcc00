//! A client that pushes.

use std::convert::Infallible;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use embedded_registry::digest_of;
use embedded_registry::images::{Bundle, Content, Format};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use oci_spec::image::Digest;
use serde_json::{Value, json};

use super::random_body::RandomBody;

type Body = BoxBody<Bytes, Infallible>;

/// A client that pushes. An error response of the registry is a panic.
#[derive(Debug)]
pub struct Pusher {
    host: String,
    authorization: Option<HeaderValue>,
    client: Client<HttpConnector, Body>,
}

impl Pusher {
    /// Creates a client for the registry at `HOST:PORT`.
    pub fn new(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            authorization: None,
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Sends Basic credentials with every request.
    #[must_use]
    pub fn basic(mut self, user: &str, password: &str) -> Self {
        let value = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        self.authorization = HeaderValue::from_str(&value).ok();
        self
    }

    /// Pushes a bundle into a repository, optionally with a tag for its root.
    pub async fn bundle(&self, bundle: &Bundle, repository: &str, tag: Option<&str>) -> Digest {
        for blob in bundle.blobs() {
            self.blob(repository, blob.bytes().clone()).await;
        }
        let manifests = bundle.manifests();
        for manifest in &manifests[..manifests.len() - 1] {
            self.manifest(repository, manifest.digest().as_ref(), manifest)
                .await;
        }
        let root = bundle.root();
        let reference = tag.unwrap_or(root.digest().as_ref());
        self.manifest(repository, reference, root).await;
        root.digest().clone()
    }

    /// Pushes a manifest under a tag or its digest.
    pub async fn manifest(&self, repository: &str, reference: &str, manifest: &Content) {
        let target = format!("/v2/{repository}/manifests/{reference}");
        let body = full(manifest.bytes().clone());
        let request = self.request(Method::PUT, &target, manifest.media_type(), body);
        self.send(request, StatusCode::CREATED).await;
    }

    /// Pushes a blob into a repository.
    pub async fn blob(&self, repository: &str, bytes: Bytes) -> Digest {
        let digest = digest_of(&bytes);
        let location = self.start_upload(repository).await;
        self.complete_upload(&location, digest.as_ref(), full(bytes))
            .await;
        digest
    }

    /// Pushes a blob of `size` random bytes, generated while it is sent.
    pub async fn random_blob(&self, repository: &str, seed: u64, size: u64) -> Digest {
        let location = self.start_upload(repository).await;
        let (body, sent) = RandomBody::new(seed, size);
        let request = self.request(Method::PATCH, &location, OCTETS, body.boxed());
        let response = self.send(request, StatusCode::ACCEPTED).await;
        let digest = sent.get();
        self.complete_upload(&location_header(&response), &digest, full(Bytes::new()))
            .await;
        Digest::from_str(&digest).expect("a digest")
    }

    /// Pushes an image with random layers of these sizes. The layers are no archives, so the image cannot
    /// run.
    pub async fn large_image(
        &self,
        repository: &str,
        tag: &str,
        seed: u64,
        sizes: &[u64],
    ) -> Digest {
        let mut layers: Vec<Value> = Vec::new();
        for (number, size) in sizes.iter().enumerate() {
            let digest = self
                .random_blob(repository, seed + number as u64, *size)
                .await;
            let media_type = Format::Oci.layer();
            layers.push(json!({"mediaType": media_type, "digest": digest, "size": size}));
        }
        let diff_ids: Vec<&Value> = layers.iter().map(|layer| &layer["digest"]).collect();
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        let config = Content::new(Format::Oci.config(), config.to_string());
        self.blob(repository, config.bytes().clone()).await;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": Format::Oci.manifest(),
            "config": config.descriptor(),
            "layers": layers,
        });
        let manifest = Content::new(Format::Oci.manifest(), manifest.to_string());
        self.manifest(repository, tag, &manifest).await;
        manifest.digest().clone()
    }

    async fn start_upload(&self, repository: &str) -> String {
        let target = format!("/v2/{repository}/blobs/uploads/");
        let request = self.request(Method::POST, &target, OCTETS, full(Bytes::new()));
        location_header(&self.send(request, StatusCode::ACCEPTED).await)
    }

    async fn complete_upload(&self, location: &str, digest: &str, body: Body) {
        let separator = if location.contains('?') { '&' } else { '?' };
        let target = format!("{location}{separator}digest={digest}");
        let request = self.request(Method::PUT, &target, OCTETS, body);
        self.send(request, StatusCode::CREATED).await;
    }

    /// `target` is a path or a URL.
    fn request(&self, method: Method, target: &str, media_type: &str, body: Body) -> Request<Body> {
        let url = match target.starts_with('/') {
            true => format!("http://{}{target}", self.host),
            false => target.to_owned(),
        };
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header(header::CONTENT_TYPE, media_type)
            .body(body)
            .expect("a request");
        if let Some(authorization) = &self.authorization {
            request
                .headers_mut()
                .insert(header::AUTHORIZATION, authorization.clone());
        }
        request
    }

    async fn send(&self, request: Request<Body>, expected: StatusCode) -> Response<Incoming> {
        let shown = format!("{} {}", request.method(), request.uri());
        let response = match self.client.request(request).await {
            Ok(response) => response,
            Err(error) => panic!("{shown}: {error:?}"),
        };
        if response.status() == expected {
            return response;
        }
        let status = response.status();
        let body = response.into_body().collect().await;
        let body = body
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        panic!("{shown}: {status} {}", String::from_utf8_lossy(&body));
    }
}

const OCTETS: &str = "application/octet-stream";

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).boxed()
}

fn location_header(response: &Response<Incoming>) -> String {
    let location = response
        .headers()
        .get(header::LOCATION)
        .expect("a Location");
    location.to_str().expect("a Location in ASCII").to_owned()
}
