//! `gitlab-releases`: the releases of a project at a GitLab.

use chrono::{DateTime, Utc};
use http::StatusCode;
use registry_client::{HostApi, Page};
use serde::Deserialize;

use crate::candidate::{Candidate, Origin};
use crate::config::GitlabReleases;
use crate::error::RetrievalError;
use crate::retrieved::Retrieved;
use crate::source::{Upstreams, VersionSource};

/// Ten thousand releases; a server that pages without end stops here.
const PAGES: usize = 100;

/// A release, as far as it counts here.
///
/// Source: GitLab documentation, "Releases API".
#[derive(Deserialize)]
struct Release {
    tag_name: String,
    released_at: Option<String>,
    /// Announced for a day that is yet to come.
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
        let site = upstreams.registries.host_api(&self.host)?;
        let releases = self.releases(&site).await?;
        let released = releases
            .into_iter()
            .filter(|release| !release.upcoming_release);
        let candidates: Vec<_> = released.map(|release| self.candidate(release)).collect();
        if candidates.is_empty() {
            return Err(self.nothing("has no releases"));
        }
        let selection = self.filters.select(candidates, upstreams.now)?;
        Ok(selection.into_versions())
    }
}

impl GitlabReleases {
    async fn releases(&self, site: &HostApi) -> Result<Vec<Release>, RetrievalError> {
        let project = self.project.replace('/', "%2F");
        let first = format!("api/v4/projects/{project}/releases?per_page=100");
        let mut target = first.clone();
        let mut releases = Vec::new();
        for _ in 0..PAGES {
            let page = site
                .get(&target)
                .await
                .map_err(|error| self.refused(error))?;
            let listed: Vec<Release> = serde_json::from_slice(page.body()).map_err(|error| {
                page.unusable(&format!("this is no list of releases ({error})"))
            })?;
            releases.extend(listed);
            match next_page(&page, &first)? {
                Some(next) if next != target => target = next,
                _ => return Ok(releases),
            }
        }
        Err(self.nothing(&format!("has more than {PAGES} pages of releases")))
    }

    /// To strangers a private project is one that does not exist, and one whose
    /// releases are for members is forbidden.
    fn refused(&self, error: registry_client::Error) -> RetrievalError {
        match error.status() {
            Some(StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => self
                .nothing("is no project whose releases everybody may see; GitLab is asked without a token"),
            _ => error.into(),
        }
    }

    fn nothing(&self, what: &str) -> RetrievalError {
        RetrievalError::Nothing {
            place: format!("{}/{}", self.host, self.project),
            what: what.to_owned(),
        }
    }

    fn candidate(&self, release: Release) -> Candidate {
        let Self { host, project, .. } = self;
        let tag = release.tag_name;
        let url = release.links.page;
        Candidate {
            published: release.released_at.as_deref().and_then(time),
            origin: Origin::Page {
                title: format!("release {tag} of {project} at {host}"),
                url: url.unwrap_or_else(|| format!("https://{host}/{project}/-/releases/{tag}")),
            },
            name: tag.clone(),
            tag,
        }
    }
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    Some(time.with_timezone(&Utc))
}

/// By `Link`; some proxies take it away and leave GitLab's own header, which is
/// empty on the last page.
fn next_page(page: &Page, first: &str) -> Result<Option<String>, RetrievalError> {
    if let Some(next) = page.next()? {
        return Ok(Some(next));
    }
    let number = page
        .header("x-next-page")
        .and_then(|number| number.parse::<u32>().ok());
    Ok(number.map(|number| format!("{first}&page={number}")))
}
