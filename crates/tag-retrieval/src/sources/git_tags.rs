//! `git-tags`: the tags of a git repository.
//!
//! The program `git` lists them. It supports every protocol and authentication of git repositories with
//! the configuration of the user, and requests tags only if the server can filter.

use std::io;
use std::time::Duration;

use program_runner::{KeptStderr, Program, RunError};
use registry_client::{redact_urls, redacted_url};
use url::Url;

use crate::candidate::{Candidate, Origin};
use crate::entry::{EntryImage, EntryParts, SourceKind, parse_url};
use crate::error::RetrievalError;
use crate::filters::FilterSet;
use crate::git_settings::GitSettings;
use crate::retrieved::Retrieved;
use crate::source::{ArgumentError, ConfiguredSource, Upstreams, VersionSource};
use crate::url_credentials::UrlCredentials;

/// Deadline of the listing.
const DEADLINE: Duration = Duration::from_secs(60);
/// Maximum size of the listing in bytes: some hundred thousand tags.
const MAX_LISTING_SIZE: usize = 32 * 1024 * 1024;
/// Maximum size of stderr in bytes.
const MAX_STDERR_SIZE: usize = 64 * 1024;

/// An error of git.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// The program could not be started.
    #[error("cannot run git, which git-tags needs: {0}: install git")]
    NotRun(#[source] io::Error),
    /// The command failed.
    #[error("git ls-remote {url}: {stderr}")]
    Failed {
        /// The URL of the repository.
        url: String,
        /// The text on stderr, or the exit status.
        stderr: String,
    },
    /// The URL has a query or a fragment. git appends its paths to them, and its arguments show them.
    #[error(
        "cannot list the tags of {url}: git does not support a query in a URL: write a token as \
         https://USER:TOKEN@HOST/PATH"
    )]
    Query {
        /// The URL of the repository.
        url: String,
    },
    /// The command was stopped at its deadline.
    #[error("git ls-remote {url}: no end within {} s", after.as_secs())]
    TimedOut {
        /// The URL of the repository.
        url: String,
        /// The deadline.
        after: Duration,
    },
    /// The listing is too large.
    #[error("git ls-remote {url}: the listing exceeds {limit} bytes")]
    TooLarge {
        /// The URL of the repository.
        url: String,
        /// The maximum in bytes.
        limit: usize,
    },
}

/// The tags of a git repository.
#[derive(Debug, Clone)]
pub struct GitTags {
    /// The URL: `https://…`, `http://…`, or `file://…` for a local repository.
    pub url: Url,
    /// The images that receive the versions; at least one.
    pub images: Vec<EntryImage>,
    /// The filters for the versions.
    pub filters: FilterSet,
}

impl ConfiguredSource for GitTags {
    const KIND: SourceKind = SourceKind {
        name: "git-tags",
        argument: Some("URL"),
        required: &["images"],
        // No `minimumAge`: lightweight tags have no time.
        optional: &[
            "versionExtract",
            "versionFilter",
            "versionConstraint",
            "latest",
        ],
        charts: None,
    };

    fn parse(argument: &str, parts: EntryParts) -> Result<Self, ArgumentError> {
        Ok(Self {
            url: parse_url(argument, &["https", "http", "file"])?,
            images: parts.images,
            filters: parts.filters,
        })
    }

    fn images(&self) -> &[EntryImage] {
        &self.images
    }
}

impl From<GitError> for RetrievalError {
    fn from(error: GitError) -> Self {
        Self::Source(Box::new(error))
    }
}

impl VersionSource for GitTags {
    async fn retrieve(&self, upstreams: &Upstreams) -> Result<Retrieved, RetrievalError> {
        let location = redacted_url(&self.url);
        if self.url.query().is_some() || self.url.fragment().is_some() {
            return Err(GitError::Query { url: location }.into());
        }
        let listed = ls_remote(&upstreams.git, &self.url, &location, DEADLINE).await?;
        let candidates: Vec<_> = tags(&listed).map(|tag| candidate(&location, tag)).collect();
        if candidates.is_empty() {
            return Err(RetrievalError::Empty {
                location,
                reason: "has no tags".to_owned(),
            });
        }
        let selection = self.filters.select(candidates, upstreams.now)?;
        Ok(selection.into_versions())
    }
}

fn candidate(repository: &str, tag: &str) -> Candidate {
    Candidate {
        name: tag.to_owned(),
        tag: tag.to_owned(),
        published: None,
        origin: Origin::Page {
            title: format!("tag {tag} of {repository}"),
            url: repository.to_owned(),
        },
    }
}

/// Returns the tags of a listing. Each line has an object name, a tab and a reference.
fn tags(listed: &str) -> impl Iterator<Item = &str> {
    let references = listed
        .lines()
        .filter_map(|line| Some(line.split_once('\t')?.1));
    references.filter_map(|reference| reference.strip_prefix("refs/tags/"))
}

async fn ls_remote(
    git: &GitSettings,
    url: &Url,
    location: &str,
    deadline: Duration,
) -> Result<String, GitError> {
    let not_run = |kind: io::ErrorKind| GitError::NotRun(kind.into());
    let program = git.program.as_ref();
    let program = Program::new(program.ok_or_else(|| not_run(io::ErrorKind::NotFound))?)
        .envs(git.environment.iter().map(|(name, value)| (name, value)));
    let ended = with_arguments(program, url).deadline(deadline).run().await;
    let url = location.to_owned();
    let output = ended.map_err(|error| match error {
        RunError::TimedOut { deadline, .. } => GitError::TimedOut {
            url,
            after: deadline,
        },
        RunError::TooMuchOutput { limit, .. } => GitError::TooLarge { url, limit },
        RunError::Io { source, .. } => GitError::NotRun(source),
        _ => not_run(io::ErrorKind::NotFound),
    })?;
    if !output.status.success() {
        let stderr = one_line(&output.stderr).unwrap_or_else(|| output.status.to_string());
        let url = location.to_owned();
        return Err(GitError::Failed { url, stderr });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Settings for every URL. git ends by itself where nothing arrives any more. Of the user's own
/// configuration only credentials, certificates and proxies matter; what else can start a program
/// is off.
const SETTINGS: [&str; 8] = [
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=30",
    "safe.bareRepository=explicit",
    "core.askPass=",
    "core.fsmonitor=false",
    "core.gitProxy=",
    "core.hooksPath=/dev/null",
    "core.sshCommand=false",
];

/// Lists the tags of a repository without prompts, through the protocol of its URL alone.
fn with_arguments(mut program: Program, url: &Url) -> Program {
    // A redirect may lead from HTTP to HTTPS only. Other protocols, such as `ext`, run programs.
    let allowed = match url.scheme() {
        "http" => "http:https",
        "file" => "file",
        _ => "https",
    };
    program = program.arg("--no-pager");
    for setting in SETTINGS {
        program = program.args(["-c", setting]);
    }
    let (url, credentials) = UrlCredentials::split(url);
    if let Some(credentials) = credentials {
        program = with_credentials(program, &url, credentials);
    }
    program
        .args(["ls-remote", "--quiet", "--tags", "--refs", "--"])
        .arg(url.as_str())
        // Outside any repository, so that no local configuration applies.
        .current_dir("/")
        .env("GIT_ALLOW_PROTOCOL", allowed)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "")
        .env("LC_ALL", "C")
        .max_stdout(MAX_LISTING_SIZE)
        .keep_stderr(KeptStderr::First(MAX_STDERR_SIZE))
}

/// Passes the credentials of the URL in the environment, which other users cannot read as they can
/// arguments. They are for the URL's host alone, and no helper of the user stores them.
fn with_credentials(program: Program, url: &Url, credentials: UrlCredentials) -> Program {
    const ANSWER: &str =
        r#"!printf 'username=%s\npassword=%s\n' "$MIRROR_USERNAME" "$MIRROR_PASSWORD" #"#;
    let host = url.origin().ascii_serialization();
    program
        .args(["-c", "credential.helper=", "-c"])
        .arg(format!("credential.{host}.helper={ANSWER}"))
        .env("MIRROR_USERNAME", credentials.username)
        .env("MIRROR_PASSWORD", credentials.password)
}

/// Formats stderr as one line, without `fatal: `. Returns `None` if it is empty.
fn one_line(stderr: &[u8]) -> Option<String> {
    let stderr = String::from_utf8_lossy(stderr);
    let lines = stderr
        .lines()
        .map(|line| line.trim_start_matches("fatal: ").trim());
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    let line = lines.join("; ").replace(|c: char| c.is_control(), " ");
    (!line.is_empty()).then(|| redact_urls(&line))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn only_tags_are_listed() {
        let listed = "1f\trefs/tags/v1.0\n2e\trefs/tags/api/v1.1\n3d\trefs/heads/v2\nnonsense\n";
        assert_eq!(tags(listed).collect::<Vec<_>>(), ["v1.0", "api/v1.1"]);
    }

    #[tokio::test]
    async fn silent_server_is_an_error_at_the_deadline() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/a.git", silent.local_addr().unwrap());
        let url: Url = url.parse().unwrap();
        let git = GitSettings {
            program: program_runner::find(OsStr::new("/usr/local/bin:/usr/bin:/bin"), "git"),
            environment: Vec::new(),
        };
        let result = ls_remote(&git, &url, "it", Duration::from_millis(300)).await;
        assert!(
            matches!(result, Err(GitError::TimedOut { .. })),
            "{result:?}"
        );
    }
}
