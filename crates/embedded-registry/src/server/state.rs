//! The state that request handlers share.

use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, header};

use super::access_log::AccessLog;
use super::registry::{Links, Registry};
use super::store::Store;
use super::upload_sessions::UploadSessions;

/// The content and the options of a running registry.
pub(crate) struct ServerState {
    pub(crate) options: Registry,
    pub(crate) store: Store,
    pub(crate) sessions: UploadSessions,
    pub(crate) log: AccessLog,
    pub(crate) address: SocketAddr,
}

impl ServerState {
    /// Returns the value of a `Location` or `Link` header that leads to `path`, in the form that
    /// the options ask for.
    pub(crate) fn link(&self, headers: &HeaderMap, path: &str) -> String {
        match (self.options.links, header_text(headers, header::HOST)) {
            (Links::Relative, _) => path.to_owned(),
            (Links::Absolute, Some(host)) => format!("http://{host}{path}"),
            (Links::Absolute, None) => format!("http://{}{path}", self.address),
        }
    }
}

/// Returns the value of a header if it is visible ASCII.
pub(crate) fn header_text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// Returns the first value of a query parameter.
pub(crate) fn query_parameter(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}
