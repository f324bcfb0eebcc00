//! The repository that gets the pull requests.

use registry_client::redact_urls;
use tag_retrieval::github::{ApiUrl, GithubProject};

/// The error for an unknown repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RepositoryError {
    /// `GITHUB_REPOSITORY` is not `OWNER/REPO`.
    #[error("invalid GITHUB_REPOSITORY \"{0}\": expected OWNER/REPO")]
    Name(String),
    /// The remote is not on GitHub.
    #[error(
        "the remote origin ({remote}) is not a repository on {host}: set GITHUB_REPOSITORY to OWNER/REPO, \
         or GITLAB_TOKEN if it is on a GitLab"
    )]
    Remote {
        /// The URL of the remote, without credentials.
        remote: String,
        /// The host of GitHub.
        host: String,
    },
    /// There is neither `GITHUB_REPOSITORY` nor a remote `origin`.
    #[error(
        "cannot find the repository: set GITHUB_REPOSITORY to OWNER/REPO, or add a remote origin"
    )]
    Unknown,
}

/// The repository that gets the pull requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Repository {
    /// A repository on GitHub.
    Github(GithubProject),
    /// A project on GitLab.
    Gitlab {
        /// The URL of the API.
        api: ApiUrl,
        /// The path, `GROUP/PROJECT`.
        project: String,
    },
}

/// Returns the repository in `GITHUB_REPOSITORY`, else the one of the remote `origin`. `api` is the
/// URL of the GitHub API. A remote on another host is a GitLab if there is a token for one.
///
/// # Errors
///
/// [`RepositoryError`] if the repository cannot be determined.
pub(crate) fn find_repository(
    name: Option<&str>,
    remote: Option<&str>,
    api: &str,
    has_gitlab: bool,
) -> Result<Repository, RepositoryError> {
    let remote = match (name, remote) {
        (Some(name), _) => {
            let project = project(name).map(Repository::Github);
            return project.ok_or_else(|| RepositoryError::Name(name.to_owned()));
        }
        (None, None) => return Err(RepositoryError::Unknown),
        (None, Some(remote)) => remote.trim(),
    };
    let host = web_host(api);
    let github = parse_remote(remote, host).map(Repository::Github);
    let gitlab = || has_gitlab.then(|| gitlab(remote)).flatten();
    github
        .or_else(gitlab)
        .ok_or_else(|| RepositoryError::Remote {
            remote: redact_urls(remote),
            host: host.to_owned(),
        })
}

/// Parses a remote on GitLab. A project can be in groups within groups.
fn gitlab(remote: &str) -> Option<Repository> {
    let (scheme, rest) = match remote.split_once("://") {
        Some((scheme @ ("https" | "http" | "ssh"), rest)) => (scheme, rest.to_owned()),
        Some(_) => return None,
        None => ("ssh", remote.replacen(':', "/", 1)),
    };
    let (authority, path) = rest.split_once('/')?;
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let name = authority.split(':').next()?;
    let is_loopback = matches!(name, "localhost" | "127.0.0.1");
    let (scheme, host) = match scheme {
        "http" if is_loopback => ("http", authority),
        "ssh" => ("https", name),
        _ => ("https", authority),
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let is_project = path.contains('/') && path.split('/').all(is_name);
    let api = format!("{scheme}://{host}/api/v4").parse().ok()?;
    is_project.then(|| Repository::Gitlab {
        api,
        project: path.to_owned(),
    })
}

/// Parses `OWNER/REPO`.
fn project(text: &str) -> Option<GithubProject> {
    let (owner, repository) = text.split_once('/')?;
    (is_name(owner) && is_name(repository)).then(|| GithubProject {
        owner: owner.to_owned(),
        repository: repository.to_owned(),
    })
}

fn is_name(part: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !part.is_empty() && part != "." && part != ".." && part.chars().all(allowed)
}

/// Parses a remote: `https://HOST/OWNER/REPO.git`, `ssh://git@HOST:22/OWNER/REPO` or
/// `git@HOST:OWNER/REPO.git`.
fn parse_remote(remote: &str, github: &str) -> Option<GithubProject> {
    let (host, path) = match remote.split_once("://") {
        Some(("https" | "http" | "ssh" | "git", rest)) => {
            let (authority, path) = rest.split_once('/')?;
            (authority, path)
        }
        Some(_) => return None,
        None => remote.split_once(':')?,
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split(':').next()?;
    // GitHub serves SSH over port 443 on ssh.github.com.
    let host = host.strip_prefix("ssh.").unwrap_or(host);
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    project(path).filter(|_| host.eq_ignore_ascii_case(github))
}

/// Returns `github.com` for `https://api.github.com`, and `HOST` for `https://HOST/api/v3`.
fn web_host(api: &str) -> &str {
    let rest = api.split_once("://").map_or(api, |(_, rest)| rest);
    let host = rest.split(['/', ':']).next().unwrap_or(rest);
    host.strip_prefix("api.").unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str = "https://api.github.com";

    #[test]
    fn repository_is_read_from_the_remote() {
        let own = "https://git.example.org/api/v3";
        let table = [
            ("https://github.com/us/mirror.git\n", API, Some("us/mirror")),
            (
                "https://x:token@github.com/us/mirror",
                API,
                Some("us/mirror"),
            ),
            ("git@github.com:us/mirror.js.git", API, Some("us/mirror.js")),
            (
                "ssh://git@ssh.github.com:443/us/mirror.git",
                API,
                Some("us/mirror"),
            ),
            ("https://git.example.org/us/mirror", own, Some("us/mirror")),
            ("https://gitlab.com/us/mirror.git", API, None),
            ("https://github.com/us/group/mirror", API, None),
            ("/srv/git/mirror.git", API, None),
            ("file:///srv/us/mirror.git", API, None),
        ];
        for (remote, api, want) in table {
            let found = find_repository(None, Some(remote), api, false).ok();
            let want = want.map(|want| Repository::Github(want.parse().unwrap()));
            assert_eq!(found, want, "{remote}");
        }
    }

    #[test]
    fn other_remote_is_a_gitlab_if_there_is_a_token() {
        for (remote, want) in [
            (
                "https://gitlab.com/us/group/mirror.git",
                Some(("https://gitlab.com/api/v4", "us/group/mirror")),
            ),
            (
                "https://x:token@git.example.org:8443/us/mirror",
                Some(("https://git.example.org:8443/api/v4", "us/mirror")),
            ),
            (
                "git@gitlab.com:us/mirror.git",
                Some(("https://gitlab.com/api/v4", "us/mirror")),
            ),
            (
                "ssh://git@gitlab.com:22/us/mirror.git",
                Some(("https://gitlab.com/api/v4", "us/mirror")),
            ),
            (
                "http://127.0.0.1:8080/us/mirror.git",
                Some(("http://127.0.0.1:8080/api/v4", "us/mirror")),
            ),
            // A token is sent over TLS only.
            (
                "http://gitlab.example.org/us/mirror.git",
                Some(("https://gitlab.example.org/api/v4", "us/mirror")),
            ),
            ("https://gitlab.com/mirror.git", None),
            ("https://git lab/us/mirror.git", None),
            ("https://gitlab.com/us/../mirror", None),
            ("/srv/git/mirror.git", None),
            ("file:///srv/us/mirror.git", None),
        ] {
            let found = find_repository(None, Some(remote), API, true).ok();
            let want = want.map(|(api, project)| Repository::Gitlab {
                api: api.parse().unwrap(),
                project: project.to_owned(),
            });
            assert_eq!(found, want, "{remote}");
        }
        let github = find_repository(None, Some("https://github.com/us/a"), API, true);
        assert!(matches!(github, Ok(Repository::Github(_))));
    }

    #[test]
    fn variable_takes_precedence_and_must_be_valid() {
        let remote = Some("https://github.com/a/b");
        let found = find_repository(Some("us/mirror"), remote, API, true).unwrap();
        assert_eq!(found, Repository::Github("us/mirror".parse().unwrap()));
        for wrong in [
            "mirror",
            "a/b/c",
            "a/",
            "a/..",
            "a b/c",
            "https://github.com/a/b",
        ] {
            let error = find_repository(Some(wrong), remote, API, false).unwrap_err();
            assert_eq!(error, RepositoryError::Name(wrong.to_owned()));
        }
    }

    #[test]
    fn error_contains_no_credentials() {
        let remote = "https://x:t0ken@gitlab.com/a/b";
        let error = find_repository(None, Some(remote), API, false).unwrap_err();
        assert!(!error.to_string().contains("t0ken"), "{error}");
    }
}
