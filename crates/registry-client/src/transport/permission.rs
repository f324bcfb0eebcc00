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
    /// Checks that a request goes to its own repository, and that the policy allows a write.
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
        if let Some(vendor) = &request.vendor {
            let operation = &vendor.operation;
            let is_own = self.is_own_url(&self.with_detected_scheme(url.clone()));
            if !is_own || !operation.permits(method, url, &request.headers) {
                return Err(refuse(
                    "the request is not part of the operation".to_owned(),
                ));
            }
            // Reads too: they have credentials, and are sent for the write only.
            if !request.writes.allows(&operation.write()) {
                let write = operation.write();
                return Err(refuse(format!(
                    "the write policy does not allow writing {write}"
                )));
            }
            return Ok(());
        }
        let reads = is_read(method);
        let Some(scopes) = &request.scopes else {
            let what = "requests without credentials must be GET or HEAD".to_owned();
            return if reads { Ok(()) } else { Err(refuse(what)) };
        };
        let repository = scopes.repository();
        let is_own = self.is_own_url(&self.with_detected_scheme(url.clone()));
        let endpoint = is_own
            .then(|| Endpoint::from_url(url, repository))
            .flatten();
        let to_session = || request.is_session && self.may_hold_session(url, repository);
        let target = match (method.as_str(), endpoint) {
            ("GET" | "HEAD", Some(_)) => return Ok(()),
            ("GET", None) if to_session() => return Ok(()),
            ("PUT", Some(Endpoint::Manifest(reference))) => WriteTarget::Manifest(reference),
            ("DELETE", Some(Endpoint::Manifest(reference))) => WriteTarget::Deletion(reference),
            ("POST" | "PATCH" | "PUT" | "DELETE", Some(Endpoint::Upload)) => WriteTarget::Blob,
            ("PATCH" | "PUT", None) if to_session() => WriteTarget::Blob,
            _ => {
                return Err(refuse(format!(
                    "the URL is outside the repository {}/{repository}",
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
        Err(refuse(format!(
            "the write policy does not allow writing {write}"
        )))
    }

    /// Returns whether a request may carry credentials to a URL: only to its own repository.
    pub(super) fn may_carry_credentials(&self, request: &Request, url: &Url) -> bool {
        let repository = request.scopes.as_ref().map(|scopes| scopes.repository());
        repository.is_some_and(|repository| Endpoint::from_url(url, repository).is_some())
    }

    /// Returns whether a request may follow a redirect to a URL: a read to any URL, a write to the
    /// same endpoint, and the body of an upload to storage. A manifest and the end of an upload stay at
    /// the host. Requests to a vendor's API follow none.
    pub(super) fn may_follow(&self, request: &Request, url: &Url) -> bool {
        if request.vendor.is_some() {
            return false;
        }
        if is_read(&request.method) {
            return true;
        }
        let Some(scopes) = &request.scopes else {
            return false;
        };
        let repository = scopes.repository();
        let from = Endpoint::from_url(&request.url, repository);
        let is_upload = request.is_session || from == Some(Endpoint::Upload);
        match Endpoint::from_url(url, repository) {
            Some(Endpoint::Upload) => {
                is_upload && (request.method != Method::DELETE || self.is_own_url(url))
            }
            Some(to) => from == Some(to) && self.is_own_url(url),
            None => {
                let has_body = matches!(request.method, Method::PUT | Method::PATCH);
                is_upload && has_body && self.may_hold_session(url, repository)
            }
        }
    }

    /// Returns whether a URL may be the session of an upload to a repository.
    ///
    /// At the host of the registry, sessions are below the uploads of the repository. Google Artifact
    /// Registry has sessions at `/artifacts-uploads/`, which receive no credentials (docker sends none
    /// either). Another host may be storage with a signed URL, but not the API of a registry.
    pub(crate) fn may_hold_session(&self, url: &Url, repository: &RepositoryPath) -> bool {
        if Endpoint::from_url(url, repository) == Some(Endpoint::Upload) {
            return true;
        }
        if is_registry_api(url) {
            return false;
        }
        let home = self.api_root().ok();
        let is_own_host = home.is_some_and(|home| {
            home.host() == url.host() && home.port_or_known_default() == url.port_or_known_default()
        });
        !is_own_host
            || (url.path().starts_with("/artifacts-uploads/namespaces/") && is_plain_path(url))
    }
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}
