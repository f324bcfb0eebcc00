//! Registries inside this process.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use http::{Method, Request, Response};
use reqwest::{Body, RequestBuilder};
use url::Url;

use crate::error::Error;
use crate::local_error::LocalError;

/// A registry inside this process, such as the content of a file.
///
/// It receives the requests of the distribution specification that are sent to its host. No connection is
/// opened, no credential is looked up, and no timeout applies. Everything else is as with any host: digests
/// are checked, limits are kept, and the client's [`WritePolicy`](crate::WritePolicy) decides on writes. A
/// failure of the registry itself is a [`LocalError`].
pub trait InProcessRegistry: fmt::Debug + Send + Sync + 'static {
    /// Responds to a request. Its URL is `http://HOST/v2/…`.
    fn respond<'a>(&'a self, request: Request<Body>) -> BoxFuture<'a, Response<Body>>;
}

/// Sends a request to a registry inside this process.
///
/// # Errors
///
/// [`Error::Local`] for a failure of the registry; the request is invalid.
pub(super) async fn send(
    registry: &Arc<dyn InProcessRegistry>,
    request: RequestBuilder,
    method: &Method,
    url: &Url,
) -> Result<reqwest::Response, Error> {
    let request = request.build().and_then(Request::try_from);
    let request = request.map_err(|error| Error::connection(method, url, &error))?;
    let mut response = registry.respond(request).await;
    match response.extensions_mut().remove::<LocalError>() {
        Some(error) => Err(Error::Local(error)),
        None => Ok(response.into()),
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::{Access, Client, sha256_digest};

    const MANIFEST: &str = r#"{"manifests":[]}"#;

    /// A registry with one manifest, which hides all others.
    #[derive(Debug)]
    struct OneManifest;

    impl InProcessRegistry for OneManifest {
        fn respond<'a>(&'a self, request: Request<Body>) -> BoxFuture<'a, Response<Body>> {
            let is_own = request.uri() == "http://file.invalid/v2/quay.io/team/app/manifests/v1";
            let (status, body) = match is_own {
                true => (StatusCode::OK, Body::from(MANIFEST)),
                false => (StatusCode::NOT_FOUND, Body::default()),
            };
            let mut response = Response::new(body);
            *response.status_mut() = status;
            Box::pin(std::future::ready(response))
        }
    }

    #[tokio::test]
    async fn sources_are_read_inside_the_process_and_destinations_are_not() {
        let client = Client::builder().build();
        let registry = Arc::new(OneManifest);
        client.insert_in_process("file.invalid", registry).unwrap();
        let client = client.with_source_host("file.invalid").unwrap();
        let image = "quay.io/team/app:v1".parse().unwrap();
        let [source] = &client.sources(&image).unwrap()[..] else {
            unreachable!("one source");
        };
        let tag: image_name::Tag = "v1".parse().unwrap();
        let manifest = source.manifest(&tag).await.unwrap().unwrap();
        assert_eq!(manifest.digest, sha256_digest(MANIFEST.as_bytes()));
        let missing: image_name::Tag = "v2".parse().unwrap();
        assert_eq!(source.manifest(&missing).await.unwrap(), None);
        let destination = client.destination(&image, Access::Push).unwrap();
        assert_eq!(destination.host_name(), "quay.io");
        // Only the policy decides about writes.
        let written = source.put_manifest(&tag, &manifest).await;
        assert!(matches!(written, Err(Error::NotSent { .. })), "{written:?}");
    }

    /// A registry on a disk that fails.
    #[derive(Debug)]
    struct Failing;

    impl InProcessRegistry for Failing {
        fn respond<'a>(&'a self, request: Request<Body>) -> BoxFuture<'a, Response<Body>> {
            let error = LocalError::new("disk is gone");
            let response = match request.uri().path().contains("/manifests/") {
                true => error.into_response(),
                false => {
                    let chunks = [Ok("a"), Err(error)];
                    Response::new(Body::wrap_stream(futures::stream::iter(chunks)))
                }
            };
            Box::pin(std::future::ready(response))
        }
    }

    #[tokio::test]
    async fn failure_of_the_registry_is_final_and_keeps_its_message() {
        let client = Client::builder().build();
        let registry = Arc::new(Failing);
        client.insert_in_process("oci:/tmp/x:v1", registry).unwrap();
        let image = oci_client::Reference::with_tag(
            "oci:/tmp/x:v1".to_owned(),
            "image".to_owned(),
            "v1".to_owned(),
        );
        let source = client.sources(&image).unwrap().remove(0);
        let tag: image_name::Tag = "v1".parse().unwrap();
        let manifest = source.manifest(&tag).await.unwrap_err();
        assert!(matches!(&manifest, Error::Local(_)), "{manifest}");
        assert_eq!(manifest.to_string(), "disk is gone");
        let digest = sha256_digest(b"ab");
        let blob = source.read_small_blob(&digest, Some(2), 2).await;
        assert!(matches!(&blob, Err(Error::Local(_))), "{blob:?}");
        assert_eq!(client.requests(), 0, "no request is sent");
    }
}
