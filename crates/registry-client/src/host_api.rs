//! Hosts that are asked for something beside images, as a stranger.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::error::Error;
use crate::paging::next_page;
use crate::transport::{BufferedResponse, Host, Request};
use crate::write_policy::ReadOnly;

/// A host's HTTP API, asked without credentials.
///
/// It shares the host's limit, pauses, retries and trust with the registry
/// there, if there is one. Loopback hosts are asked over plain HTTP, all others
/// over TLS.
#[derive(Debug, Clone)]
pub struct HostApi {
    host: Arc<Host>,
}

/// A hundred releases with their descriptions have some megabytes.
const PAGE_LIMIT: u64 = 32 * 1024 * 1024;

impl HostApi {
    pub(crate) fn new(host: Arc<Host>) -> Self {
        Self { host }
    }

    /// What is at `target`: path and query without the first slash, percent-encoded
    /// where that is needed. Redirects are followed.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of the wire; [`Error::Status`] for whatever is not 200.
    pub async fn get(&self, target: &str) -> Result<BufferedResponse, Error> {
        self.response(target, &[200]).await
    }

    /// The same where some statuses are answers too.
    pub(crate) async fn response(
        &self,
        target: &str,
        accepted: &'static [u16],
    ) -> Result<BufferedResponse, Error> {
        self.host.send(&self.request(target, accepted)?).await
    }

    /// The same with one try: where there is another way to find out.
    pub(crate) async fn reply_once(
        &self,
        target: &str,
        accepted: &'static [u16],
    ) -> Result<BufferedResponse, Error> {
        let request = self.request(target, accepted)?;
        self.host.send_with_one_attempt(&request).await
    }

    /// What is wrong with all that is at a target.
    pub(crate) fn protocol_error(&self, target: &str, what: String) -> Error {
        match self.host.address(target) {
            Ok(url) => Error::protocol(&Method::GET, &url, what),
            Err(error) => error,
        }
    }

    fn request(&self, target: &str, accepted: &'static [u16]) -> Result<Request, Error> {
        Ok(Request {
            method: Method::GET,
            url: self.host.address(target)?,
            headers: HeaderMap::new(),
            payload: Bytes::new(),
            is_blob: false,
            scopes: None,
            is_session: false,
            writes: Arc::new(ReadOnly),
            accepted,
            limit: PAGE_LIMIT,
        })
    }
}

impl BufferedResponse {
    /// The target of the page after this one, as [`HostApi::get`] takes it, by the
    /// `Link` header (RFC 8288).
    ///
    /// # Errors
    ///
    /// [`Error::Protocol`] where the `Link` is no URL.
    pub fn next(&self) -> Result<Option<String>, Error> {
        let next = next_page(self)?;
        Ok(next.map(|url| {
            url[url::Position::BeforePath..]
                .trim_start_matches('/')
                .to_owned()
        }))
    }
}
