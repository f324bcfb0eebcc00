//! Properties of every response and every file: one function for each target of `fuzz/`.
//!
//! For `cargo fuzz` (`cfg(fuzzing)`), and for the test that replays the corpus.

use bytes::Bytes;
use http::header::LINK;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use url::Url;

pub use crate::auth::fuzzing::www_authenticate;
pub use crate::credentials::fuzzing::auth_file;
use crate::digest::sha256_digest;
use crate::manifest::{Content, Manifest};
use crate::paging::next_page;
use crate::registries_conf::RegistriesConf;
use crate::transport::BufferedResponse;

/// Returns a header for each line.
pub(crate) fn headers(name: &HeaderName, data: &[u8]) -> HeaderMap {
    let values = data.split(|byte| *byte == b'\n').take(16);
    let values = values.filter_map(|value| HeaderValue::from_bytes(value).ok());
    values.map(|value| (name.clone(), value)).collect()
}

/// Checks that no `Link` leads to another host.
pub fn link(data: &[u8]) {
    let Ok(url) = Url::parse("https://r.example:5000/v2/a/tags/list?n=2") else {
        return;
    };
    let response = BufferedResponse {
        method: Method::GET,
        url: url.clone(),
        status: StatusCode::OK,
        headers: headers(&LINK, data),
        body: Bytes::new(),
    };
    if let Ok(Some(next)) = next_page(&response) {
        assert_eq!(next.origin(), url.origin());
        assert!(next.username().is_empty() && next.password().is_none());
    }
}

/// Checks that the bytes of a manifest are kept and that an error is one short line.
pub fn manifest(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    let manifest = Manifest::new(bytes, None, sha256_digest(data));
    assert_eq!(manifest.bytes, data);
    match manifest.content() {
        Ok(Content::Index { manifests, .. }) => {
            assert!(manifests.len() <= data.len());
        }
        Ok(Content::Image { layers, .. }) => {
            assert!(layers.len() <= data.len());
        }
        Err(error) => {
            let error = error.to_string();
            assert!(!error.contains(char::is_control), "{error:?}");
            assert!(error.chars().count() < 1000, "{error}");
        }
    }
}

/// Checks that every name resolves to a host and a repository, or to an error.
pub fn registries_conf(data: &[u8]) {
    let Some(conf) = str::from_utf8(data).ok().map(RegistriesConf::parse) else {
        return;
    };
    let Ok(conf) = conf else {
        return;
    };
    for (host, repository) in [
        ("docker.io", "library/busybox"),
        ("example.com", "team/tool"),
        ("a.example.com:5000", "team"),
    ] {
        let Ok(resolution) = conf.resolve(host, repository) else {
            continue;
        };
        let mirrors = resolution.mirrors.iter().map(|mirror| &mirror.location);
        for location in mirrors.chain([&resolution.location]) {
            assert!(!location.host.is_empty() && !location.host.contains('/'));
            assert!(!location.repository.is_empty() && !location.repository.starts_with('/'));
        }
    }
}

#[cfg(test)]
mod tests {
    use testkit::replay_corpus;

    use super::*;

    #[test]
    fn corpus_has_all_properties() {
        replay_corpus("auth_file", auth_file);
        replay_corpus("link", link);
        replay_corpus("manifest", manifest);
        replay_corpus("registries_conf", registries_conf);
        replay_corpus("www_authenticate", www_authenticate);
    }
}
