//! The client for GitHub.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::Utc;
use http::StatusCode;
use http_body_util::{BodyExt, Limited};
use octocrab::Octocrab;
use once_map::OnceMap;
use registry_client::redact_urls;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::error::GithubError;
use super::options::GithubOptions;
use super::project::GithubProject;
use super::rate_limit::ActiveLimit;
use super::rate_limit_gate::RateLimitGate;
use super::release::Release;
use super::request::GithubRequest;
use super::response::GithubResponse;
use super::retry::{Attempts, is_transient};

/// Maximum concurrent requests.
const MAX_CONCURRENT: usize = 8;
/// Timeout of one attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);
/// Maximum size of a response in bytes. A hundred releases with long notes have a few megabytes.
const MAX_RESPONSE_SIZE: usize = 64 * 1024 * 1024;

/// A client for GitHub. Clones share connections, rate limits and fetched objects.
#[derive(Clone)]
pub struct Github {
    pub(super) shared: Arc<Shared>,
    deadline: Option<Instant>,
}

/// The state shared by all clones.
pub(super) struct Shared {
    options: GithubOptions,
    /// Created with the first request. Creation fails without root certificates, which matters only if a
    /// request is sent.
    octocrab: OnceLock<Result<Octocrab, String>>,
    gate: RateLimitGate,
    permits: Semaphore,
    limit_logged: AtomicBool,
    pub(super) releases: OnceMap<GithubProject, Arc<[Release]>>,
    pub(super) latest: OnceMap<GithubProject, Option<Release>>,
    pub(super) files: OnceMap<(GithubProject, String, String), Option<Arc<str>>>,
}

impl fmt::Debug for Github {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Github")
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}

impl Github {
    /// Creates a client. No request is sent.
    #[must_use]
    pub fn new(options: GithubOptions) -> Self {
        let shared = Shared {
            options,
            octocrab: OnceLock::new(),
            gate: RateLimitGate::default(),
            permits: Semaphore::new(MAX_CONCURRENT),
            limit_logged: AtomicBool::new(false),
            releases: OnceMap::default(),
            latest: OnceMap::default(),
            files: OnceMap::default(),
        };
        Self {
            shared: Arc::new(shared),
            deadline: None,
        }
    }

    /// Returns a client with a deadline. A rate limit that ends later is an error at once.
    #[must_use]
    pub fn until(&self, deadline: Instant) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            deadline: Some(deadline),
        }
    }

    /// Returns true if requests carry a token.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        self.shared.options.token.is_some()
    }

    pub(super) fn deadline(&self) -> Instant {
        let timeout = self.shared.options.timeout;
        self.deadline.unwrap_or_else(|| Instant::now() + timeout)
    }

    /// Sends a request and returns the successful response. Retries transient failures. A write may be
    /// applied twice if its response is lost.
    ///
    /// # Errors
    ///
    /// [`GithubError`] if no attempt succeeds.
    pub async fn send(&self, request: &GithubRequest) -> Result<GithubResponse, GithubError> {
        let (start, deadline) = (Instant::now(), self.deadline());
        let mut attempts = Attempts::new(self.shared.options.backoff, deadline);
        let mut limits_without_end = 0;
        loop {
            let outcome = self.attempt(request, start, deadline).await?;
            let error = match outcome {
                Ok(response) => {
                    self.log_limit_once(&response);
                    let refusal =
                        ActiveLimit::from_refusal(&response, Utc::now(), limits_without_end);
                    if let Some(limit) = refusal {
                        limits_without_end += u32::from(response.retry_after().is_none());
                        self.shared.gate.close(limit);
                        continue;
                    }
                    if let Some(limit) = ActiveLimit::exhausted(&response, Utc::now()) {
                        self.shared.gate.close(limit);
                    }
                    if response.status.is_success() {
                        return Ok(response);
                    }
                    let error = self.status_error(request, &response);
                    if !is_transient(response.status) {
                        return Err(error);
                    }
                    error
                }
                Err(error) => error,
            };
            if !attempts.next().await {
                return Err(error);
            }
        }
    }

    /// Sends a request and parses the document in the response.
    ///
    /// # Errors
    ///
    /// [`GithubError`] if no attempt succeeds.
    pub async fn fetch<T: DeserializeOwned>(
        &self,
        request: &GithubRequest,
    ) -> Result<T, GithubError> {
        let response = self.send(request).await?;
        self.document(request, &response)
    }

    /// Parses the document in a response.
    ///
    /// # Errors
    ///
    /// [`GithubError::Protocol`] if the body is not such a document.
    pub fn document<T: DeserializeOwned>(
        &self,
        request: &GithubRequest,
        response: &GithubResponse,
    ) -> Result<T, GithubError> {
        response.document().map_err(|detail| GithubError::Protocol {
            url: self.url(request),
            detail,
        })
    }

    /// Sends a request once. The inner error is transient, the outer one final.
    async fn attempt(
        &self,
        request: &GithubRequest,
        start: Instant,
        deadline: Instant,
    ) -> Result<Result<GithubResponse, GithubError>, GithubError> {
        let timeout = |_| GithubError::Timeout {
            method: request.method.clone(),
            url: self.url(request),
            after: start.elapsed(),
        };
        let octocrab = self.octocrab()?;
        loop {
            let passed = self.shared.gate.pass(deadline).await;
            passed.map_err(|limit| self.rate_limited(limit))?;
            let permit = timeout_at(deadline, self.shared.permits.acquire()).await;
            let _permit = permit.map_err(timeout)?;
            // Another request may have met a limit in the meantime.
            if !self.shared.gate.is_open() {
                continue;
            }
            let end = deadline.min(Instant::now() + ATTEMPT_TIMEOUT);
            // octocrab's futures are large.
            let response = timeout_at(end, Box::pin(exchange(octocrab, request))).await;
            return Ok(match response {
                Ok(Ok(response)) => Ok(response),
                Ok(Err(detail)) => Err(GithubError::Connection {
                    method: request.method.clone(),
                    url: self.url(request),
                    detail,
                }),
                Err(elapsed) => Err(timeout(elapsed)),
            });
        }
    }

    fn octocrab(&self) -> Result<&Octocrab, GithubError> {
        let built = self
            .shared
            .octocrab
            .get_or_init(|| build(&self.shared.options));
        built.as_ref().map_err(|detail| GithubError::Setup {
            api: redact_urls(self.shared.options.api.as_str()),
            detail: detail.clone(),
        })
    }

    fn rate_limited(&self, active: ActiveLimit) -> GithubError {
        GithubError::RateLimited {
            limit: active.limit,
            until: active.until,
            authenticated: self.is_authenticated(),
        }
    }

    fn status_error(&self, request: &GithubRequest, response: &GithubResponse) -> GithubError {
        let message = response.message();
        match response.status {
            StatusCode::NOT_FOUND => GithubError::NotFound {
                target: request.path.clone(),
                authenticated: self.is_authenticated(),
            },
            StatusCode::UNAUTHORIZED if self.is_authenticated() => {
                GithubError::BadToken { message }
            }
            status => GithubError::Status {
                method: request.method.clone(),
                url: self.url(request),
                status,
                message,
            },
        }
    }

    fn url(&self, request: &GithubRequest) -> String {
        let api = redact_urls(self.shared.options.api.as_str());
        format!("{api}{}", request.path)
    }

    /// Logs one warning per run about the rate limit without a token.
    fn log_limit_once(&self, response: &GithubResponse) {
        if self.is_authenticated() || self.shared.limit_logged.swap(true, Ordering::Relaxed) {
            return;
        }
        let hourly = response.limit().unwrap_or(60);
        let left = response.remaining().map(|left| format!(", {left} left"));
        tracing::warn!(
            "no GitHub token: GitHub allows {hourly} requests per hour from this address{}; \
             set GITHUB_TOKEN to raise the limit",
            left.unwrap_or_default()
        );
    }
}

fn build(options: &GithubOptions) -> Result<Octocrab, String> {
    let to_text = |error: octocrab::Error| causes(&error);
    let timeout = Some(ATTEMPT_TIMEOUT);
    let builder = Octocrab::builder()
        .set_connect_timeout(Some(Duration::from_secs(30)))
        .set_read_timeout(timeout)
        .set_write_timeout(timeout);
    let mut builder = builder.base_uri(options.api.as_str()).map_err(to_text)?;
    if let Some(token) = &options.token {
        builder = builder.personal_token(token.expose().to_owned());
    }
    builder.build().map_err(to_text)
}

async fn exchange(octocrab: &Octocrab, request: &GithubRequest) -> Result<GithubResponse, String> {
    let to_text = |error: octocrab::Error| causes(&error);
    let builder = http::Request::builder()
        .method(request.method.clone())
        .uri(request.path.as_str())
        .header(http::header::ACCEPT, request.accept.media_type());
    let built = octocrab.build_request(builder, request.body.as_ref());
    let response = octocrab
        .execute(built.map_err(to_text)?)
        .await
        .map_err(to_text)?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, MAX_RESPONSE_SIZE).collect().await;
    let body = body.map_err(|error| causes(error.as_ref()))?;
    Ok(GithubResponse {
        status: parts.status,
        headers: parts.headers,
        body: body.to_bytes(),
    })
}

/// Formats an error and its causes in one line. Texts of octocrab may end in a backtrace.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        let text = text.lines().next().unwrap_or_default();
        // Many texts end in the text of their cause.
        if let Some(last) = texts.last_mut() {
            let prefix = last.strip_suffix(text).unwrap_or(last);
            *last = prefix.trim_end_matches([' ', ':']).to_owned();
        }
        texts.push(text.to_owned());
        next = error.source();
    }
    texts.retain(|text| !text.is_empty() && text != "Service Error");
    texts.join(": ")
}
