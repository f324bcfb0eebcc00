//! A plain HTTP client, without retries and redirects.

use bytes::Bytes;
use embedded_registry::{Registry, RunningRegistry};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// A registry and a client.
pub(crate) struct Session {
    pub(crate) registry: RunningRegistry,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// A response with its whole body.
pub(crate) struct BufferedResponse {
    pub(crate) status: StatusCode,
    headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl BufferedResponse {
    /// Returns a header, or the empty string if it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Returns the status and, for errors, the code.
    pub(crate) fn outcome(&self) -> (u16, String) {
        let code = serde_json::from_slice::<Value>(&self.body).ok();
        let code = code.and_then(|body| Some(body["errors"][0]["code"].as_str()?.to_owned()));
        (self.status.as_u16(), code.unwrap_or_default())
    }
}

impl Session {
    pub(crate) async fn start(registry: Registry) -> Self {
        Self {
            registry: registry.access_log(1000).start().await.unwrap(),
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Sends a request. `target` is a path, or a URL from a response.
    pub(crate) async fn send(
        &self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> BufferedResponse {
        let url = match target.strip_prefix('/') {
            Some(_) => format!("http://{}{target}", self.registry.host()),
            None => target.to_owned(),
        };
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body.into())).unwrap();
        let response = self.client.request(request).await.unwrap();
        let (parts, body) = response.into_parts();
        BufferedResponse {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    pub(crate) async fn get(&self, target: &str) -> BufferedResponse {
        self.send(Method::GET, target, &[], "").await
    }

    pub(crate) async fn head(&self, target: &str) -> BufferedResponse {
        self.send(Method::HEAD, target, &[], "").await
    }

    pub(crate) async fn delete(&self, target: &str) -> BufferedResponse {
        self.send(Method::DELETE, target, &[], "").await
    }

    pub(crate) async fn post(&self, target: &str) -> BufferedResponse {
        self.send(Method::POST, target, &[], "").await
    }
}
