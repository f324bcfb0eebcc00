//! The query of a request, and pagination.

use std::collections::HashMap;

use serde_json::Value;

use super::response::ApiResponse;

/// The decoded query parameters of a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Query(HashMap<String, String>);

impl Query {
    pub(super) fn parse(text: &str) -> Self {
        Self(
            form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Encodes the query again.
    pub(super) fn encode(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.0).finish()
    }

    fn number(&self, name: &str, default: usize) -> usize {
        let given = self.get(name).and_then(|value| value.parse().ok());
        given.unwrap_or(default)
    }

    /// Returns the requested page of a list, with GitHub's `Link` header if there are more pages.
    /// `url` is the URL of the list without a query.
    pub(super) fn page(&self, url: &str, all: Vec<Value>) -> ApiResponse {
        let size = self.number("per_page", 30).clamp(1, 100);
        let page = self.number("page", 1).max(1);
        let last = all.len().div_ceil(size).max(1);
        let mut links = Vec::new();
        if page < last {
            links.push(format!("<{}>; rel=\"next\"", self.page_url(url, page + 1)));
            links.push(format!("<{}>; rel=\"last\"", self.page_url(url, last)));
        }
        if page > 1 {
            links.push(format!("<{}>; rel=\"prev\"", self.page_url(url, page - 1)));
            links.push(format!("<{}>; rel=\"first\"", self.page_url(url, 1)));
        }
        let of_page = all.into_iter().skip((page - 1) * size).take(size);
        let response = ApiResponse::ok(&Value::Array(of_page.collect()));
        match links.is_empty() {
            true => response,
            false => response.header("link", links.join(", ")),
        }
    }

    fn page_url(&self, url: &str, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let kept = self.0.iter().filter(|(name, _)| *name != "page");
        query.extend_pairs(kept);
        query.append_pair("page", &page.to_string());
        format!("{url}?{}", query.finish())
    }
}
