//! Tags, repositories and referrers, page by page.

use http::request::Parts;
use http::{HeaderName, StatusCode, header};
use oci_spec::image::Digest;
use serde_json::{Value, json};

use super::answer::{Answer, Part};
use super::failure::{Code, Failure};
use super::options::{Catalog, Referrers};
use super::site::{Site, parameter};
use super::store::Page;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// The part of a list that a request asks for.
struct Window {
    last: String,
    limit: usize,
}

impl Window {
    fn of(site: &Site, query: &str) -> Result<Self, Failure> {
        let most = site.options.page_limit.unwrap_or(usize::MAX);
        let limit = match parameter(query, "n") {
            None => most,
            Some(n) => n.parse::<usize>().map(|n| n.min(most)).map_err(|_| {
                Failure::new(Code::Unsupported, format!("n={n} is not a number of items"))
            })?,
        };
        Ok(Self {
            last: parameter(query, "last").unwrap_or_default(),
            limit,
        })
    }
}

/// `/v2/<name>/tags/list`
pub(crate) fn tags(site: &Site, repository: &str, parts: &Parts) -> Result<Answer, Failure> {
    let window = Window::of(site, parts.uri.query().unwrap_or_default())?;
    let page = site
        .store
        .tags(repository, &window.last, window.limit)
        .ok_or_else(|| {
            Failure::new(
                Code::NameUnknown,
                format!("there is no repository {repository}"),
            )
        })?;
    let answer = named_page(site, parts, &page, &window);
    Ok(answer.json(&json!({"name": repository, "tags": page.items})))
}

/// `/v2/_catalog`
pub(crate) fn catalog(site: &Site, parts: &Parts) -> Result<Answer, Failure> {
    if site.options.catalog == Catalog::Hidden {
        return Err(Failure::not_found(parts.uri.path()));
    }
    let window = Window::of(site, parts.uri.query().unwrap_or_default())?;
    let page = site.store.repositories(&window.last, window.limit);
    let answer = named_page(site, parts, &page, &window);
    Ok(answer.json(&json!({"repositories": page.items})))
}

/// `/v2/<name>/referrers/<digest>`: an index, empty where nothing refers to the digest.
pub(crate) fn referrers(
    site: &Site,
    repository: &str,
    subject: &Digest,
    parts: &Parts,
) -> Result<Answer, Failure> {
    if site.options.referrers == Referrers::Missing {
        return Err(Failure::not_found(parts.uri.path()));
    }
    let query = parts.uri.query().unwrap_or_default();
    let window = Window::of(site, query)?;
    let wanted = parameter(query, "artifactType");
    let page = site.store.referrers(
        repository,
        subject,
        wanted.as_deref(),
        &window.last,
        window.limit,
    );
    let last = page.items.last().and_then(|referrer| {
        referrer
            .descriptor
            .get("digest")?
            .as_str()
            .map(str::to_owned)
    });
    let mut answer = follow(site, parts, page.more, last, &window);
    if wanted.is_some() {
        answer = answer.header(FILTERS_APPLIED, "artifactType");
    }
    let manifests: Vec<Value> = page.items.into_iter().map(|item| item.descriptor).collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
    Ok(answer.content(INDEX, index.to_string().into(), Part::Whole))
}

fn named_page(site: &Site, parts: &Parts, page: &Page<String>, window: &Window) -> Answer {
    follow(site, parts, page.more, page.items.last().cloned(), window)
}

/// An answer that says where the list goes on, if it does: the same request after `last`.
fn follow(site: &Site, parts: &Parts, more: bool, last: Option<String>, window: &Window) -> Answer {
    let answer = Answer::new(StatusCode::OK);
    let (true, Some(last)) = (more, last) else {
        return answer;
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("last", &last);
    query.append_pair("n", &window.limit.to_string());
    if let Some(wanted) = parameter(parts.uri.query().unwrap_or_default(), "artifactType") {
        query.append_pair("artifactType", &wanted);
    }
    let path = format!("{}?{}", parts.uri.path(), query.finish());
    let link = site.link(&parts.headers, &path);
    answer.header(header::LINK, format!("<{link}>; rel=\"next\""))
}
