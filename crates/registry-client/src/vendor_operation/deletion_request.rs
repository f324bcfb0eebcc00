//! The deletion of one tag or manifest at a vendor's API.

use http::{HeaderMap, Method};
use image_name::{Digest, ManifestReference, RepositoryPath, Tag};
use url::Url;

use super::request_names::{AMZ_TARGET, ECR_DELETE_TARGET, gitlab_id, gitlab_prefixes};

/// The deletion of one tag or manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeletionRequest {
    pub(crate) vendor: DeletionVendor,
    /// The tag, or the digest of the manifest.
    pub(crate) reference: ManifestReference,
    /// The digest that the tag must have.
    pub(crate) digest: Digest,
    /// The tags that may go with the manifest, where the vendor deletes a manifest with all its tags.
    pub(crate) tags: Vec<Tag>,
    /// The path of GitLab at its host, without the last slash.
    pub(crate) root: String,
}

/// The vendor of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeletionVendor {
    Azure,
    DockerHub,
    Ecr,
    GitHub,
    GitLab,
    Harbor,
    Quay,
}

/// Returns the path of a tag of Harbor, below its artifact.
pub(super) fn harbor_tag_path(repository: &RepositoryPath, digest: &str, tag: &str) -> String {
    let (project, name) = repository
        .as_str()
        .split_once('/')
        .unwrap_or((repository.as_str(), ""));
    let name = name.replace('/', "%252F");
    format!("/api/v2.0/projects/{project}/repositories/{name}/artifacts/{digest}/tags/{tag}")
}

impl DeletionRequest {
    /// Returns true if a request belongs to the deletion.
    pub(super) fn permits(
        &self,
        repository: &RepositoryPath,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
    ) -> bool {
        let (path, reference) = (url.path(), self.reference.as_str());
        let is_plain = url.query().is_none();
        match (self.vendor, method.as_str()) {
            (DeletionVendor::Ecr, "POST") => {
                let operation = headers.get(AMZ_TARGET);
                is_plain
                    && path == "/"
                    && operation.is_some_and(|operation| operation == ECR_DELETE_TARGET)
            }
            (DeletionVendor::DockerHub, "POST") => is_plain && path == "/v2/auth/token",
            (DeletionVendor::DockerHub, "DELETE") => {
                is_plain && path == format!("/v2/repositories/{repository}/tags/{reference}/")
            }
            (DeletionVendor::Azure, "DELETE") => {
                is_plain && path == format!("/acr/v1/{repository}/_tags/{reference}")
            }
            (DeletionVendor::Quay, "DELETE") => {
                is_plain && path == format!("/api/v1/repository/{repository}/tag/{reference}")
            }
            (DeletionVendor::Harbor, "DELETE") => {
                is_plain && path == harbor_tag_path(repository, self.digest.as_str(), reference)
            }
            (DeletionVendor::GitHub, method) => is_github_request(repository, method, url),
            (DeletionVendor::GitLab, method) => path
                .strip_prefix(self.root.as_str())
                .and_then(|path| path.strip_prefix("/api/v4/projects/"))
                .is_some_and(|path| self.is_gitlab_request(repository, method, path, is_plain)),
            _ => false,
        }
    }

    fn is_gitlab_request(
        &self,
        repository: &RepositoryPath,
        method: &str,
        path: &str,
        is_plain: bool,
    ) -> bool {
        let (project, rest) = path.split_once('/').unwrap_or((path, ""));
        if !gitlab_prefixes(repository).any(|prefix| gitlab_id(prefix) == project) {
            return false;
        }
        match (method, rest) {
            ("GET", "") => is_plain,
            ("GET", "registry/repositories") => true,
            ("DELETE", rest) => rest
                .strip_prefix("registry/repositories/")
                .and_then(|rest| rest.split_once("/tags/"))
                .is_some_and(|(id, tag)| {
                    is_plain && is_number(id) && tag == self.reference.as_str()
                }),
            _ => false,
        }
    }
}

/// Returns true for a request that lists or deletes versions of the repository's package.
fn is_github_request(repository: &RepositoryPath, method: &str, url: &Url) -> bool {
    let Some((owner, package)) = repository.as_str().split_once('/') else {
        return false;
    };
    let package = package.replace('/', "%2F");
    let rest = ["orgs", "users"].into_iter().find_map(|owners| {
        let versions = format!("/{owners}/{owner}/packages/container/{package}/versions");
        url.path().strip_prefix(&versions)
    });
    match (method, rest) {
        ("GET", Some("")) => true,
        ("DELETE", Some(id)) => {
            url.query().is_none() && id.strip_prefix('/').is_some_and(is_number)
        }
        _ => false,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use DeletionVendor::{Azure, DockerHub, Ecr, GitHub, GitLab, Harbor, Quay};

    /// Each request of each deletion, and requests that a deletion must not send. `DIGEST` is that of the image.
    const TABLE: &[(DeletionVendor, &str, &str, bool)] = &[
        (Ecr, "POST", "/", true),
        (Ecr, "DELETE", "/", false),
        (Ecr, "POST", "/?Action=DeleteRepository", false),
        (DockerHub, "POST", "/v2/auth/token", true),
        (DockerHub, "DELETE", "/v2/repositories/a/b/c/tags/v1/", true),
        (
            DockerHub,
            "DELETE",
            "/v2/repositories/a/b/c/tags/v2/",
            false,
        ),
        (DockerHub, "DELETE", "/v2/repositories/a/b/c/", false),
        (Azure, "DELETE", "/acr/v1/a/b/c/_tags/v1", true),
        (Azure, "DELETE", "/acr/v1/a/b/c", false),
        (Quay, "DELETE", "/api/v1/repository/a/b/c/tag/v1", true),
        (Quay, "DELETE", "/api/v1/repository/a/b/c", false),
        (
            Harbor,
            "DELETE",
            "/api/v2.0/projects/a/repositories/b%252Fc/artifacts/DIGEST/tags/v1",
            true,
        ),
        (
            Harbor,
            "DELETE",
            "/api/v2.0/projects/a/repositories/b%252Fc/artifacts/DIGEST/tags/v2",
            false,
        ),
        (
            Harbor,
            "DELETE",
            "/api/v2.0/projects/a/repositories/b%252Fc/artifacts/v1/tags/v1",
            false,
        ),
        (Harbor, "DELETE", "/api/v2.0/projects/a", false),
        (
            GitHub,
            "GET",
            "/orgs/a/packages/container/b%2Fc/versions?page=2",
            true,
        ),
        (
            GitHub,
            "DELETE",
            "/users/a/packages/container/b%2Fc/versions/12",
            true,
        ),
        (
            GitHub,
            "DELETE",
            "/orgs/a/packages/container/b%2Fc/versions/../x",
            false,
        ),
        (GitHub, "DELETE", "/orgs/a/packages/container/b%2Fc", false),
        (
            GitHub,
            "DELETE",
            "/orgs/x/packages/container/b%2Fc/versions/1",
            false,
        ),
        (GitLab, "GET", "/api/v4/projects/a%2Fb", true),
        (
            GitLab,
            "GET",
            "/api/v4/projects/a%2Fb/registry/repositories?page=1",
            true,
        ),
        (
            GitLab,
            "DELETE",
            "/api/v4/projects/a%2Fb/registry/repositories/7/tags/v1",
            true,
        ),
        (
            GitLab,
            "DELETE",
            "/api/v4/projects/a%2Fb/registry/repositories/7",
            false,
        ),
        (GitLab, "DELETE", "/api/v4/projects/a%2Fb", false),
        (
            GitLab,
            "DELETE",
            "/api/v4/projects/x/registry/repositories/7/tags/v1",
            false,
        ),
    ];

    #[test]
    fn deletion_has_its_own_requests_only() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (vendor, method, target, expected) in TABLE {
            let request = DeletionRequest {
                vendor: *vendor,
                reference: "v1".parse().unwrap(),
                digest: digest.parse().unwrap(),
                tags: Vec::new(),
                root: String::new(),
            };
            let target = target.replace("DIGEST", &digest);
            let url = format!("https://api.io{target}").parse().unwrap();
            let mut headers = HeaderMap::new();
            headers.insert(AMZ_TARGET, ECR_DELETE_TARGET.parse().unwrap());
            let repository = "a/b/c".parse().unwrap();
            let method = method.parse().unwrap();
            let found = request.permits(&repository, &method, &url, &headers);
            assert_eq!(found, *expected, "{vendor:?} {method} {target}");
        }
    }
}
