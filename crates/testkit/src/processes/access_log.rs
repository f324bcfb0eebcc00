//! The requests in the logs of registries.

/// A request that a registry logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method, such as `GET`.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query without its `?`, empty where there is none.
    pub query: String,
    /// The status of the response. The referrers registry logs it for errors only.
    pub status: Option<u16>,
    /// The size of the response body, if logged.
    pub bytes: Option<u64>,
}

/// Returns the requests in a log in order. Other lines are ignored.
pub(super) fn parse(log: &str) -> Vec<Request> {
    log.lines()
        .filter_map(|line| parse_combined(line).or_else(|| parse_plain(line)))
        .collect()
}

/// Parses a line in the Combined Log Format of distribution:
/// `127.0.0.1 - - [21/Nov/2026:08:37:52 +0000] "GET /v2/ HTTP/1.1" 200 2 "" "curl"`.
fn parse_combined(line: &str) -> Option<Request> {
    let (_, rest) = line.split_once("] \"")?;
    let (request, rest) = rest.split_once(" HTTP/")?;
    let (method, target) = request.split_once(' ')?;
    let mut numbers = rest.split_once("\" ")?.1.split(' ');
    let status = numbers.next()?.parse().ok()?;
    let bytes = numbers.next()?.parse().ok()?;
    Some(new_request(method, target, Some(status), Some(bytes)))
}

/// Parses a line of go-containerregistry's registry: `2026/11/21 08:37:51 GET /v2/x 404 NAME_UNKNOWN …`.
fn parse_plain(line: &str) -> Option<Request> {
    let mut words = line.split(' ').skip(2);
    let (method, target) = (words.next()?, words.next()?);
    if !target.starts_with('/') || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let status = words.next().and_then(|status| status.parse().ok());
    Some(new_request(method, target, status, None))
}

fn new_request(method: &str, target: &str, status: Option<u16>, bytes: Option<u64>) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        status,
        bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_reads_the_lines_of_both_registries() {
        let log = concat!(
            "time=\"2026-11-21T08:37:51Z\" level=info msg=\"listening on 127.0.0.1:1\" x=1\n",
            "127.0.0.1 - - [21/Nov/2026:08:37:52 +0000] \"GET /v2/x/tags/list?n=3&a=\\\"b ",
            "HTTP/1.1\" 404 109 \"\" \"curl/7.88.1\"\n",
            "127.0.0.1 - - [21/Nov/2026:08:37:53 +0000] \"HEAD /v2/x/manifests/y HTTP/2.0\" 200 0 ",
            "\"\" \"mirror\"\n",
            "2026/11/21 08:37:50 listening on 127.0.0.1:33999\n",
            "2026/11/21 08:37:51 GET /v2/x/manifests/y?a=b 404 NAME_UNKNOWN Unknown name\n",
            "2026/11/21 08:37:51 POST /v2/x/blobs/uploads/\n",
        );
        assert_eq!(
            parse(log),
            [
                new_request("GET", "/v2/x/tags/list?n=3&a=\\\"b", Some(404), Some(109)),
                new_request("HEAD", "/v2/x/manifests/y", Some(200), Some(0)),
                new_request("GET", "/v2/x/manifests/y?a=b", Some(404), None),
                new_request("POST", "/v2/x/blobs/uploads/", None, None),
            ]
        );
    }
}
