//! Hints for peers that are not what the request expects: another protocol, a web site, a proxy.

use registry_client::{ConnectionFailure, Error, StatusError};

/// Returns the hint for a host that answers in another way than a registry does.
pub(super) fn for_peer(host: &str, error: &Error) -> Option<String> {
    match error {
        Error::Status(status) => for_foreign(host, status),
        Error::Connection {
            url,
            failure: ConnectionFailure::Closed | ConnectionFailure::Other,
            ..
        } => Some(match url.starts_with(&format!("http://{host}/")) {
            true => format!(
                "check that a registry listens at {host}, and not a server of another protocol; {}",
                for_plain_http(host)
            ),
            false => format!(
                "run again; if the error persists, check that a registry listens at {host}, and not a server \
                 of another protocol"
            ),
        }),
        Error::Proxy {
            status,
            authenticated: true,
            ..
        } if status.as_u16() == 407 => Some(format!(
            "correct user and password of the proxy in HTTPS_PROXY, which it refuses, or exempt {host} with \
             NO_PROXY"
        )),
        _ => None,
    }
}

/// Returns the hint for a status that no registry sends.
fn for_foreign(host: &str, error: &StatusError) -> Option<String> {
    match error.status.as_u16() {
        // The text of Go's server, and that of nginx.
        400 if error.text.contains("HTTPS server") || error.text.contains("to HTTPS port") => {
            Some(for_plain_http(host))
        }
        200..400 if !error.redirected => Some(format!(
            "check that {host} is a registry, and not a web site or a proxy that answers in its place"
        )),
        _ => None,
    }
}

fn for_plain_http(host: &str) -> String {
    format!(
        "the request was sent without TLS: if {host} uses TLS, run with --insecure {host}, or put its \
         certificate authority as *.crt into /etc/containers/certs.d/{host}"
    )
}

/// Reports whether a registry names a quota as the reason of its refusal.
pub(super) fn names_quota(error: &StatusError) -> bool {
    let messages = error.codes.iter().map(|code| code.message.as_str());
    let mut texts = messages.chain([error.text.as_str()]);
    // Harbor responds "adding 3.2 MiB of storage resource, … will exceed the configured upper limit of 1.0 GiB".
    texts.any(|text| {
        let text = text.to_lowercase();
        text.contains("quota") || text.contains("exceed the configured upper limit")
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::{Method, StatusCode};

    use super::*;

    fn status(status: u16, text: &str) -> Error {
        Error::Status(Arc::new(StatusError {
            method: Method::GET,
            url: "http://localhost:5000/v2/".to_owned(),
            status: StatusCode::from_u16(status).unwrap(),
            codes: Vec::new(),
            text: text.to_owned(),
            authenticated: false,
            retry_after: None,
            redirected: false,
        }))
    }

    fn connection(url: &str, failure: ConnectionFailure) -> Error {
        Error::Connection {
            method: Method::GET,
            url: url.to_owned(),
            failure,
            detail: String::new(),
        }
    }

    fn proxy(status: StatusCode, authenticated: bool) -> Error {
        Error::Proxy {
            method: Method::GET,
            url: "https://r.io/v2/".to_owned(),
            proxy: "http://proxy:3128".to_owned(),
            status,
            authenticated,
        }
    }

    #[test]
    fn foreign_peers_have_hints_of_their_own() {
        let (own, other) = ("http://localhost:5000/v2/", "https://token.io/");
        let go = "Client sent an HTTP request to an HTTPS server.";
        let nginx = "The plain HTTP request was sent to HTTPS port";
        for (error, want) in [
            (status(400, go), Some("--insecure localhost:5000")),
            (status(400, nginx), Some("--insecure localhost:5000")),
            (status(400, "bad digest"), None),
            (status(200, "<html>"), Some("a web site")),
            (status(201, ""), Some("a web site")),
            (status(404, ""), None),
            (status(500, ""), None),
            (connection(own, ConnectionFailure::Closed), Some("uses TLS")),
            (connection(own, ConnectionFailure::Other), Some("uses TLS")),
            (
                connection(other, ConnectionFailure::Closed),
                Some("another protocol"),
            ),
            (connection(own, ConnectionFailure::Refused), None),
            (
                proxy(StatusCode::PROXY_AUTHENTICATION_REQUIRED, true),
                Some("which it refuses"),
            ),
            (
                proxy(StatusCode::PROXY_AUTHENTICATION_REQUIRED, false),
                None,
            ),
            (proxy(StatusCode::FORBIDDEN, true), None),
        ] {
            let hint = for_peer("localhost:5000", &error);
            let is_wanted = match want {
                Some(want) => hint.as_ref().is_some_and(|hint| hint.contains(want)),
                None => hint.is_none(),
            };
            assert!(is_wanted, "{error}: {hint:?}");
        }
    }
}
