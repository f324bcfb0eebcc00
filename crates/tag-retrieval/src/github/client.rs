//! The client.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::Utc;
use http::StatusCode;
use http_body_util::{BodyExt, Limited as LimitedBody};
use octocrab::Octocrab;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::answer::Answer;
use super::error::GithubError;
use super::fetched::Fetched;
use super::gate::Gate;
use super::limit::Limited;
use super::options::GithubOptions;
use super::releases::Release;
use super::request::GithubRequest;
use super::tries::{Tries, is_passing};
use crate::config::GithubProject;

/// How many requests are under way at once.
const AT_ONCE: usize = 8;
/// How long one try may take.
const ONE_TRY: Duration = Duration::from_secs(60);
/// The longest answer that is read, in bytes: a hundred releases with long notes are some megabytes.
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;

/// GitHub. Clones share connections, limits and what was fetched.
#[derive(Clone)]
pub struct Github {
    pub(super) shared: Arc<Shared>,
    deadline: Option<Instant>,
}

/// What is one for a run.
pub(super) struct Shared {
    options: GithubOptions,
    /// Made with the first request: without certificates it cannot be, which matters to those only
    /// who ask.
    octocrab: OnceLock<Result<Octocrab, String>>,
    gate: Gate,
    under_way: Semaphore,
    told: AtomicBool,
    pub(super) releases: Fetched<GithubProject, Arc<[Release]>>,
    pub(super) latest: Fetched<GithubProject, Option<Release>>,
    pub(super) files: Fetched<(GithubProject, String, String), Option<Arc<str>>>,
}

impl fmt::Debug for Github {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Github")
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}

impl Github {
    /// A client that has sent nothing.
    #[must_use]
    pub fn new(options: GithubOptions) -> Self {
        let shared = Shared {
            options,
            octocrab: OnceLock::new(),
            gate: Gate::default(),
            under_way: Semaphore::new(AT_ONCE),
            told: AtomicBool::new(false),
            releases: Fetched::default(),
            latest: Fetched::default(),
            files: Fetched::default(),
        };
        Self {
            shared: Arc::new(shared),
            deadline: None,
        }
    }

    /// The same client for somebody who has time until then: limits that end later are errors at
    /// once.
    #[must_use]
    pub fn until(&self, deadline: Instant) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            deadline: Some(deadline),
        }
    }

    /// Whether requests carry a token.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        self.shared.options.token.is_some()
    }

    pub(super) fn deadline(&self) -> Instant {
        let patience = self.shared.options.patience;
        self.deadline.unwrap_or_else(|| Instant::now() + patience)
    }

    /// Sends a request, again where that may help, and gives a success. A change may be made twice:
    /// one whose answer was lost is sent again.
    ///
    /// # Errors
    ///
    /// [`GithubError`]
    pub async fn send(&self, request: &GithubRequest) -> Result<Answer, GithubError> {
        let (begun, deadline) = (Instant::now(), self.deadline());
        let mut tries = Tries::new(self.shared.options.backoff, deadline);
        let mut unsaid = 0;
        loop {
            let outcome = self.try_once(request, begun, deadline).await?;
            let error = match outcome {
                Ok(answer) => {
                    self.tell_limits(&answer);
                    let limited = Limited::refused(&answer, Utc::now(), unsaid);
                    if let Some(limited) = limited {
                        unsaid += u32::from(answer.retry_after().is_none());
                        self.shared.gate.shut(limited);
                        continue;
                    }
                    if let Some(spent) = Limited::spent(&answer, Utc::now()) {
                        self.shared.gate.shut(spent);
                    }
                    if answer.status.is_success() {
                        return Ok(answer);
                    }
                    let error = self.refusal(request, &answer);
                    if !is_passing(answer.status) {
                        return Err(error);
                    }
                    error
                }
                Err(error) => error,
            };
            if !tries.again().await {
                return Err(error);
            }
        }
    }

    /// Sends a request and reads the document that is its answer.
    ///
    /// # Errors
    ///
    /// [`GithubError`]
    pub async fn fetch<T: DeserializeOwned>(
        &self,
        request: &GithubRequest,
    ) -> Result<T, GithubError> {
        let answer = self.send(request).await?;
        self.document(request, &answer)
    }

    /// Reads the document that is the answer to a request.
    ///
    /// # Errors
    ///
    /// [`GithubError::Protocol`]
    pub fn document<T: DeserializeOwned>(
        &self,
        request: &GithubRequest,
        answer: &Answer,
    ) -> Result<T, GithubError> {
        answer.document().map_err(|detail| GithubError::Protocol {
            url: self.url(request),
            detail,
        })
    }

    /// One try: the answer or a failure that may pass; the outer error is final.
    async fn try_once(
        &self,
        request: &GithubRequest,
        begun: Instant,
        deadline: Instant,
    ) -> Result<Result<Answer, GithubError>, GithubError> {
        let timeout = |_| GithubError::Timeout {
            method: request.method.clone(),
            url: self.url(request),
            after: begun.elapsed(),
        };
        let octocrab = self.octocrab()?;
        loop {
            let passed = self.shared.gate.pass(deadline).await;
            passed.map_err(|limited| self.limited(limited))?;
            let permit = timeout_at(deadline, self.shared.under_way.acquire()).await;
            let _permit = permit.map_err(timeout)?;
            // A limit may have become known while this waited.
            if !self.shared.gate.is_open() {
                continue;
            }
            let end = deadline.min(Instant::now() + ONE_TRY);
            // octocrab's futures are large.
            let answer = timeout_at(end, Box::pin(exchange(octocrab, request))).await;
            return Ok(match answer {
                Ok(Ok(answer)) => Ok(answer),
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
            api: self.shared.options.api.clone(),
            detail: detail.clone(),
        })
    }

    fn limited(&self, limited: Limited) -> GithubError {
        GithubError::RateLimited {
            limit: limited.limit,
            until: limited.until,
            authenticated: self.is_authenticated(),
        }
    }

    fn refusal(&self, request: &GithubRequest, answer: &Answer) -> GithubError {
        let message = answer.message();
        match answer.status {
            StatusCode::NOT_FOUND => GithubError::NotFound {
                what: request.path.clone(),
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
        let api = self.shared.options.api.trim_end_matches('/');
        format!("{api}{}", request.path)
    }

    /// Says once in a run what limits apply to those without a token.
    fn tell_limits(&self, answer: &Answer) {
        if self.is_authenticated() || self.shared.told.swap(true, Ordering::Relaxed) {
            return;
        }
        let hourly = answer.limit().unwrap_or(60);
        let left = answer.remaining().map(|left| format!(", {left} left"));
        tracing::warn!(
            "no GitHub token: GitHub allows {hourly} requests an hour from this address{}; \
             GITHUB_TOKEN raises that",
            left.unwrap_or_default()
        );
    }
}

fn build(options: &GithubOptions) -> Result<Octocrab, String> {
    let say = |error: octocrab::Error| causes(&error);
    let timeout = Some(ONE_TRY);
    let builder = Octocrab::builder()
        .set_connect_timeout(Some(Duration::from_secs(30)))
        .set_read_timeout(timeout)
        .set_write_timeout(timeout);
    let mut builder = builder.base_uri(options.api.as_str()).map_err(say)?;
    if let Some(token) = &options.token {
        builder = builder.personal_token(token.expose().to_owned());
    }
    builder.build().map_err(say)
}

async fn exchange(octocrab: &Octocrab, request: &GithubRequest) -> Result<Answer, String> {
    let say = |error: octocrab::Error| causes(&error);
    let builder = http::Request::builder()
        .method(request.method.clone())
        .uri(request.path.as_str())
        .header(http::header::ACCEPT, request.accept.media_type());
    let built = octocrab.build_request(builder, request.body.as_ref());
    let response = octocrab.execute(built.map_err(say)?).await.map_err(say)?;
    let (parts, body) = response.into_parts();
    let body = LimitedBody::new(body, LONGEST_ANSWER).collect().await;
    let body = body.map_err(|error| causes(error.as_ref()))?;
    Ok(Answer {
        status: parts.status,
        headers: parts.headers,
        body: body.to_bytes(),
    })
}

/// An error and its causes in one line. octocrab's own texts may end in a backtrace.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        let text = text.lines().next().unwrap_or_default();
        // Many end in the text of their cause.
        if let Some(last) = texts.last_mut() {
            let own = last.strip_suffix(text).unwrap_or(last);
            *last = own.trim_end_matches([' ', ':']).to_owned();
        }
        texts.push(text.to_owned());
        next = error.source();
    }
    texts.retain(|text| !text.is_empty() && text != "Service Error");
    texts.join(": ")
}
