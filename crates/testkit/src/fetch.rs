//! A single HTTP request.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// Sends a request over plain HTTP on a new connection and reads the response. It follows no redirect and
/// does not retry. A failure is a panic.
///
/// ```no_run
/// # async fn test(registry: testkit::processes::RegistryProcess) {
/// let url = format!("http://{}/v2/", registry.host());
/// let response = testkit::fetch(http::Request::get(url).body("").unwrap()).await;
/// assert_eq!(response.status(), 200);
/// # }
/// ```
pub async fn fetch(request: Request<impl Into<Bytes>>) -> Response<Bytes> {
    let shown = format!("{} {}", request.method(), request.uri());
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = request.map(|body| Full::new(body.into()));
    let response = match client.request(request).await {
        Ok(response) => response,
        Err(error) => panic!("{shown}: {error:?}"),
    };
    let (parts, body) = response.into_parts();
    match body.collect().await {
        Ok(body) => Response::from_parts(parts, body.to_bytes()),
        Err(error) => panic!("{shown}: {error:?}"),
    }
}
