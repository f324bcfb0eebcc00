//! The names of operations and projects in requests to vendors' APIs.

use image_name::RepositoryPath;

/// The header of the operation in AWS JSON 1.1 requests.
pub(crate) const AMZ_TARGET: &str = "x-amz-target";

/// The operation that creates a repository of ECR.
pub(crate) const ECR_TARGET: &str = "AmazonEC2ContainerRegistry_V20150921.CreateRepository";

/// The operation that deletes images of ECR.
pub(crate) const ECR_DELETE_TARGET: &str = "AmazonEC2ContainerRegistry_V20150921.BatchDeleteImage";

/// Returns the path and each path above it, the longest first.
pub(crate) fn gitlab_prefixes(repository: &RepositoryPath) -> impl Iterator<Item = &str> {
    let path = repository.as_str();
    let ends = path.match_indices('/').map(|(end, _)| end);
    let mut prefixes: Vec<_> = ends.map(|end| &path[..end]).collect();
    prefixes.push(path);
    prefixes.into_iter().rev()
}

/// Returns a path as the ID of a project or namespace in a URL: with `%2F` for `/`. All other
/// characters of a repository path stand for themselves.
pub(crate) fn gitlab_id(path: &str) -> String {
    path.replace('/', "%2F")
}
