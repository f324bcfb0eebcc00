//! The request handler: latency, routing, error responses and the access log.

use std::convert::Infallible;

use http::request::Parts;
use http::{HeaderName, Method, Request, StatusCode, header};
use hyper::body::Incoming;
use serde_json::json;

use super::access_log::LoggedRequest;
use super::api_error::{ApiError, ErrorCode};
use super::response::{ReadMethod, Response, ResponseBody};
use super::route::Route;
use super::state::{ServerState, header_text};
use super::{blobs, lists, manifests, uploads};

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// Returns the response to a request. An [`ApiError`] becomes a response too.
pub(crate) async fn handle(
    state: &ServerState,
    request: Request<Incoming>,
) -> Result<http::Response<ResponseBody>, Infallible> {
    let (request, body) = request.into_parts();
    if let Some(latency) = state.options.latency {
        tokio::time::sleep(latency).await;
    }
    let response = match Route::parse(request.uri.path()) {
        Ok(route) => dispatch(state, route, &request, body).await,
        Err(error) => Err(error),
    };
    let response = response
        .unwrap_or_else(ApiError::into_response)
        .header(API_VERSION, "registry/2.0")
        .into_http();
    state.log.record(|| LoggedRequest {
        method: request.method,
        path: request.uri.path().to_owned(),
        query: request.uri.query().unwrap_or_default().to_owned(),
        status: response.status(),
    });
    Ok(response)
}

async fn dispatch(
    state: &ServerState,
    route: Route,
    request: &Parts,
    body: Incoming,
) -> Result<Response, ApiError> {
    let method = &request.method;
    match route {
        Route::Base if is_read(method) => Ok(Response::new(StatusCode::OK).json(&json!({}))),
        Route::Catalog if is_read(method) => lists::catalog(state, request),
        Route::Tags(name) if is_read(method) => lists::tags(state, &name, request),
        Route::Referrers(name, digest) if is_read(method) => {
            lists::referrers(state, &name, &digest, request)
        }
        Route::Manifest(name, reference) => match *method {
            Method::GET => manifests::read(state, &name, &reference, ReadMethod::Get),
            Method::HEAD => manifests::read(state, &name, &reference, ReadMethod::Head),
            Method::PUT => manifests::write(state, &name, &reference, request, body).await,
            Method::DELETE => manifests::delete(state, &name, &reference),
            _ => Err(unsupported(request)),
        },
        Route::Blob(name, digest) => {
            let range = header_text(&request.headers, header::RANGE);
            match *method {
                Method::GET => blobs::read(&state.store, &name, &digest, ReadMethod::Get, range),
                Method::HEAD => blobs::read(&state.store, &name, &digest, ReadMethod::Head, range),
                Method::DELETE => blobs::delete(&state.store, &name, &digest),
                _ => Err(unsupported(request)),
            }
        }
        Route::Uploads(name) if *method == Method::POST => {
            uploads::start(state, &name, request, body).await
        }
        Route::Upload(name, id) => match *method {
            Method::GET => uploads::status(state, &name, &id, request),
            Method::PATCH => uploads::append(state, &name, &id, request, body).await,
            Method::PUT => uploads::complete(state, &name, &id, request, body).await,
            Method::DELETE => uploads::cancel(state, &name, &id),
            _ => Err(unsupported(request)),
        },
        _ => Err(unsupported(request)),
    }
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn unsupported(request: &Parts) -> ApiError {
    ApiError::new(
        ErrorCode::Unsupported,
        format!("no {} at {}", request.method, request.uri.path()),
    )
}
