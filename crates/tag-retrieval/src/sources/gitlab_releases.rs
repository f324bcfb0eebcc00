//! `gitlab-releases`: the releases of a project on a GitLab host.

use chrono::{DateTime, Utc};
use http::StatusCode;
use registry_client::{BufferedResponse, HostApi};
use serde::Deserialize;

use crate::candidate::{Candidate, Origin};
use crate::entry::{EntryImage, EntryParts, SourceKind, parse_gitlab_project};
use crate::error::RetrievalError;
use crate::filters::FilterSet;
use crate::github::GithubRequest;
use crate::gitlab::Gitlab;
use crate::retrieved::Retrieved;
use crate::source::{ArgumentError, ConfiguredSource, Upstreams, VersionSource};

/// Maximum number of pages: ten thousand releases. Some servers return pages without end.
const MAX_PAGES: usize = 100;

/// The releases of a project on a GitLab host.
#[derive(Debug, Clone)]
pub struct GitlabReleases {
    /// The host, with the port if it has one.
    pub host: String,
    /// The project, `GROUP/PROJECT` with any number of groups.
    pub project: String,
    /// The images that receive the versions; at least one.
    pub images: Vec<EntryImage>,
    /// The filters for the versions.
    pub filters: FilterSet,
}

impl ConfiguredSource for GitlabReleases {
    const KIND: SourceKind = SourceKind {
        name: "gitlab-releases",
        argument: Some("HOST/GROUP/PROJECT"),
        required: &["images"],
        optional: &[
            "versionExtract",
            "tagTemplate",
            "versionFilter",
            "versionConstraint",
            "minimumAge",
            "latest",
            "latestBy",
            "follow",
            "maximum",
        ],
        charts: None,
    };

    fn parse(argument: &str, parts: EntryParts) -> Result<Self, ArgumentError> {
        let (host, project) = parse_gitlab_project(argument)?;
        Ok(Self {
            host,
            project,
            images: parts.images,
            filters: parts.filters,
        })
    }

    fn images(&self) -> &[EntryImage] {
        &self.images
    }
}

/// The fields of a release that this source reads.
///
/// Source: GitLab documentation, "Releases API".
#[derive(Deserialize)]
struct Release {
    tag_name: String,
    released_at: Option<String>,
    /// Scheduled for a future date.
    #[serde(default)]
    upcoming_release: bool,
    #[serde(default, rename = "_links")]
    links: Links,
}

#[derive(Default, Deserialize)]
struct Links {
    #[serde(rename = "self")]
    page: Option<String>,
}

impl VersionSource for GitlabReleases {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        let with_token = upstreams.gitlab.as_ref();
        let with_token = with_token.filter(|gitlab| gitlab.host() == self.host.to_lowercase());
        let releases = match with_token {
            Some(gitlab) => self.fetch_with_token(gitlab).await?,
            None => {
                let host_api = upstreams.registries.host_api(&self.host)?;
                self.fetch(&host_api).await?
            }
        };
        let released = releases
            .into_iter()
            .filter(|release| !release.upcoming_release);
        let candidates: Vec<_> = released.map(|release| self.candidate(release)).collect();
        if candidates.is_empty() {
            return Err(self.empty("has no releases"));
        }
        let selection = self.filters.select(candidates, upstreams.now)?;
        Ok(selection.into_versions())
    }
}

impl GitlabReleases {
    /// Reads the releases of a project that may be private.
    async fn fetch_with_token(&self, gitlab: &Gitlab) -> Result<Vec<Release>, RetrievalError> {
        let project = self.project.replace('/', "%2F");
        let mut releases = Vec::new();
        for page in 1..=MAX_PAGES {
            let path = format!("/projects/{project}/releases?per_page=100&page={page}");
            let request = GithubRequest::get(path);
            let response = gitlab.send(&request).await;
            let response = response.map_err(|error| match error.status() {
                Some(StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                    self.empty("has no releases that the token in GITLAB_TOKEN may read")
                }
                _ => RetrievalError::Source(Box::new(error)),
            })?;
            let listed: Vec<Release> = gitlab
                .document(&request, &response)
                .map_err(|error| RetrievalError::Source(Box::new(error)))?;
            releases.extend(listed);
            if !response.has_next_page() {
                return Ok(releases);
            }
        }
        Err(self.empty(&format!("has more than {MAX_PAGES} pages of releases")))
    }

    async fn fetch(&self, host_api: &HostApi) -> Result<Vec<Release>, RetrievalError> {
        let project = self.project.replace('/', "%2F");
        let first = format!("api/v4/projects/{project}/releases?per_page=100");
        let mut target = first.clone();
        let mut releases = Vec::new();
        for _ in 0..MAX_PAGES {
            let page = host_api
                .get(&target)
                .await
                .map_err(|error| self.refused(error))?;
            let listed: Vec<Release> = serde_json::from_slice(page.body()).map_err(|error| {
                page.protocol_error(format!("not a list of releases ({error})"))
            })?;
            releases.extend(listed);
            match next_page(&page, &first)? {
                Some(next) if next != target => target = next,
                _ => return Ok(releases),
            }
        }
        Err(self.empty(&format!("has more than {MAX_PAGES} pages of releases")))
    }

    /// Explains a refusal. Without a token, GitLab reports a private project as missing, and one with
    /// members-only releases as forbidden.
    fn refused(&self, error: registry_client::Error) -> RetrievalError {
        match error.status() {
            Some(StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                self.empty(
                    "has no public releases; GitLab is queried without a token: set GITLAB_TOKEN, and \
                     GITLAB_HOST unless it is gitlab.com",
                )
            }
            _ => error.into(),
        }
    }

    fn empty(&self, reason: &str) -> RetrievalError {
        RetrievalError::Empty {
            location: format!("{}/{}", self.host, self.project),
            reason: reason.to_owned(),
        }
    }

    fn candidate(&self, release: Release) -> Candidate {
        let Self { host, project, .. } = self;
        let tag = release.tag_name;
        let url = release.links.page;
        let published = release.released_at.as_deref().and_then(time);
        let origin = Origin::Page {
            title: format!("release {tag} of {project} at {host}"),
            url: url.unwrap_or_else(|| format!("https://{host}/{project}/-/releases/{tag}")),
        };
        Candidate::new(tag, published, origin)
    }
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    Some(time.with_timezone(&Utc))
}

/// Returns the next page from the `Link` header. Some proxies remove it and keep GitLab's own header,
/// which is empty on the last page.
fn next_page(page: &BufferedResponse, first: &str) -> Result<Option<String>, RetrievalError> {
    if let Some(next) = page.next_page()? {
        return Ok(Some(next));
    }
    let number = page
        .header("x-next-page")
        .and_then(|number| number.parse::<u32>().ok());
    Ok(number.map(|number| format!("{first}&page={number}")))
}
