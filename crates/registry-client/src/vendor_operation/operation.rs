//! One operation at a vendor's API.

use std::sync::Arc;

use http::{HeaderMap, Method};
use image_name::RepositoryPath;
use url::Url;

use super::authorization::VendorAuthorization;
use super::deletion_request::{DeletionRequest, harbor_tag_path};
use super::request_names::{AMZ_TARGET, ECR_TARGET, gitlab_id, gitlab_prefixes};
use crate::write_policy::{Write, WriteTarget};

/// An operation for one repository at a vendor's API.
#[derive(Debug)]
pub(crate) struct VendorOperation {
    pub(crate) api: OperationApi,
    /// The host of the registry, as in the write plan. The API may be at another host.
    pub(crate) registry: String,
    pub(crate) repository: RepositoryPath,
}

/// The API of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OperationApi {
    Ecr,
    /// The endpoint for the keys of a container, with which ECR's requests are signed: its path and
    /// query.
    ContainerKeys(String),
    Harbor,
    /// `root` is the path of GitLab at its host, without the last slash. It is usually empty.
    GitLab {
        root: String,
    },
    Quay,
    /// The description of a repository.
    DockerHub,
    /// The deletion of a tag or a manifest.
    Deletion(Box<DeletionRequest>),
}

/// The vendor's part of a request.
#[derive(Debug, Clone)]
pub(crate) struct VendorRequest {
    pub(crate) operation: Arc<VendorOperation>,
    pub(crate) authorization: VendorAuthorization,
}

impl VendorOperation {
    /// Returns the write of the operation. The reads of the operation need the same permission.
    pub(crate) fn write(&self) -> Write<'_> {
        Write {
            host: &self.registry,
            repository: &self.repository,
            target: match &self.api {
                OperationApi::DockerHub => WriteTarget::Description,
                OperationApi::Deletion(deletion) => {
                    WriteTarget::Deletion(deletion.reference.clone())
                }
                _ => WriteTarget::Repository,
            },
        }
    }

    /// Returns true if a request belongs to the operation.
    pub(crate) fn permits(&self, method: &Method, url: &Url, headers: &HeaderMap) -> bool {
        let path = url.path();
        let name = self.repository.as_str();
        if let OperationApi::ContainerKeys(target) = &self.api {
            return method == Method::GET && url[url::Position::BeforePath..] == **target;
        }
        if let OperationApi::Deletion(deletion) = &self.api {
            return deletion.permits(&self.repository, method, url, headers);
        }
        if url.query().is_some() {
            return false;
        }
        match (&self.api, method.as_str()) {
            (OperationApi::Ecr, "POST") => {
                let operation = headers.get(AMZ_TARGET);
                path == "/" && operation.is_some_and(|operation| operation == ECR_TARGET)
            }
            (OperationApi::Harbor, "POST") => path == "/api/v2.0/projects",
            (OperationApi::Quay, "POST") => path == "/api/v1/repository",
            (OperationApi::Quay, "GET") => path == format!("/api/v1/repository/{name}"),
            (OperationApi::GitLab { root }, method) => path
                .strip_prefix(root.as_str())
                .and_then(|path| path.strip_prefix("/api/v4/"))
                .is_some_and(|path| self.is_gitlab_request(method, path)),
            (OperationApi::DockerHub, "POST") => path == "/v2/auth/token",
            (OperationApi::DockerHub, "GET") => {
                name.split_once('/').is_some_and(|(namespace, name)| {
                    path == format!("/v2/namespaces/{namespace}/repositories/{name}")
                })
            }
            (OperationApi::DockerHub, "PATCH") => path == format!("/v2/repositories/{name}/"),
            _ => false,
        }
    }

    /// Returns true if a request below `/api/v4/` creates a project, or reads the project or a namespace
    /// above the repository.
    fn is_gitlab_request(&self, method: &str, path: &str) -> bool {
        let read = path
            .strip_prefix("namespaces/")
            .or_else(|| path.strip_prefix("projects/"));
        match (method, read) {
            ("POST", None) => path == "projects",
            ("GET", Some(encoded)) => {
                gitlab_prefixes(&self.repository).any(|prefix| gitlab_id(prefix) == encoded)
            }
            _ => false,
        }
    }
}

impl VendorOperation {
    /// Returns the tag or the digest of a deletion, empty for any other operation.
    pub(crate) fn deleted_text(&self) -> &str {
        self.deletion()
            .map_or("", |deletion| deletion.reference.as_str())
    }

    /// Returns the tag of a deletion.
    pub(crate) fn deleted_tag(&self) -> Option<&str> {
        let tag = self.deletion()?.reference.tag()?;
        Some(tag.as_str())
    }

    /// Returns the digest of a deletion, empty for any other operation.
    pub(crate) fn deleted_digest(&self) -> &str {
        self.deletion()
            .map_or("", |deletion| deletion.digest.as_str())
    }

    /// Returns true if a tag may go with the manifest of a deletion.
    pub(crate) fn may_delete_tag(&self, tag: &str) -> bool {
        let deletion = self.deletion();
        deletion.is_some_and(|deletion| deletion.tags.iter().any(|known| known.as_str() == tag))
    }

    /// Returns the path of a tag of Harbor, below its artifact.
    pub(crate) fn harbor_tag_path(&self) -> String {
        let digest = self.deleted_digest();
        harbor_tag_path(&self.repository, digest, self.deleted_text())
    }

    fn deletion(&self) -> Option<&DeletionRequest> {
        match &self.api {
            OperationApi::Deletion(deletion) => Some(deletion),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each request of each operation, and requests that an operation must not send.
    #[test]
    fn operation_has_its_own_requests_only() {
        use OperationApi::{ContainerKeys, DockerHub, Ecr, GitLab, Harbor, Quay};
        let root = GitLab {
            root: String::new(),
        };
        let below = GitLab {
            root: "/git".to_owned(),
        };
        let keys = ContainerKeys("/v2/credentials?id=1".to_owned());
        let table = [
            (&Ecr, "POST", "/", true),
            (&Ecr, "GET", "/", false),
            (&Ecr, "POST", "/v2/", false),
            (&Ecr, "POST", "/?Action=DeleteRepository", false),
            (&keys, "GET", "/v2/credentials?id=1", true),
            (&keys, "GET", "/v2/credentials?id=2", false),
            (&keys, "POST", "/v2/credentials?id=1", false),
            (&Harbor, "POST", "/api/v2.0/projects", true),
            (&Harbor, "POST", "/api/v2.0/users", false),
            (&Harbor, "DELETE", "/api/v2.0/projects", false),
            (&Quay, "POST", "/api/v1/repository", true),
            (&Quay, "GET", "/api/v1/repository/a/b/c", true),
            (&Quay, "GET", "/api/v1/repository/a/x", false),
            (&Quay, "DELETE", "/api/v1/repository/a/b/c", false),
            (&root, "POST", "/api/v4/projects", true),
            (&root, "GET", "/api/v4/projects/a%2Fb%2Fc", true),
            (&root, "GET", "/api/v4/projects/a%2Fb", true),
            (&root, "GET", "/api/v4/namespaces/a", true),
            (&root, "GET", "/api/v4/namespaces/a%2Fx", false),
            (&root, "GET", "/api/v4/projects/a%2Fb/variables", false),
            (&root, "GET", "/git/api/v4/namespaces/a", false),
            (&root, "POST", "/api/v4/groups", false),
            (&root, "DELETE", "/api/v4/projects/a%2Fb", false),
            (&below, "GET", "/git/api/v4/namespaces/a", true),
            (&below, "GET", "/api/v4/namespaces/a", false),
            (&DockerHub, "POST", "/v2/auth/token", true),
            (&DockerHub, "GET", "/v2/namespaces/a/repositories/b/c", true),
            (&DockerHub, "PATCH", "/v2/repositories/a/b/c/", true),
            (&DockerHub, "PATCH", "/v2/repositories/a/x/", false),
            (&DockerHub, "DELETE", "/v2/repositories/a/b/c/", false),
        ];
        for (api, method, target, expected) in table {
            let operation = VendorOperation {
                api: api.clone(),
                registry: "r.io".to_owned(),
                repository: "a/b/c".parse().unwrap(),
            };
            let url = format!("https://api.io{target}").parse().unwrap();
            let mut headers = HeaderMap::new();
            headers.insert(AMZ_TARGET, ECR_TARGET.parse().unwrap());
            let method = method.parse().unwrap();
            let found = operation.permits(&method, &url, &headers);
            assert_eq!(found, expected, "{api:?} {method} {target}");
        }
    }

    #[test]
    fn ecr_gets_no_other_operation() {
        let operation = VendorOperation {
            api: OperationApi::Ecr,
            registry: "r.io".to_owned(),
            repository: "a".parse().unwrap(),
        };
        let url = "https://api.io/".parse().unwrap();
        let mut headers = HeaderMap::new();
        assert!(!operation.permits(&Method::POST, &url, &headers));
        let other = "AmazonEC2ContainerRegistry_V20150921.DeleteRepository";
        headers.insert(AMZ_TARGET, other.parse().unwrap());
        assert!(!operation.permits(&Method::POST, &url, &headers));
    }
}
