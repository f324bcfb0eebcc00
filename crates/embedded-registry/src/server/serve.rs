//! One request: its route, its method, its answer, its line in the log.

use std::convert::Infallible;

use http::request::Parts;
use http::{HeaderName, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use serde_json::json;

use super::access_log::LoggedRequest;
use super::answer::{Answer, Frames, Part};
use super::failure::{Code, Failure};
use super::route::Route;
use super::site::{Site, text};
use super::{blobs, lists, manifests, uploads};

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// Answers a request; failures are answers too.
pub(crate) async fn serve(
    site: &Site,
    request: Request<Incoming>,
) -> Result<Response<Frames>, Infallible> {
    let (parts, body) = request.into_parts();
    if let Some(latency) = site.options.latency {
        tokio::time::sleep(latency).await;
    }
    let answer = match Route::parse(parts.uri.path()) {
        Ok(route) => dispatch(site, route, &parts, body).await,
        Err(failure) => Err(failure),
    };
    let response = answer
        .unwrap_or_else(Failure::into_answer)
        .header(API_VERSION, "registry/2.0")
        .into_response();
    site.log.record(|| LoggedRequest {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        status: response.status(),
    });
    Ok(response)
}

async fn dispatch(
    site: &Site,
    route: Route,
    parts: &Parts,
    body: Incoming,
) -> Result<Answer, Failure> {
    let method = &parts.method;
    match route {
        Route::Base if is_read(method) => Ok(Answer::new(StatusCode::OK).json(&json!({}))),
        Route::Catalog if is_read(method) => lists::catalog(site, parts),
        Route::Tags(name) if is_read(method) => lists::tags(site, &name, parts),
        Route::Referrers(name, digest) if is_read(method) => {
            lists::referrers(site, &name, &digest, parts)
        }
        Route::Manifest(name, reference) => match *method {
            Method::GET => manifests::read(site, &name, &reference, Part::Whole),
            Method::HEAD => manifests::read(site, &name, &reference, Part::Head),
            Method::PUT => manifests::write(site, &name, &reference, parts, body).await,
            Method::DELETE => manifests::delete(site, &name, &reference),
            _ => Err(unsupported(parts)),
        },
        Route::Blob(name, digest) => {
            let range = text(&parts.headers, header::RANGE);
            match *method {
                Method::GET => blobs::read(&site.store, &name, &digest, Part::Whole, range),
                Method::HEAD => blobs::read(&site.store, &name, &digest, Part::Head, range),
                Method::DELETE => blobs::delete(&site.store, &name, &digest),
                _ => Err(unsupported(parts)),
            }
        }
        Route::Uploads(name) if *method == Method::POST => {
            uploads::start(site, &name, parts, body).await
        }
        Route::Upload(name, id) => match *method {
            Method::GET => uploads::status(site, &name, &id, parts),
            Method::PATCH => uploads::append(site, &name, &id, parts, body).await,
            Method::PUT => uploads::complete(site, &name, &id, parts, body).await,
            Method::DELETE => uploads::cancel(site, &name, &id),
            _ => Err(unsupported(parts)),
        },
        _ => Err(unsupported(parts)),
    }
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn unsupported(parts: &Parts) -> Failure {
    Failure::new(
        Code::Unsupported,
        format!("{} is not done on {}", parts.method, parts.uri.path()),
    )
}
