//! The check that every request to a registry passes before it is sent.

use http::Method;
use image_name::RepositoryPath;
use url::Url;

use super::host::Host;
use super::send::Request;
use crate::endpoint::{Endpoint, is_plain_path, is_registry_api};
use crate::error::Error;
use crate::redact;
use crate::write_policy::{Write, WriteTarget};

impl Host {
    /// Checks that a request leads to the repository that it was made for, and that a write is
    /// one that the client may send.
    ///
    /// # Errors
    ///
    /// [`Error::NotSent`].
    pub(super) fn check(&self, request: &Request) -> Result<(), Error> {
        let Request { method, url, .. } = request;
        let refuse = |what: String| Error::NotSent {
            method: method.clone(),
            url: redact::url(url),
            what,
        };
        let reads = is_read(method);
        let Some(scopes) = &request.scopes else {
            let what = "only GET and HEAD go to a host without credentials".to_owned();
            return if reads { Ok(()) } else { Err(refuse(what)) };
        };
        let repository = scopes.repository();
        let at_home = self.is_own_url(&self.with_detected_scheme(url.clone()));
        let endpoint = at_home.then(|| Endpoint::of(url, repository)).flatten();
        let to_session = || request.is_session && self.may_hold_session(url, repository);
        let target = match (method.as_str(), endpoint) {
            ("GET" | "HEAD", Some(_)) => return Ok(()),
            ("GET", None) if to_session() => return Ok(()),
            ("PUT", Some(Endpoint::Manifest(reference))) => WriteTarget::Manifest(reference),
            ("POST" | "PATCH" | "PUT" | "DELETE", Some(Endpoint::Upload)) => WriteTarget::Blob,
            ("PATCH" | "PUT", None) if to_session() => WriteTarget::Blob,
            _ => {
                return Err(refuse(format!(
                    "it does not lead to the repository {}/{repository}",
                    self.name()
                )));
            }
        };
        let write = Write {
            host: self.name(),
            repository,
            target,
        };
        if request.writes.allows(&write) {
            return Ok(());
        }
        Err(refuse(format!("{write} is not in the plan of this run")))
    }

    /// Whether a request may carry our credentials to a URL: only to the repository that it was
    /// made for.
    pub(super) fn may_carry_credentials(&self, request: &Request, url: &Url) -> bool {
        let repository = request.scopes.as_ref().map(|scopes| scopes.repository());
        repository.is_some_and(|repository| Endpoint::of(url, repository).is_some())
    }

    /// Whether a request may follow a redirect to a URL. A read may lead anywhere. A write leads
    /// to the same endpoint, or from an upload to storage.
    pub(super) fn may_follow(&self, request: &Request, url: &Url) -> bool {
        if is_read(&request.method) {
            return true;
        }
        let Some(scopes) = &request.scopes else {
            return false;
        };
        let repository = scopes.repository();
        let from = Endpoint::of(&request.url, repository);
        match Endpoint::of(url, repository) {
            Some(Endpoint::Upload) if request.is_session => true,
            Some(to) => from == Some(to),
            None => {
                let uploads = request.is_session || from == Some(Endpoint::Upload);
                uploads && self.may_hold_session(url, repository)
            }
        }
    }

    /// Whether the session of an upload to a repository may be at a URL.
    ///
    /// At the registry's own host it is below the repository's uploads. Google's Artifact
    /// Registry has sessions at `/artifacts-uploads/`, which get no credentials (docker sends
    /// them none either). Another host is storage that the registry signed the URL for; a
    /// registry's API there is not.
    pub(crate) fn may_hold_session(&self, url: &Url, repository: &RepositoryPath) -> bool {
        if Endpoint::of(url, repository) == Some(Endpoint::Upload) {
            return true;
        }
        if is_registry_api(url) {
            return false;
        }
        let home = self.api_root().ok();
        let at_home = home.is_some_and(|home| {
            home.host() == url.host() && home.port_or_known_default() == url.port_or_known_default()
        });
        !at_home || (url.path().starts_with("/artifacts-uploads/namespaces/") && is_plain_path(url))
    }
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}
