//! Which endpoint of the distribution specification a path names.

use std::str::FromStr;

use oci_spec::image::Digest;
use percent_encoding::percent_decode_str;

use super::failure::{Code, Failure};

/// The tag or digest at the end of a manifest's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    Tag(String),
    Digest(Digest),
}

/// An endpoint with its repository.
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
    /// Reads a request's path. It is read from its end, because a repository's name may itself
    /// contain `blobs` or `manifests`.
    pub(crate) fn parse(path: &str) -> Result<Self, Failure> {
        let decoded = percent_decode_str(path).decode_utf8_lossy();
        let Some(rest) = decoded.strip_prefix("/v2") else {
            return Err(Failure::not_found(&decoded));
        };
        if rest.is_empty() || rest == "/" {
            return Ok(Self::Base);
        }
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        if rest == "_catalog" {
            return Ok(Self::Catalog);
        }
        if let Some(name) = rest.strip_suffix("/tags/list") {
            return Ok(Self::Tags(repository(name)?));
        }
        if let Some(name) = rest.strip_suffix("/blobs/uploads") {
            return Ok(Self::Uploads(repository(name)?));
        }
        let Some((head, last)) = rest.rsplit_once('/') else {
            return Err(Failure::not_found(&decoded));
        };
        if let Some(name) = head.strip_suffix("/blobs/uploads") {
            let name = repository(name)?;
            return Ok(match last {
                "" => Self::Uploads(name),
                session => Self::Upload(name, session.to_owned()),
            });
        }
        if let Some(name) = head.strip_suffix("/manifests") {
            return Ok(Self::Manifest(repository(name)?, reference(last)?));
        }
        if let Some(name) = head.strip_suffix("/blobs") {
            return Ok(Self::Blob(repository(name)?, digest(last)?));
        }
        if let Some(name) = head.strip_suffix("/referrers") {
            return Ok(Self::Referrers(repository(name)?, digest(last)?));
        }
        Err(Failure::not_found(&decoded))
    }
}

/// A digest in a path or a query.
pub(crate) fn digest(text: &str) -> Result<Digest, Failure> {
    Digest::from_str(text)
        .map_err(|error| Failure::new(Code::DigestInvalid, format!("{text}: {error}")))
}

fn reference(text: &str) -> Result<Reference, Failure> {
    if text.contains(':') {
        return digest(text).map(Reference::Digest);
    }
    if is_tag(text) {
        return Ok(Reference::Tag(text.to_owned()));
    }
    Err(Failure::new(
        Code::ManifestInvalid,
        format!("{text} is neither a tag nor a digest"),
    ))
}

fn repository(name: &str) -> Result<String, Failure> {
    if is_repository(name) {
        return Ok(name.to_owned());
    }
    Err(Failure::new(
        Code::NameInvalid,
        format!("{name} is not the name of a repository"),
    ))
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}` (distribution specification, "Pulling manifests").
pub(crate) fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text
            .bytes()
            .all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

/// Components of `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` joined by slashes, 255 bytes at most.
pub(crate) fn is_repository(name: &str) -> bool {
    name.len() <= 255 && name.split('/').all(is_component)
}

fn is_component(component: &str) -> bool {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    plain(first)
        && plain(last)
        && bytes.split(plain).all(|separator| match separator {
            b"" | b"." | b"_" | b"__" => true,
            dashes => dashes.iter().all(|byte| *byte == b'-'),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    #[test]
    fn every_endpoint_has_its_path() {
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
    fn wrong_names_are_refused_with_their_code() {
        let table = [
            ("/v2/A/manifests/v1", Code::NameInvalid),
            ("/v2/a//b/manifests/v1", Code::NameInvalid),
            ("/v2/a___b/tags/list", Code::NameInvalid),
            ("/v2/-a/tags/list", Code::NameInvalid),
            ("/v2/a/manifests/.v1", Code::ManifestInvalid),
            ("/v2/a/blobs/sha256:12", Code::DigestInvalid),
            ("/v2/a/manifests/sha256:12", Code::DigestInvalid),
            ("/v2/a/referrers/v1", Code::DigestInvalid),
            ("/v1/a", Code::NotFound),
            ("/v2/a", Code::NotFound),
        ];
        for (path, code) in table {
            assert_eq!(Route::parse(path).unwrap_err().code(), code, "{path}");
        }
    }

    #[test]
    fn names_follow_the_grammar() {
        for name in ["a", "a.b", "a_b", "a__b", "a---b", "library/a1/b-c"] {
            assert!(is_repository(name), "{name}");
        }
        for name in ["", "/", "a/", "a..b", "a.", "a-_b", "a b", &"a".repeat(256)] {
            assert!(!is_repository(name), "{name}");
        }
        assert!(is_tag(&"t".repeat(128)) && is_tag("_x.Y-1"));
        assert!(!is_tag(&"t".repeat(129)) && !is_tag("-x") && !is_tag("") && !is_tag("a+b"));
    }
}
