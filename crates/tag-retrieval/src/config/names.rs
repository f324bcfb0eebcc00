//! Names in the configuration: of repositories, projects and addresses.

use std::str::FromStr;

use oci_spec::distribution::Reference;
use url::Url;

use super::entry::GithubProject;
use crate::url_credentials::without_credentials;

/// Why a text is not the name that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NameError {
    #[error("`{0}` has a tag or a digest: write the repository alone, `{1}`")]
    Tagged(String, String),
    #[error("`{0}` is no name of a repository: {1}")]
    Repository(String, String),
    #[error("`{0}` is no project at GitHub: write OWNER/REPO, such as `etcd-io/etcd`")]
    Github(String),
    #[error(
        "`{0}` is no project at a GitLab: write HOST/GROUP/PROJECT, such as `gitlab.com/gitlab-org/gitlab-runner`"
    )]
    Gitlab(String),
    #[error("`{0}` is no address: {1}")]
    Url(String, String),
    #[error("`{0}` has the scheme `{1}`, which does not do here: use {2}")]
    Scheme(String, String, String),
    #[error("`{0}` is no chart in an OCI registry: its name begins with `oci://`")]
    NotOci(String),
    #[error("`{0}` is a chart in an OCI registry: its versionSource is `helm-oci`")]
    Oci(String),
}

/// Checks that a text is the name of a repository without a tag.
pub(super) fn repository(text: &str) -> Result<(), NameError> {
    let wrong = |why: &str| Err(NameError::Repository(text.to_owned(), why.to_owned()));
    if text.contains("://") {
        return wrong("write host and path only, as in `quay.io/org/image`");
    }
    let path = text.rfind('/').map_or(0, |slash| slash + 1);
    let end = match text.find('@') {
        Some(at) => Some(at),
        None => text
            .get(path..)
            .and_then(|last| last.find(':'))
            .map(|colon| path + colon),
    };
    if let Some(alone) = end.and_then(|end| text.get(..end)) {
        return Err(NameError::Tagged(text.to_owned(), alone.to_owned()));
    }
    match Reference::from_str(text) {
        Ok(_) => Ok(()),
        Err(error) => wrong(&error.to_string()),
    }
}

/// A repository of Docker Hub without the host, as images are compared and proposed.
pub(super) fn without_hub(repository: &str) -> &str {
    let hub = ["docker.io/", "index.docker.io/"];
    hub.into_iter()
        .find_map(|hub| repository.strip_prefix(hub))
        .unwrap_or(repository)
}

pub(super) fn github(text: &str) -> Result<GithubProject, NameError> {
    let is_name = |name: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !name.is_empty() && name.chars().all(allowed) && !matches!(name, "." | "..")
    };
    match text.split_once('/') {
        Some((owner, repository)) if is_name(owner) && is_name(repository) => Ok(GithubProject {
            owner: owner.to_owned(),
            repository: repository.to_owned(),
        }),
        _ => Err(NameError::Github(text.to_owned())),
    }
}

/// The host and the project.
pub(super) fn gitlab(text: &str) -> Result<(String, String), NameError> {
    let wrong = || NameError::Gitlab(text.to_owned());
    let (host, project) = text.split_once('/').ok_or_else(wrong)?;
    let is_host = host.contains(['.', ':']) || host == "localhost";
    let url = Url::parse(&format!("https://{host}/")).ok();
    let is_host = is_host && url.is_some_and(|url| url.username().is_empty() && url.path() == "/");
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_name = |part: &str| !part.is_empty() && part.chars().all(allowed);
    let is_project = project.contains('/') && project.split('/').all(is_name);
    if is_host && is_project {
        Ok((host.to_owned(), project.to_owned()))
    } else {
        Err(wrong())
    }
}

/// An address with one of the schemes.
pub(super) fn url(text: &str, schemes: &[&str]) -> Result<Url, NameError> {
    let url = Url::parse(text).map_err(|error| {
        let example = schemes.first().copied().unwrap_or_default();
        NameError::Url(
            without_credentials(text),
            format!("{error}; it begins with `{example}://`"),
        )
    })?;
    if schemes.contains(&url.scheme()) {
        Ok(url)
    } else {
        let scheme = url.scheme().to_owned();
        Err(NameError::Scheme(
            without_credentials(text),
            scheme,
            schemes.join(", "),
        ))
    }
}

/// Checks that a chart is one of an OCI registry.
pub(super) fn oci_chart(text: &str) -> Result<(), NameError> {
    let name = text.strip_prefix("oci://");
    repository(name.ok_or_else(|| NameError::NotOci(text.to_owned()))?)
}

/// Checks that a chart is one of a repository or a folder.
pub(super) fn plain_chart(text: &str) -> Result<(), NameError> {
    if text.starts_with("oci://") {
        return Err(NameError::Oci(text.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_have_no_tag() {
        for name in [
            "busybox",
            "library/traefik",
            "quay.io/a/b",
            "localhost:5000/a",
            "host.example:5000/a/b",
        ] {
            assert_eq!(repository(name), Ok(()));
        }
        for (name, message) in [
            (
                "busybox:1",
                "has a tag or a digest: write the repository alone, `busybox`",
            ),
            ("host:5000/a:1", "write the repository alone, `host:5000/a`"),
            ("a/b@sha256:00", "write the repository alone, `a/b`"),
            ("https://quay.io/a/b", "write host and path only"),
            ("quay.io/A/b", "`quay.io/A/b` is no name of a repository"),
            ("a b", "is no name of a repository"),
        ] {
            let error = repository(name).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn projects() {
        assert_eq!(github("etcd-io/etcd").unwrap().to_string(), "etcd-io/etcd");
        for text in [
            "etcd",
            "a/b/c",
            "/a",
            "a/",
            "https://github.com/a/b",
            "a/b c",
            "a/..",
        ] {
            assert!(github(text).is_err(), "{text}");
        }
        for (text, host, project) in [
            ("gitlab.com/a/b", "gitlab.com", "a/b"),
            ("127.0.0.1:80/a/b/c", "127.0.0.1:80", "a/b/c"),
        ] {
            assert_eq!(gitlab(text), Ok((host.to_owned(), project.to_owned())));
        }
        for text in [
            "gitlab.com/a",
            "group/a/b",
            "https://gitlab.com/a/b",
            "gitlab.com/a//b",
            "a@b.c/d/e",
        ] {
            assert!(gitlab(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_and_charts() {
        assert!(url("https://helm.cilium.io", &["https", "http"]).is_ok());
        for (outcome, message) in [
            (
                url("helm.cilium.io", &["https", "http"]).map(|_| ()),
                "it begins with `https://`",
            ),
            (
                url("ftp://a", &["https", "http"]).map(|_| ()),
                "scheme `ftp`",
            ),
            (oci_chart("elemental"), "begins with `oci://`"),
            (
                oci_chart("oci://a.b/c:1"),
                "write the repository alone, `a.b/c`",
            ),
            (
                plain_chart("oci://a.b/c"),
                "its versionSource is `helm-oci`",
            ),
        ] {
            let error = outcome.unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        assert_eq!(oci_chart("oci://registry.suse.com/rancher/x"), Ok(()));
    }
}
