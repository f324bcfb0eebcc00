//! HTTP APIs of hosts, requested without credentials.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::document_memory::BodyMemory;
use crate::error::Error;
use crate::paging::next_page;
use crate::transport::{BufferedResponse, Host, ListBudget, Request};
use crate::write_policy::ReadOnly;

/// The HTTP API of a host, requested without credentials.
///
/// It shares the limit, pauses, retries and trust of the host with its registry. Loopback hosts use
/// http, all others https.
#[derive(Debug, Clone)]
pub struct HostApi {
    host: Arc<Host>,
}

/// The largest body in bytes. A hundred releases with their descriptions have some megabytes.
const MAX_BODY: u64 = 32 * 1024 * 1024;

impl HostApi {
    pub(crate) fn new(host: Arc<Host>) -> Self {
        Self { host }
    }

    /// Sends a GET for `target`, a percent-encoded path and query without the first slash. Redirects
    /// are followed.
    ///
    /// # Errors
    ///
    /// Any [`Error`]; [`Error::Status`] for every status but 200.
    pub async fn get(&self, target: &str) -> Result<BufferedResponse, Error> {
        self.get_with_status(target, &[200]).await
    }

    /// Sends a GET that may have one of several statuses.
    pub(crate) async fn get_with_status(
        &self,
        target: &str,
        accepted: &'static [u16],
    ) -> Result<BufferedResponse, Error> {
        self.host.send(&self.request(target, accepted)?).await
    }

    /// Sends the GET for one page of a list.
    pub(crate) async fn get_page(
        &self,
        target: &str,
        budget: &mut ListBudget,
    ) -> Result<BufferedResponse, Error> {
        let request = self.request(target, &[200])?;
        self.host.send_page(&request, budget).await
    }

    /// Returns the budget of one list with all its pages.
    pub(crate) fn list_budget(&self) -> ListBudget {
        self.host.list_budget()
    }

    /// Sends a GET without retries.
    pub(crate) async fn get_once(
        &self,
        target: &str,
        accepted: &'static [u16],
    ) -> Result<BufferedResponse, Error> {
        let request = self.request(target, accepted)?;
        self.host.send_with_one_attempt(&request).await
    }

    /// Returns an error about the resource at `target`.
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
            vendor: None,
            is_session: false,
            writes: Arc::new(ReadOnly),
            accepted,
            limit: MAX_BODY,
            body: BodyMemory::Document,
        })
    }
}

impl BufferedResponse {
    /// Returns the target of the next page for [`HostApi::get`], from the `Link` header (RFC 8288).
    ///
    /// # Errors
    ///
    /// [`Error::Protocol`] if the `Link` is not a URL.
    pub fn next_page(&self) -> Result<Option<String>, Error> {
        let next = next_page(self)?;
        Ok(next.map(|url| {
            url[url::Position::BeforePath..]
                .trim_start_matches('/')
                .to_owned()
        }))
    }
}
