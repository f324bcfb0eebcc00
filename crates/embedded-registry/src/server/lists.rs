//! Lists of tags, repositories and referrers, page by page.

use http::request::Parts;
use http::{HeaderName, StatusCode, header};
use oci_spec::image::Digest;
use serde_json::{Value, json};

use super::api_error::{ApiError, ErrorCode};
use super::registry::{Catalog, Referrers};
use super::response::{ReadMethod, Response};
use super::state::{ServerState, query_parameter};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// The page that a request asks for: at most `limit` items after `last`.
struct PageRequest {
    last: String,
    limit: usize,
}

impl PageRequest {
    fn parse(state: &ServerState, query: &str) -> Result<Self, ApiError> {
        let max = state.options.page_limit.unwrap_or(usize::MAX);
        let limit = match query_parameter(query, "n") {
            None => max,
            Some(n) => n.parse::<usize>().map(|n| n.min(max)).map_err(|_| {
                ApiError::new(ErrorCode::Unsupported, format!("n is not a number: {n}"))
            })?,
        };
        Ok(Self {
            last: query_parameter(query, "last").unwrap_or_default(),
            limit,
        })
    }
}

/// Serves `/v2/<name>/tags/list`.
pub(crate) fn tags(
    state: &ServerState,
    repository: &str,
    request: &Parts,
) -> Result<Response, ApiError> {
    let PageRequest { last, limit } =
        PageRequest::parse(state, request.uri.query().unwrap_or_default())?;
    let page = state.store.tags(repository, &last, limit).ok_or_else(|| {
        ApiError::new(
            ErrorCode::NameUnknown,
            format!("no repository {repository}"),
        )
    })?;
    let last = page.items.last().filter(|_| page.has_more);
    let response = page_response(state, request, last.map(String::as_str), limit);
    Ok(response.json(&json!({"name": repository, "tags": page.items})))
}

/// Serves `/v2/_catalog`.
pub(crate) fn catalog(state: &ServerState, request: &Parts) -> Result<Response, ApiError> {
    if state.options.catalog == Catalog::Hidden {
        return Err(ApiError::not_found(request.uri.path()));
    }
    let PageRequest { last, limit } =
        PageRequest::parse(state, request.uri.query().unwrap_or_default())?;
    let page = state.store.repositories(&last, limit);
    let last = page.items.last().filter(|_| page.has_more);
    let response = page_response(state, request, last.map(String::as_str), limit);
    Ok(response.json(&json!({"repositories": page.items})))
}

/// Serves `/v2/<name>/referrers/<digest>`: an index, which is empty if the digest has no referrers.
pub(crate) fn referrers(
    state: &ServerState,
    repository: &str,
    subject: &Digest,
    request: &Parts,
) -> Result<Response, ApiError> {
    if state.options.referrers == Referrers::Missing {
        return Err(ApiError::not_found(request.uri.path()));
    }
    let query = request.uri.query().unwrap_or_default();
    let PageRequest { last, limit } = PageRequest::parse(state, query)?;
    let artifact_type = query_parameter(query, "artifactType");
    let page = state
        .store
        .referrers(repository, subject, artifact_type.as_deref(), &last, limit);
    let last = page.items.last().filter(|_| page.has_more);
    let last = last.and_then(|referrer| referrer.descriptor.get("digest")?.as_str());
    let mut response = page_response(state, request, last, limit);
    if artifact_type.is_some() {
        response = response.header(FILTERS_APPLIED, "artifactType");
    }
    let manifests: Vec<Value> = page.items.into_iter().map(|item| item.descriptor).collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
    Ok(response.content(INDEX, index.to_string().into(), ReadMethod::Get))
}

/// Starts the response with a page. `last` is the page's last item if another page follows; `Link`
/// then leads to the same request after that item.
fn page_response(
    state: &ServerState,
    request: &Parts,
    last: Option<&str>,
    limit: usize,
) -> Response {
    let response = Response::new(StatusCode::OK);
    let Some(last) = last else {
        return response;
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("last", last);
    query.append_pair("n", &limit.to_string());
    let artifact_type = request
        .uri
        .query()
        .and_then(|query| query_parameter(query, "artifactType"));
    if let Some(artifact_type) = artifact_type {
        query.append_pair("artifactType", &artifact_type);
    }
    let path = format!("{}?{}", request.uri.path(), query.finish());
    let link = state.link(&request.headers, &path);
    response.header(header::LINK, format!("<{link}>; rel=\"next\""))
}
