//! The host of a vendor's API, for one operation.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

use crate::document_memory::BodyMemory;
use crate::error::Error;
use crate::repository::MAX_SMALL_BODY;
use crate::transport::{BufferedResponse, Host, Request};
use crate::vendor_operation::{VendorAuthorization, VendorOperation, VendorRequest};
use crate::write_policy::WritePolicy;

/// The host of a vendor's API, with the operation that its requests belong to.
#[derive(Debug, Clone)]
pub(crate) struct VendorHost {
    pub(crate) host: Arc<Host>,
    pub(super) operation: Arc<VendorOperation>,
    writes: Arc<dyn WritePolicy>,
    authorization: VendorAuthorization,
}

/// The body of a request.
#[derive(Debug)]
pub(super) struct JsonBody<'a> {
    pub(super) media_type: &'static str,
    pub(super) document: &'a Value,
    /// Additional headers.
    pub(super) headers: &'static [(&'static str, &'static str)],
}

impl<'a> JsonBody<'a> {
    /// Creates a body of `application/json`.
    pub(super) fn new(document: &'a Value) -> Self {
        Self {
            media_type: "application/json",
            document,
            headers: &[],
        }
    }
}

impl VendorHost {
    pub(crate) fn new(
        host: Arc<Host>,
        operation: VendorOperation,
        writes: Arc<dyn WritePolicy>,
        authorization: VendorAuthorization,
    ) -> Self {
        Self {
            host,
            operation: Arc::new(operation),
            writes,
            authorization,
        }
    }

    /// Returns the same host with another authorization.
    pub(super) fn with(&self, authorization: VendorAuthorization) -> Self {
        Self {
            authorization,
            ..self.clone()
        }
    }

    /// Sends a GET for `target`, a percent-encoded path without the first slash.
    pub(super) async fn get(
        &self,
        target: &str,
        accepted: &'static [u16],
    ) -> Result<BufferedResponse, Error> {
        let request = self.request(Method::GET, target, None, accepted)?;
        self.host.send(&request).await
    }

    /// Sends a request with a body. A retry may repeat a write that succeeded.
    pub(super) async fn send(
        &self,
        method: Method,
        target: &str,
        body: JsonBody<'_>,
        accepted: &'static [u16],
    ) -> Result<BufferedResponse, Error> {
        let request = self.request(method, target, Some(body), accepted)?;
        self.host.send(&request).await
    }

    /// Sends a request once, for a caller that decides about a further attempt.
    pub(super) async fn send_once(
        &self,
        method: Method,
        target: &str,
        body: Option<JsonBody<'_>>,
        accepted: &'static [u16],
    ) -> Result<BufferedResponse, Error> {
        let request = self.request(method, target, body, accepted)?;
        self.host.send_once(&request, None).await
    }

    /// Sends a DELETE once, without a body. 404 counts as deleted.
    pub(super) async fn delete_once(&self, target: &str) -> Result<(), Error> {
        let accepted = &[200, 202, 204, 404];
        let sent = self.send_once(Method::DELETE, target, None, accepted);
        sent.await.map(drop)
    }

    fn request(
        &self,
        method: Method,
        target: &str,
        body: Option<JsonBody<'_>>,
        accepted: &'static [u16],
    ) -> Result<Request, Error> {
        let mut headers = HeaderMap::new();
        let mut payload = Bytes::new();
        if let Some(body) = body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(body.media_type));
            for (name, value) in body.headers {
                let value = HeaderValue::from_static(value);
                headers.insert(HeaderName::from_static(name), value);
            }
            payload = Bytes::from(body.document.to_string());
        }
        Ok(Request {
            method,
            url: self.host.address(target)?,
            headers,
            payload,
            is_blob: false,
            scopes: None,
            vendor: Some(Box::new(VendorRequest {
                operation: Arc::clone(&self.operation),
                authorization: self.authorization.clone(),
            })),
            is_session: false,
            writes: Arc::clone(&self.writes),
            accepted,
            limit: MAX_SMALL_BODY,
            body: BodyMemory::Document,
        })
    }
}

/// Returns the text at a pointer (RFC 6901) of a JSON response.
///
/// # Errors
///
/// [`Error::Protocol`] for a body that is not JSON, or has no such text. The body may have secrets, so the
/// message does not quote it.
pub(super) fn text_at(response: &BufferedResponse, pointer: &str) -> Result<String, Error> {
    let document: Option<Value> = serde_json::from_slice(response.body()).ok();
    let text = document
        .as_ref()
        .and_then(|document| document.pointer(pointer)?.as_str());
    text.map(str::to_owned)
        .ok_or_else(|| response.protocol_error(format!("the response has no text at {pointer}")))
}
