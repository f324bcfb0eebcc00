//! The repository on GitHub that gets the pull requests.

use registry_client::redact_urls;
use tag_retrieval::github::GithubProject;

/// The error for an unknown repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RepositoryError {
    /// `GITHUB_REPOSITORY` is not `OWNER/REPO`.
    #[error("invalid GITHUB_REPOSITORY \"{0}\": expected OWNER/REPO")]
    Name(String),
    /// The remote is not on GitHub.
    #[error(
        "the remote origin ({remote}) is not a repository on {host}: set GITHUB_REPOSITORY to OWNER/REPO"
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

/// Returns the repository in `GITHUB_REPOSITORY`, else the one of the remote `origin`. `api` is the
/// URL of the GitHub API.
///
/// # Errors
///
/// [`RepositoryError`] if the repository cannot be determined.
pub(crate) fn find_repository(
    name: Option<&str>,
    remote: Option<&str>,
    api: &str,
) -> Result<GithubProject, RepositoryError> {
    match (name, remote) {
        (Some(name), _) => project(name).ok_or_else(|| RepositoryError::Name(name.to_owned())),
        (None, None) => Err(RepositoryError::Unknown),
        (None, Some(remote)) => {
            let host = web_host(api);
            parse_remote(remote.trim(), host).ok_or_else(|| RepositoryError::Remote {
                remote: redact_urls(remote.trim()),
                host: host.to_owned(),
            })
        }
    }
}

/// Parses `OWNER/REPO`.
fn project(text: &str) -> Option<GithubProject> {
    let (owner, repository) = text.split_once('/')?;
    let is_name = |part: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !part.is_empty() && part != "." && part != ".." && part.chars().all(allowed)
    };
    (is_name(owner) && is_name(repository)).then(|| GithubProject {
        owner: owner.to_owned(),
        repository: repository.to_owned(),
    })
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
            let found = find_repository(None, Some(remote), api).ok();
            let found = found.map(|found| found.to_string());
            assert_eq!(found.as_deref(), want, "{remote}");
        }
    }

    #[test]
    fn variable_takes_precedence_and_must_be_valid() {
        let remote = Some("https://github.com/a/b");
        let found = find_repository(Some("us/mirror"), remote, API).unwrap();
        assert_eq!(found.to_string(), "us/mirror");
        for wrong in [
            "mirror",
            "a/b/c",
            "a/",
            "a/..",
            "a b/c",
            "https://github.com/a/b",
        ] {
            let error = find_repository(Some(wrong), remote, API).unwrap_err();
            assert_eq!(error, RepositoryError::Name(wrong.to_owned()));
        }
    }

    #[test]
    fn error_contains_no_credentials() {
        let remote = "https://x:t0ken@gitlab.com/a/b";
        let error = find_repository(None, Some(remote), API).unwrap_err();
        assert!(!error.to_string().contains("t0ken"), "{error}");
    }
}
