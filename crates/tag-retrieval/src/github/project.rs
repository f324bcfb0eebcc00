//! Projects at GitHub, and their paths in the API.

use std::fmt;
use std::str::FromStr;

use registry_client::redact_urls;
use url::Url;
use url::form_urlencoded::byte_serialize;

/// A project at GitHub, `OWNER/REPO`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GithubProject {
    /// The user or organization.
    pub owner: String,
    /// The name of the repository.
    pub repository: String,
}

/// The reason why a text is not a project at GitHub.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a GitHub project: write OWNER/REPO, such as `etcd-io/etcd`")]
pub struct GithubProjectError(String);

impl FromStr for GithubProject {
    type Err = GithubProjectError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name = |name: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            !name.is_empty() && name.chars().all(allowed) && !matches!(name, "." | "..")
        };
        match text.split_once('/') {
            Some((owner, repository)) if is_name(owner) && is_name(repository) => Ok(Self {
                owner: owner.to_owned(),
                repository: repository.to_owned(),
            }),
            _ => Err(GithubProjectError(redact_urls(text))),
        }
    }
}

impl fmt::Display for GithubProject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.repository)
    }
}

/// Returns the path `/repos/OWNER/REPO/…`, with every segment encoded.
#[must_use]
pub fn project_path<'a>(
    project: &'a GithubProject,
    parts: impl IntoIterator<Item = &'a str>,
) -> String {
    let names = ["repos", &project.owner, &project.repository];
    let parts = names
        .into_iter()
        .chain(parts)
        .filter(|part| !part.is_empty());
    // Only the path of the URL is used.
    let Ok(mut url) = Url::parse("http://localhost") else {
        return String::new();
    };
    if let Ok(mut path) = url.path_segments_mut() {
        path.clear().extend(parts);
    }
    url.path().to_owned()
}

/// Encodes a value for a query.
#[must_use]
pub fn query_value(value: &str) -> String {
    byte_serialize(value.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn project_has_an_owner_and_a_repository() {
        let project: GithubProject = "etcd-io/etcd".parse().unwrap();
        assert_eq!(project.to_string(), "etcd-io/etcd");
        for text in [
            "etcd",
            "a/b/c",
            "/a",
            "a/",
            "https://github.com/a/b",
            "a/b c",
            "a/..",
        ] {
            assert!(text.parse::<GithubProject>().is_err(), "{text}");
        }
    }

    #[test]
    fn path_and_query_are_encoded() {
        let project = GithubProject {
            owner: "a/b".to_owned(),
            repository: "c?d".to_owned(),
        };
        let path = project_path(&project, "deploy//100% sure#1.txt".split('/'));
        assert_eq!(path, "/repos/a%2Fb/c%3Fd/deploy/100%25%20sure%231.txt");
        assert_eq!(query_value("v1+a&ref=x"), "v1%2Ba%26ref%3Dx");
    }
}
