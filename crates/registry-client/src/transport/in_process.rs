//! Registries inside this process.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use http::{Request, Response};
use reqwest::{Body, RequestBuilder};

/// A registry inside this process, such as the content of a file.
///
/// It receives the requests of the distribution specification that are sent to its host. No connection is
/// opened, no credential is looked up, and no timeout applies. Everything else is as with any host: digests
/// are checked, limits are kept, and the client's [`WritePolicy`](crate::WritePolicy) decides on writes.
pub trait InProcessRegistry: fmt::Debug + Send + Sync + 'static {
    /// Responds to a request. Its URL is `http://HOST/v2/…`.
    fn respond<'a>(&'a self, request: Request<Body>) -> BoxFuture<'a, Response<Body>>;
}

/// Sends a request to a registry inside this process.
///
/// # Errors
///
/// The request is invalid.
pub(super) async fn send(
    registry: &Arc<dyn InProcessRegistry>,
    request: RequestBuilder,
) -> Result<reqwest::Response, reqwest::Error> {
    let request = Request::try_from(request.build()?)?;
    Ok(registry.respond(request).await.into())
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::{Access, Client, Error, sha256_digest};

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
}
