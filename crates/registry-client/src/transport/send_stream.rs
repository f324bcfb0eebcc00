//! Sends a request with a streamed body, which cannot be repeated.

use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;
use http::header::AUTHORIZATION;
use url::Url;

use super::authentication::Refusal;
use super::body_progress::BodyProgress;
use super::host::Host;
use super::redirects::{checked_target, redirect_target};
use super::response::BufferedResponse;
use super::send::Request;
use crate::auth::Authorization;
use crate::error::Error;

/// The response to a streamed request.
#[derive(Debug)]
pub(crate) enum StreamResponse {
    /// The registry has read the body.
    Stored(BufferedResponse),
    /// The target of a redirect.
    Redirect(Url),
}

impl Host {
    /// Sends a request with a streamed body that updates `body_progress`. A redirect (307, 308) is
    /// not followed, since the body is consumed.
    ///
    /// # Errors
    ///
    /// As [`Host::send_once`]. After a 401 the next request authenticates anew.
    pub(crate) async fn send_stream(
        self: &Arc<Self>,
        request: &Request,
        body: reqwest::Body,
        body_progress: &Arc<BodyProgress>,
    ) -> Result<StreamResponse, Error> {
        self.check(request)?;
        let Request {
            method,
            url,
            scopes,
            ..
        } = request;
        let started = Instant::now();
        let authorization = match scopes {
            Some(scopes) => self.authorize(scopes).await?,
            None => Authorization::default(),
        };
        let mut sent = self.client_for(url)?.request(method.clone(), url.clone());
        sent = sent.headers(request.headers.clone()).body(body);
        let trusted = self.is_own_url(url) && self.may_carry_credentials(request, url);
        if let Some(value) = authorization.header.as_ref().filter(|_| trusted) {
            sent = sent.header(AUTHORIZATION, value.clone());
        }
        let response = self.dispatch(sent, method, url, body_progress).await?;
        if let Some(target) = redirect_target(&response) {
            return checked_target(method, url, &target).map(StreamResponse::Redirect);
        }
        if let Some(scopes) = scopes
            && response.status() == StatusCode::UNAUTHORIZED
        {
            let refusal = Refusal {
                authorization: &authorization,
                since: started,
                url,
                headers: response.headers(),
            };
            self.learn(scopes, refusal).await?;
        }
        let response = self
            .check_status(response, request.accepted, &authorization, None)
            .await?;
        // A connection is reusable once the body has been read.
        response.read(64 * 1024).await.map(StreamResponse::Stored)
    }
}
