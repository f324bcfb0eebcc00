//! `git-tags`: the tags of a git repository.
//!
//! The program `git` asks for them: it speaks every protocol and every
//! authentication that git repositories are behind, with the configuration of
//! whoever runs it, and asks for tags only where a server lets it.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use url::Url;

use crate::candidate::{Candidate, Origin};
use crate::entry::{EntryImage, EntryParts, SourceKind, parse_url};
use crate::error::RetrievalError;
use crate::filters::FilterSet;
use crate::retrieved::Retrieved;
use crate::source::{ArgumentError, ConfiguredSource, Upstreams, VersionSource};
use crate::url_credentials::UrlCredentials;

/// For the whole answer.
const DEADLINE: Duration = Duration::from_secs(60);
/// Some hundred thousand tags.
const LARGEST: u64 = 32 * 1024 * 1024;
/// What git says of a failure.
const SAID: u64 = 64 * 1024;

/// Why git did not tell the tags.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// It could not be started.
    #[error(
        "the version source git-tags needs the program git, which cannot be run: {0}; install git"
    )]
    NotRun(io::Error),
    /// It failed.
    #[error("git ls-remote {url}: {said}")]
    Failed {
        /// The repository.
        url: String,
        /// What it said, or its status.
        said: String,
    },
    /// It took too long and was ended.
    #[error("git ls-remote {url}: no end within {} s", after.as_secs())]
    TimedOut {
        /// The repository.
        url: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// There are more tags than anybody has.
    #[error(
        "git ls-remote {url}: the answer is larger than {limit} bytes, the most that is accepted here"
    )]
    TooLarge {
        /// The repository.
        url: String,
        /// The bound in bytes.
        limit: u64,
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
        let shown = UrlCredentials::split(&self.url).0.to_string();
        let listed = ls_remote(&self.url, &shown, DEADLINE).await?;
        let candidates: Vec<_> = tags(&listed).map(|tag| candidate(&shown, tag)).collect();
        if candidates.is_empty() {
            return Err(RetrievalError::Empty {
                location: shown,
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

/// The tags in lines of an object's name, a tab and a reference's.
fn tags(listed: &str) -> impl Iterator<Item = &str> {
    let references = listed
        .lines()
        .filter_map(|line| Some(line.split_once('\t')?.1));
    references.filter_map(|reference| reference.strip_prefix("refs/tags/"))
}

async fn ls_remote(url: &Url, shown: &str, after: Duration) -> Result<String, GitError> {
    let mut child = command(url).spawn().map_err(GitError::NotRun)?;
    let talk = tokio::time::timeout(after, talk(&mut child)).await;
    let url = shown.to_owned();
    let (status, listed, said) = match talk {
        Ok(talk) => talk.map_err(GitError::NotRun)?,
        Err(_) => {
            return Err(GitError::TimedOut { url, after });
        }
    };
    if listed.len() as u64 > LARGEST {
        return Err(GitError::TooLarge {
            url,
            limit: LARGEST,
        });
    }
    if !status.success() {
        let said = one_line(&said).unwrap_or_else(|| status.to_string());
        return Err(GitError::Failed { url, said });
    }
    Ok(String::from_utf8_lossy(&listed).into_owned())
}

/// git, which asks nobody for a password, takes no other way than the URL's and
/// ends by itself where nothing comes any more.
fn command(url: &Url) -> Command {
    // A redirect may lead from plain HTTP to TLS, not the other way. Others, such
    // as `ext`, run programs.
    let allowed = match url.scheme() {
        "http" => "http:https",
        "file" => "file",
        _ => "https",
    };
    let mut command = Command::new("git");
    command.args(["-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=30"]);
    let (url, credentials) = UrlCredentials::split(url);
    if let Some(credentials) = credentials {
        answer_for(&mut command, &url, credentials);
    }
    command
        .args([
            "ls-remote",
            "--quiet",
            "--tags",
            "--refs",
            "--",
            url.as_str(),
        ])
        // Not in a repository, whose configuration would count.
        .current_dir("/")
        .env_remove("GIT_DIR")
        .env("GIT_ALLOW_PROTOCOL", allowed)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Lets git ask its environment, which others cannot read as they can arguments, for the credentials
/// of the URL: for its host alone, and none of the user's helpers gets to store them.
fn answer_for(command: &mut Command, url: &Url, credentials: UrlCredentials) {
    const ANSWER: &str =
        r#"!printf 'username=%s\npassword=%s\n' "$MIRROR_USERNAME" "$MIRROR_PASSWORD" #"#;
    let host = url.origin().ascii_serialization();
    command
        .args(["-c", "credential.helper="])
        .arg("-c")
        .arg(format!("credential.{host}.helper={ANSWER}"))
        .env("MIRROR_USERNAME", credentials.username)
        .env("MIRROR_PASSWORD", credentials.password);
}

/// Status, answer and complaint. An answer beyond the bound is cut off there,
/// which ends git.
async fn talk(child: &mut Child) -> io::Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (listed, said) = tokio::try_join!(read(stdout, LARGEST + 1), read(stderr, SAID))?;
    Ok((child.wait().await?, listed, said))
}

async fn read(pipe: Option<impl AsyncRead + Unpin>, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(most).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// What git said, `fatal: ` cut; `None` where it said nothing.
fn one_line(said: &[u8]) -> Option<String> {
    let said = String::from_utf8_lossy(said);
    let lines = said
        .lines()
        .map(|line| line.trim_start_matches("fatal: ").trim());
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    let line = lines.join("; ").replace(|c: char| c.is_control(), " ");
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_other_than_tags_are_none() {
        let listed = "1f\trefs/tags/v1.0\n2e\trefs/tags/api/v1.1\n3d\trefs/heads/v2\nnonsense\n";
        assert_eq!(tags(listed).collect::<Vec<_>>(), ["v1.0", "api/v1.1"]);
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_not_waited_for() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/a.git", silent.local_addr().unwrap());
        let url: Url = url.parse().unwrap();
        let asked = ls_remote(&url, "it", Duration::from_millis(300)).await;
        assert!(matches!(asked, Err(GitError::TimedOut { .. })), "{asked:?}");
    }
}
