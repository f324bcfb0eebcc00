//! The names in an entry: repositories, projects, URLs and charts.

use image_name::RepositoryName;
use registry_client::redact_urls;
use url::Url;

/// The reason why a text is not a valid name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    #[error("`{0}` has a tag or a digest: write the repository alone, `{1}`")]
    Tagged(String, String),
    #[error("`{0}` is not a repository: {1}")]
    Repository(String, String),
    #[error(
        "`{0}` is not a GitLab project: write HOST/GROUP/PROJECT, such as `gitlab.com/gitlab-org/gitlab-runner`"
    )]
    Gitlab(String),
    #[error("`{0}` does not name targets: write `@NAME/PATH` or `@NAME,NAME/PATH`")]
    Targets(String),
    #[error("`{0}` is not a URL: {1}")]
    Url(String, String),
    #[error("`{0}` has the scheme `{1}`: use {2}")]
    Scheme(String, String, String),
    #[error("`{0}` is not a chart in an OCI registry: its name begins with `oci://`")]
    NotOci(String),
    #[error("`{0}` is a chart in an OCI registry: its versionSource is `helm-oci`")]
    Oci(String),
}

/// Returns a name for messages, without the secrets of a URL, also if its scheme is missing.
fn quoted(text: &str) -> String {
    const SCHEME: &str = "https://";
    if text.contains("://") || text.contains("@sha") {
        return redact_urls(text);
    }
    redact_urls(&format!("{SCHEME}{text}")).replacen(SCHEME, "", 1)
}

/// Checks that a text is a repository without a tag.
pub(crate) fn check_repository(text: &str) -> Result<(), NameError> {
    let invalid = |cause: &str| Err(NameError::Repository(quoted(text), cause.to_owned()));
    if quoted(text) != text {
        return invalid("write host and path alone, without credentials and query");
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
    match text.parse::<RepositoryName>() {
        Ok(_) => Ok(()),
        Err(error) => invalid(&error.to_string()),
    }
}

/// Checks that a text is a repository, or names targets as `@NAME[,NAME…]/PATH`. Whether the targets exist
/// is not checked.
pub(crate) fn check_destination(text: &str) -> Result<(), NameError> {
    let Some(rest) = text.strip_prefix('@') else {
        return check_repository(text);
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ',' | '/');
    let is_valid = rest.split_once('/').is_some_and(|(names, path)| {
        !names.is_empty() && !path.is_empty() && rest.chars().all(allowed)
    });
    match is_valid {
        true => Ok(()),
        false => Err(NameError::Targets(quoted(text))),
    }
}

/// Parses `HOST/GROUP/PROJECT` into the host and the project.
pub(crate) fn parse_gitlab_project(text: &str) -> Result<(String, String), NameError> {
    let invalid = || NameError::Gitlab(quoted(text));
    let (host, project) = text.split_once('/').ok_or_else(invalid)?;
    let is_host = host.contains(['.', ':']) || host == "localhost";
    let url = Url::parse(&format!("https://{host}/")).ok();
    let is_host = is_host && url.is_some_and(|url| url.username().is_empty() && url.path() == "/");
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_name = |part: &str| !part.is_empty() && part.chars().all(allowed);
    let is_project = project.contains('/') && project.split('/').all(is_name);
    if is_host && is_project {
        Ok((host.to_owned(), project.to_owned()))
    } else {
        Err(invalid())
    }
}

/// Parses a URL with one of the schemes.
pub(crate) fn parse_url(text: &str, schemes: &[&str]) -> Result<Url, NameError> {
    let url = Url::parse(text).map_err(|error| {
        let example = schemes.first().copied().unwrap_or_default();
        NameError::Url(
            quoted(text),
            format!("{error}; it begins with `{example}://`"),
        )
    })?;
    if schemes.contains(&url.scheme()) {
        Ok(url)
    } else {
        let scheme = url.scheme().to_owned();
        Err(NameError::Scheme(quoted(text), scheme, schemes.join(", ")))
    }
}

/// Checks that a chart is in an OCI registry: an `oci://` reference without a tag.
pub(crate) fn check_oci_chart_name(text: &str) -> Result<(), NameError> {
    let name = text.strip_prefix("oci://");
    check_repository(name.ok_or_else(|| NameError::NotOci(quoted(text)))?)
}

/// Checks that a chart is in a chart repository or directory.
pub(crate) fn check_chart_name(text: &str) -> Result<(), NameError> {
    if text.starts_with("oci://") {
        return Err(NameError::Oci(quoted(text)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repository_has_no_tag_or_digest() {
        for name in [
            "busybox",
            "library/traefik",
            "quay.io/a/b",
            "localhost:5000/a",
            "host.example:5000/a/b",
        ] {
            assert_eq!(check_repository(name), Ok(()));
        }
        for (name, message) in [
            (
                "busybox:1",
                "has a tag or a digest: write the repository alone, `busybox`",
            ),
            ("host:5000/a:1", "write the repository alone, `host:5000/a`"),
            ("a/b@sha256:00", "write the repository alone, `a/b`"),
            ("https://quay.io/a/b", "write host and path"),
            ("quay.io/A/b", "`quay.io/A/b` is not a repository"),
            ("a b", "is not a repository"),
        ] {
            let error = check_repository(name).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn gitlab_project_has_a_host_and_a_group() {
        for (text, host, project) in [
            ("gitlab.com/a/b", "gitlab.com", "a/b"),
            ("127.0.0.1:80/a/b/c", "127.0.0.1:80", "a/b/c"),
        ] {
            assert_eq!(
                parse_gitlab_project(text),
                Ok((host.to_owned(), project.to_owned()))
            );
        }
        for text in [
            "gitlab.com/a",
            "group/a/b",
            "https://gitlab.com/a/b",
            "gitlab.com/a//b",
            "a@b.c/d/e",
        ] {
            assert!(parse_gitlab_project(text).is_err(), "{text}");
        }
    }

    #[test]
    fn url_and_chart_names_are_checked() {
        assert!(parse_url("https://helm.cilium.io", &["https", "http"]).is_ok());
        for (outcome, message) in [
            (
                parse_url("helm.cilium.io", &["https", "http"]).map(|_| ()),
                "it begins with `https://`",
            ),
            (
                parse_url("ftp://a", &["https", "http"]).map(|_| ()),
                "scheme `ftp`",
            ),
            (check_oci_chart_name("elemental"), "begins with `oci://`"),
            (
                check_oci_chart_name("oci://a.b/c:1"),
                "write the repository alone, `a.b/c`",
            ),
            (
                check_chart_name("oci://a.b/c"),
                "its versionSource is `helm-oci`",
            ),
        ] {
            let error = outcome.unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        assert_eq!(
            check_oci_chart_name("oci://registry.suse.com/rancher/x"),
            Ok(())
        );
    }
}
