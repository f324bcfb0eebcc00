//! The one kind of request that cannot be sent twice: a streamed body.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::follow::{checked_target, redirect_target};
use super::host::Host;
use super::motion::Motion;
use crate::auth::{Refusal, Scopes};
use crate::error::Error;

impl Host {
    /// Holds every further request to this host for `wait`.
    pub(crate) fn pause(&self, wait: Duration) {
        self.limit.pause(wait);
    }

    /// Puts a streamed body whose pieces tell `motion`. A redirection (307,
    /// 308) is given back, since the body is spent.
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
        motion: &Arc<Motion>,
    ) -> Result<Option<Url>, Error> {
        let begun = Instant::now();
        let presented = self.auth.present(self, scopes).await?;
        let mut request = self.client_for(url)?.put(url.clone());
        request = request.headers(headers).body(body);
        if let Some(value) = presented.header.as_ref().filter(|_| self.is_home(url)) {
            request = request.header(AUTHORIZATION, value.clone());
        }
        let sent = self.fire(request, &Method::PUT, url, motion).await;
        let answer = sent.map_err(|broken| broken.error)?;
        if let Some(target) = redirect_target(&answer) {
            return checked_target(&Method::PUT, url, &target).map(Some);
        }
        if answer.status() == StatusCode::UNAUTHORIZED {
            let refusal = Refusal {
                presented: &presented,
                since: begun,
                url,
                headers: answer.headers(),
            };
            self.auth.learn(self, scopes, refusal).await?;
        }
        let answer = self.judge(answer, &[201, 204], &presented, None).await?;
        // Read to its end, the connection serves the next request.
        answer.read(64 * 1024).await.map(|_| None)
    }
}
