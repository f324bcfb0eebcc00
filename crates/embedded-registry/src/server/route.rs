//! Routes: the endpoints of the distribution specification.

use std::str::FromStr;

use image_name::{RepositoryPath, Tag};
use oci_spec::image::Digest;
use percent_encoding::percent_decode_str;

use super::api_error::{ApiError, ErrorCode};

/// The tag or the digest at the end of a manifest's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    Tag(String),
    Digest(Digest),
}

/// An endpoint and the parts of its path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Base,
    Catalog,
    Tags(String),
    Manifest(String, Reference),
    Blob(String, Digest),
    Uploads(String),
    Upload(String, String),
    Referrers(String, Digest),
}

impl Route {
    /// Parses a request's path, from its end: the name of a repository may contain `blobs` and
    /// `manifests`.
    pub(crate) fn parse(path: &str) -> Result<Self, ApiError> {
        let decoded = percent_decode_str(path).decode_utf8_lossy();
        let Some(rest) = decoded.strip_prefix("/v2") else {
            return Err(ApiError::not_found(&decoded));
        };
        if rest.is_empty() || rest == "/" {
            return Ok(Self::Base);
        }
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        if rest == "_catalog" {
            return Ok(Self::Catalog);
        }
        if let Some(name) = rest.strip_suffix("/tags/list") {
            return Ok(Self::Tags(parse_repository(name)?));
        }
        if let Some(name) = rest.strip_suffix("/blobs/uploads") {
            return Ok(Self::Uploads(parse_repository(name)?));
        }
        let Some((head, last)) = rest.rsplit_once('/') else {
            return Err(ApiError::not_found(&decoded));
        };
        if let Some(name) = head.strip_suffix("/blobs/uploads") {
            let name = parse_repository(name)?;
            return Ok(match last {
                "" => Self::Uploads(name),
                session => Self::Upload(name, session.to_owned()),
            });
        }
        if let Some(name) = head.strip_suffix("/manifests") {
            return Ok(Self::Manifest(
                parse_repository(name)?,
                parse_reference(last)?,
            ));
        }
        if let Some(name) = head.strip_suffix("/blobs") {
            return Ok(Self::Blob(parse_repository(name)?, parse_digest(last)?));
        }
        if let Some(name) = head.strip_suffix("/referrers") {
            return Ok(Self::Referrers(
                parse_repository(name)?,
                parse_digest(last)?,
            ));
        }
        Err(ApiError::not_found(&decoded))
    }
}

/// Parses a digest in a path or a query.
pub(crate) fn parse_digest(text: &str) -> Result<Digest, ApiError> {
    Digest::from_str(text).map_err(|error| {
        ApiError::new(
            ErrorCode::DigestInvalid,
            format!("invalid digest {text}: {error}"),
        )
    })
}

fn parse_reference(text: &str) -> Result<Reference, ApiError> {
    if text.contains(':') {
        return parse_digest(text).map(Reference::Digest);
    }
    match text.parse::<Tag>() {
        Ok(tag) => Ok(Reference::Tag(tag.to_string())),
        Err(error) => Err(ApiError::new(
            ErrorCode::ManifestInvalid,
            format!("invalid tag {text}: {error}"),
        )),
    }
}

/// Parses the name of a repository in a path or a query.
pub(crate) fn parse_repository(name: &str) -> Result<String, ApiError> {
    match name.parse::<RepositoryPath>() {
        Ok(path) => Ok(path.to_string()),
        Err(error) => Err(ApiError::new(
            ErrorCode::NameInvalid,
            format!("invalid repository name {name}: {error}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    #[test]
    fn parse_finds_the_endpoint_of_a_path() {
        let digest = Digest::from_str(DIGEST).unwrap();
        let table = [
            ("/v2/".to_owned(), Route::Base),
            ("/v2".to_owned(), Route::Base),
            ("/v2/_catalog".to_owned(), Route::Catalog),
            ("/v2/a/b/tags/list".to_owned(), Route::Tags("a/b".into())),
            (
                "/v2/a/manifests/v1".to_owned(),
                Route::Manifest("a".into(), Reference::Tag("v1".into())),
            ),
            (
                format!("/v2/a/manifests/{DIGEST}"),
                Route::Manifest("a".into(), Reference::Digest(digest.clone())),
            ),
            (
                format!("/v2/a/blobs/{}", DIGEST.replace(':', "%3A")),
                Route::Blob("a".into(), digest.clone()),
            ),
            ("/v2/a/blobs/uploads".to_owned(), Route::Uploads("a".into())),
            (
                "/v2/a/blobs/uploads/".to_owned(),
                Route::Uploads("a".into()),
            ),
            (
                "/v2/a/blobs/uploads/7".to_owned(),
                Route::Upload("a".into(), "7".into()),
            ),
            (
                format!("/v2/a/referrers/{DIGEST}"),
                Route::Referrers("a".into(), digest.clone()),
            ),
            (
                format!("/v2/blobs/manifests/blobs/{DIGEST}"),
                Route::Blob("blobs/manifests".into(), digest),
            ),
        ];
        for (path, route) in table {
            assert_eq!(Route::parse(&path).unwrap(), route, "{path}");
        }
    }

    #[test]
    fn parse_returns_an_error_code_for_invalid_paths() {
        let table = [
            ("/v2/A/manifests/v1", ErrorCode::NameInvalid),
            ("/v2/a//b/manifests/v1", ErrorCode::NameInvalid),
            ("/v2/a___b/tags/list", ErrorCode::NameInvalid),
            ("/v2/-a/tags/list", ErrorCode::NameInvalid),
            ("/v2/a/manifests/.v1", ErrorCode::ManifestInvalid),
            ("/v2/a/blobs/sha256:12", ErrorCode::DigestInvalid),
            ("/v2/a/manifests/sha256:12", ErrorCode::DigestInvalid),
            ("/v2/a/referrers/v1", ErrorCode::DigestInvalid),
            ("/v1/a", ErrorCode::NotFound),
            ("/v2/a", ErrorCode::NotFound),
        ];
        for (path, code) in table {
            assert_eq!(Route::parse(path).unwrap_err().code(), code, "{path}");
        }
    }
}
