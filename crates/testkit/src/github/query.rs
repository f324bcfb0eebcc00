//! The query of a request, and a list's page.

use std::collections::HashMap;

use serde_json::Value;

use super::answer::Answer;

/// The parameters of a request, decoded.
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

    /// As it is sent.
    pub(super) fn text(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.0).finish()
    }

    fn number(&self, name: &str, default: usize) -> usize {
        let given = self.get(name).and_then(|value| value.parse().ok());
        given.unwrap_or(default)
    }

    /// One page of a list, with the `Link` header that GitHub sends where there are more.
    /// `url` is the list's own, without a query.
    pub(super) fn page(&self, url: &str, all: Vec<Value>) -> Answer {
        let size = self.number("per_page", 30).clamp(1, 100);
        let page = self.number("page", 1).max(1);
        let last = all.len().div_ceil(size).max(1);
        let mut links = Vec::new();
        if page < last {
            links.push(format!("<{}>; rel=\"next\"", self.at(url, page + 1)));
            links.push(format!("<{}>; rel=\"last\"", self.at(url, last)));
        }
        if page > 1 {
            links.push(format!("<{}>; rel=\"prev\"", self.at(url, page - 1)));
            links.push(format!("<{}>; rel=\"first\"", self.at(url, 1)));
        }
        let of_page = all.into_iter().skip((page - 1) * size).take(size);
        let answer = Answer::ok(&Value::Array(of_page.collect()));
        match links.is_empty() {
            true => answer,
            false => answer.header("link", links.join(", ")),
        }
    }

    fn at(&self, url: &str, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let kept = self.0.iter().filter(|(name, _)| *name != "page");
        query.extend_pairs(kept);
        query.append_pair("page", &page.to_string());
        format!("{url}?{}", query.finish())
    }
}
