//! The `Link` header of lists in pages.

use http::header::LINK;
use url::Url;

use crate::error::Error;
use crate::transport::BufferedResponse;

/// Returns the URL of the next page: the target of the `Link` whose `rel` is `next`.
///
/// Source: RFC 8288. The target may be absolute or relative. Only its path and query are used, since a
/// host behind a proxy may name another host.
pub(crate) fn next_page(response: &BufferedResponse) -> Result<Option<Url>, Error> {
    let target = next_link(response)?;
    Ok(target.map(|target| {
        let mut next = response.url.clone();
        next.set_path(target.path());
        next.set_query(target.query());
        next
    }))
}

/// Returns the URL of the next page of a registry's list; `page` is the URL of the current one. Only
/// the query of the `Link` is used: its path may be that of a registry behind a proxy, or any other.
pub(crate) fn next_list_page(
    response: &BufferedResponse,
    page: &Url,
) -> Result<Option<Url>, Error> {
    let target = next_link(response)?;
    Ok(target.map(|target| {
        let mut next = page.clone();
        next.set_query(target.query());
        next
    }))
}

fn next_link(response: &BufferedResponse) -> Result<Option<Url>, Error> {
    let values = response.headers.get_all(LINK);
    let target = values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find_map(next_target);
    let Some(target) = target else {
        return Ok(None);
    };
    let target = response.url.join(target).map_err(|error| {
        response.protocol_error(format!("the Link to the next page is not a URL: {error}"))
    })?;
    Ok(Some(target))
}

fn next_target(value: &str) -> Option<&str> {
    let mut rest = value;
    while let Some((_, opened)) = rest.split_once('<') {
        let (target, params) = opened.split_once('>')?;
        let end = params
            .find(",<")
            .or_else(|| params.find(", <"))
            .unwrap_or(params.len());
        let (own, others) = params.split_at(end);
        let is_next = own.split(';').any(|param| {
            let (key, value) = param.split_once('=').unwrap_or((param, ""));
            let value = value.trim().trim_matches('"');
            key.trim().eq_ignore_ascii_case("rel")
                && value.split(' ').any(|rel| rel.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(target);
        }
        rest = others;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_link_is_found_among_others() {
        let cases = [
            (
                r#"</v2/a/tags/list?last=b&n=2>; rel="next""#,
                Some("/v2/a/tags/list?last=b&n=2"),
            ),
            (
                r#"<https://h/v2/x,y?n=1>; rel=next"#,
                Some("https://h/v2/x,y?n=1"),
            ),
            (
                r#"</p>; rel="prev", </n>; title="a,b"; rel="last next""#,
                Some("/n"),
            ),
            (r#"</p>; rel="prev""#, None),
            ("nonsense", None),
            ("<unclosed", None),
        ];
        for (value, expected) in cases {
            assert_eq!(next_target(value), expected, "{value}");
        }
    }
}
