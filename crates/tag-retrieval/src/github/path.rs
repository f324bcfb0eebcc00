//! Names in URLs.

use url::Url;
use url::form_urlencoded::byte_serialize;

use crate::config::GithubProject;

/// `/repos/OWNER/REPO/…` with every part encoded.
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
    // Only its path is used.
    let Ok(mut url) = Url::parse("http://localhost") else {
        return String::new();
    };
    if let Ok(mut path) = url.path_segments_mut() {
        path.clear().extend(parts);
    }
    url.path().to_owned()
}

/// A value in a query, encoded.
#[must_use]
pub fn query_value(value: &str) -> String {
    byte_serialize(value.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_place() {
        let project = GithubProject {
            owner: "a/b".to_owned(),
            repository: "c?d".to_owned(),
        };
        let path = project_path(&project, "deploy//100% sure#1.txt".split('/'));
        assert_eq!(path, "/repos/a%2Fb/c%3Fd/deploy/100%25%20sure%231.txt");
        assert_eq!(query_value("v1+a&ref=x"), "v1%2Ba%26ref%3Dx");
    }
}
