//! The `Link` header of lists in pages.
//!
//! Source: RFC 8288; distribution specification, "Listing Tags". Some registries and proxies leave out the
//! angle brackets around the URL, or the parameter `rel`.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use http::header::LINK;
use url::Url;

use crate::error::Error;
use crate::transport::BufferedResponse;

/// The page after one of a list, as its `Link` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NextLink<T = Url> {
    /// The next page.
    Page(T),
    /// The response has no `Link`, or only those of other relations.
    None,
    /// The response has a `Link` without a URL, so the next page is unknown.
    Unreadable,
}

/// The pages of a list that were requested. A URL may have hundreds of KiB, so only hashes are kept.
#[derive(Debug)]
pub(crate) struct VisitedPages {
    hashes: HashSet<u64>,
    hasher: RandomState,
}

impl VisitedPages {
    pub(crate) fn new(first: &Url) -> Self {
        let mut visited = Self {
            hashes: HashSet::new(),
            hasher: RandomState::new(),
        };
        visited.insert(first);
        visited
    }

    /// Adds a page. Returns false if it was requested before.
    pub(crate) fn insert(&mut self, page: &Url) -> bool {
        self.hashes.insert(self.hasher.hash_one(page.as_str()))
    }
}

/// Returns the URL of the next page: the target of the `Link` whose `rel` is `next`.
///
/// The target may be absolute or relative. Only its path and query are used, since a host behind a proxy
/// may name another host.
pub(crate) fn next_page(response: &BufferedResponse) -> Result<Option<Url>, Error> {
    Ok(match next_link(response)? {
        NextLink::Page(target) => {
            let mut next = response.url.clone();
            next.set_path(target.path());
            next.set_query(target.query());
            Some(next)
        }
        NextLink::None | NextLink::Unreadable => None,
    })
}

/// Returns the URL of the next page of a registry's list; `page` is the URL of the current one. Only
/// the query of the `Link` is used: its path may be that of a registry behind a proxy, or any other.
pub(crate) fn next_list_page(response: &BufferedResponse, page: &Url) -> Result<NextLink, Error> {
    Ok(match next_link(response)? {
        NextLink::Page(target) => {
            let mut next = page.clone();
            next.set_query(target.query());
            NextLink::Page(next)
        }
        other => other,
    })
}

fn next_link(response: &BufferedResponse) -> Result<NextLink, Error> {
    let mut found = NextLink::None;
    for value in response.headers.get_all(LINK) {
        match value.to_str().map_or(NextLink::Unreadable, next_target) {
            NextLink::Page(target) => {
                let target = response.url.join(target).map_err(|error| {
                    let what = format!("the Link to the next page is not a URL: {error}");
                    response.protocol_error(what)
                })?;
                return Ok(NextLink::Page(target));
            }
            NextLink::Unreadable => found = NextLink::Unreadable,
            NextLink::None => {}
        }
    }
    Ok(found)
}

fn next_target(value: &str) -> NextLink<&str> {
    if !value.contains('<') {
        let (target, params) = value.split_once(';').unwrap_or((value, ""));
        let target = target.trim();
        let mut starts = ["/", "?", "http://", "https://"].iter();
        return match starts.any(|start| target.starts_with(start)) {
            true if is_next(params) => NextLink::Page(target),
            true => NextLink::None,
            false => NextLink::Unreadable,
        };
    }
    let mut rest = value;
    while let Some((_, opened)) = rest.split_once('<') {
        let Some((target, params)) = opened.split_once('>') else {
            return NextLink::Unreadable;
        };
        let end = params
            .find(",<")
            .or_else(|| params.find(", <"))
            .unwrap_or(params.len());
        let (own, others) = params.split_at(end);
        if is_next(own) {
            return NextLink::Page(target);
        }
        rest = others;
    }
    NextLink::None
}

/// Returns true if the parameters of a link have `rel=next`, or no `rel`.
fn is_next(params: &str) -> bool {
    let mut relations = params.split(';').filter_map(|param| {
        let (key, value) = param.split_once('=')?;
        let is_relation = key.trim().eq_ignore_ascii_case("rel");
        is_relation.then(|| value.trim().trim_matches('"'))
    });
    match relations.next() {
        None => true,
        Some(first) => std::iter::once(first)
            .chain(relations)
            .flat_map(|relation| relation.split(' '))
            .any(|relation| relation.eq_ignore_ascii_case("next")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_link_is_found_among_others() {
        use NextLink::{None, Page, Unreadable};
        let cases = [
            (
                r#"</v2/a/tags/list?last=b&n=2>; rel="next""#,
                Page("/v2/a/tags/list?last=b&n=2"),
            ),
            (
                r#"<https://h/v2/x,y?n=1>; rel=next"#,
                Page("https://h/v2/x,y?n=1"),
            ),
            (
                r#"</p>; rel="prev", </n>; title="a,b"; rel="last next""#,
                Page("/n"),
            ),
            (r#"</p>; rel="prev""#, None),
            (
                r#"/v2/a/tags/list?last=b; rel="next""#,
                Page("/v2/a/tags/list?last=b"),
            ),
            (
                "https://h/v2/a/tags/list?last=b;rel=next",
                Page("https://h/v2/a/tags/list?last=b"),
            ),
            ("?last=b", Page("?last=b")),
            ("</v2/a/tags/list?last=b>", Page("/v2/a/tags/list?last=b")),
            (r#"/p; rel="prev""#, None),
            ("nonsense", Unreadable),
            ("", Unreadable),
            ("<unclosed", Unreadable),
        ];
        for (value, expected) in cases {
            assert_eq!(next_target(value), expected, "{value}");
        }
    }
}
