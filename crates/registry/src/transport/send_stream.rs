//! The one kind of request that cannot be sent twice: a streamed body.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::answer::Answer;
use super::host::Host;
use super::limit::Permit;
use super::send::{checked_target, redirect_target};
use crate::auth::Scopes;
use crate::error::Error;

impl Host {
    /// Holds every further request to this host for `wait`.
    pub(crate) fn pause(&self, wait: Duration) {
        self.limit.pause(wait);
    }

    /// Puts a streamed body; the caller watches that it moves. A redirection
    /// (307, 308) is given back, since the body is spent.
    ///
    /// # Errors
    ///
    /// As of one try of any request; after a 401 the next try is
    /// authenticated anew.
    pub(crate) async fn send_stream(
        self: &Arc<Self>,
        url: &Url,
        headers: HeaderMap,
        body: reqwest::Body,
        scopes: &Scopes,
        _permit: &Permit,
    ) -> Result<Option<Url>, Error> {
        let presented = self.auth.present(self, scopes).await?;
        let at_home = self.is_home(url);
        let client = if at_home {
            &self.http
        } else {
            &self.shared.elsewhere
        };
        let mut request = client.put(url.clone()).headers(headers).body(body);
        if let Some(value) = presented.header.as_ref().filter(|_| at_home) {
            request = request.header(AUTHORIZATION, value.clone());
        }
        self.shared.requests.fetch_add(1, Ordering::Relaxed);
        let response = request.send().await;
        let answer = Answer {
            method: Method::PUT,
            url: url.clone(),
            response: response
                .map_err(|error| Error::connection(&Method::PUT, url, &error.without_url()))?,
            stall: self.patience().stall,
            _permit: None,
        };
        if let Some(target) = redirect_target(&answer) {
            return checked_target(&answer, target).map(Some);
        }
        if answer.status() == StatusCode::UNAUTHORIZED {
            self.auth
                .learn(self, scopes, &presented, answer.url(), answer.headers())?;
        }
        let answer = self.judge(answer, &[201, 204], &presented).await?;
        // Read to its end, the connection serves the next request.
        answer.read(64 * 1024).await.map(|_| None)
    }
}
