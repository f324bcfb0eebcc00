//! Everything a request is answered from.

use std::net::SocketAddr;

use http::{HeaderMap, header};

use super::access_log::AccessLog;
use super::options::{Links, Registry};
use super::sessions::Sessions;
use super::store::Store;

/// A running registry's content and options.
pub(crate) struct Site {
    pub(crate) options: Registry,
    pub(crate) store: Store,
    pub(crate) sessions: Sessions,
    pub(crate) log: AccessLog,
    pub(crate) address: SocketAddr,
}

impl Site {
    /// `path` as the options want it in `Location` and `Link`.
    pub(crate) fn link(&self, headers: &HeaderMap, path: &str) -> String {
        match self.options.links {
            Links::Relative => path.to_owned(),
            Links::Absolute => {
                let host = text(headers, header::HOST);
                match host {
                    Some(host) => format!("http://{host}{path}"),
                    None => format!("http://{}{path}", self.address),
                }
            }
        }
    }
}

/// A header's value where it is text.
pub(crate) fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// The first value of a query's parameter.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}
