//! Asking Docker Hub's and quay.io's own APIs whether a repository exists.
//!
//! The registries themselves do not say: to strangers a repository that does
//! not exist is one that they may not read.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use images_list::Repository;
use registry::registries_conf::{Location, RegistriesConf};
use registry::trust::Trust;
use tokio::sync::Semaphore;

use super::hosted_answer::{HostedApi, Said};

/// For a whole answer, which is small.
const DEADLINE: Duration = Duration::from_secs(30);
/// The most of an answer that is read.
const LARGEST: usize = 1024 * 1024;
/// Requests under way. Docker Hub's API takes some hundred a minute.
const AT_ONCE: usize = 16;

/// The APIs, as far as they were spoken to.
///
/// They are asked as a stranger and once: what they do not say, the registry
/// is asked for, with credentials and as often as it takes.
#[derive(Debug)]
pub(super) struct HostedApis {
    conf: RegistriesConf,
    trust: Trust,
    clients: Mutex<HashMap<(String, bool), reqwest::Client>>,
    permits: Semaphore,
    /// Requests without an answer since the last with one: whoever does not
    /// answer is not waited for hundreds of times.
    failures: AtomicUsize,
}

impl HostedApis {
    pub(super) fn new(conf: RegistriesConf, trust: Trust) -> Self {
        Self {
            conf,
            trust,
            clients: Mutex::default(),
            permits: Semaphore::new(AT_ONCE),
            failures: AtomicUsize::new(0),
        }
    }

    /// What the API of the repository's registry says, at the host to which
    /// registries.conf sends that registry's names.
    pub(super) async fn ask(&self, repository: &Repository) -> Said {
        let resolved = self.conf.resolve(repository.host(), repository.path());
        // A name that is blocked is the registry client's to refuse.
        let found = resolved
            .ok()
            .and_then(|resolution| endpoint(repository, resolution.location));
        let Some((api, place, path)) = found else {
            return Said::Nothing;
        };
        let Ok(_permit) = self.permits.acquire().await else {
            return Said::Nothing;
        };
        if self.failures.load(Ordering::Relaxed) >= AT_ONCE {
            return Said::Trouble(format!("{} has not answered {AT_ONCE} times", place.host));
        }
        self.get(api, &place, &path)
            .await
            .unwrap_or_else(Said::Trouble)
    }

    /// An error is what to say of it.
    async fn get(&self, api: HostedApi, place: &Location, path: &str) -> Result<Said, String> {
        let scheme = self.scheme(place)?;
        let sent = self.send(scheme, place, path).await;
        let answer = match (sent, scheme) {
            (Err(_), "https") if place.insecure == Some(true) => {
                self.send("http", place, path).await
            }
            (sent, _) => sent,
        };
        match &answer {
            Ok(_) => self.failures.store(0, Ordering::Relaxed),
            Err(_) => _ = self.failures.fetch_add(1, Ordering::Relaxed),
        }
        let (status, body) = answer?;
        Ok(api.read(status, &body))
    }

    async fn send(
        &self,
        scheme: &str,
        place: &Location,
        path: &str,
    ) -> Result<(StatusCode, Vec<u8>), String> {
        let url = format!("{scheme}://{}{path}", place.host);
        let request = self.client(place)?.get(&url).timeout(DEADLINE);
        let failed = |error: reqwest::Error| format!("GET {url}: {}", causes(&error));
        let mut answer = request.send().await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(bytes) = answer.chunk().await.map_err(failed)? {
            body.extend_from_slice(&bytes);
            if body.len() > LARGEST {
                return Err(format!(
                    "GET {url}: the answer is larger than {LARGEST} bytes"
                ));
            }
        }
        tracing::trace!(url, status = answer.status().as_u16(), "asked an API");
        Ok((answer.status(), body))
    }

    /// As the registry client chooses it for names at that host.
    fn scheme(&self, place: &Location) -> Result<&'static str, String> {
        let plain = place.insecure.is_none()
            && is_loopback(&place.host)
            && self.host_trust(&place.host)?.folder.is_none();
        Ok(if plain { "http" } else { "https" })
    }

    fn host_trust(&self, host: &str) -> Result<registry::trust::HostTrust, String> {
        self.trust.for_host(host).map_err(|error| error.to_string())
    }

    fn client(&self, place: &Location) -> Result<reqwest::Client, String> {
        let insecure = place.insecure == Some(true);
        let key = (place.host.clone(), insecure);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let trust = self.host_trust(&place.host)?;
        let unusable = |error: reqwest::Error| causes(&error);
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("mirror/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::limited(3))
            .tls_version_min(reqwest::tls::Version::TLS_1_2)
            .tls_danger_accept_invalid_certs(insecure)
            .connect_timeout(DEADLINE);
        if is_loopback(&place.host) {
            builder = builder.no_proxy();
        }
        let mut roots = Vec::new();
        for pem in &trust.ca_pems {
            roots.extend(reqwest::Certificate::from_pem_bundle(pem).map_err(unusable)?);
        }
        if !roots.is_empty() {
            builder = builder.tls_certs_merge(roots);
        }
        if let Some(pem) = &trust.identity_pem {
            builder = builder.identity(reqwest::Identity::from_pem(pem).map_err(unusable)?);
        }
        let client = builder.build().map_err(unusable)?;
        clients.insert(key, client.clone());
        Ok(client)
    }
}

/// Which API tells of a repository whose names lead to `location`, the host
/// that serves it, and the path to ask for.
fn endpoint(repository: &Repository, location: Location) -> Option<(HostedApi, Location, String)> {
    let api = HostedApi::of(repository.host())?;
    let Some(there) = HostedApi::of(&location.host) else {
        // A folder of a proxy (`proxy:5000/hub`) is none of the API's.
        let path = api.path(&location.repository);
        let path = path.or_else(|| api.path(repository.path()))?;
        return Some((api, location, path));
    };
    let path = there.path(&location.repository)?;
    let place = Location {
        host: there.host().to_owned(),
        insecure: None,
        ..location
    };
    Some((there, place, path))
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// An error and its causes, without the URL, which has been said.
fn causes(error: &reqwest::Error) -> String {
    let mut text = match std::error::Error::source(error) {
        None => error.to_string(),
        Some(_) if error.is_timeout() => "no answer in time".to_owned(),
        Some(_) if error.is_connect() => "no connection".to_owned(),
        Some(_) => "the exchange broke off".to_owned(),
    };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_the_api_of_where_they_are() {
        let table = [
            ("a/b", "", "hub.docker.com/v2/namespaces/a/repositories/b"),
            ("quay.io/a/b", "", "quay.io/api/v1/repository/a/b"),
            ("r.io/a/b", "", "none"),
            ("quay.io/a/b/c", "", "none"),
            (
                "a/b",
                "proxy:5000",
                "proxy:5000/v2/namespaces/a/repositories/b",
            ),
            (
                "a/b",
                "proxy:5000/hub",
                "proxy:5000/v2/namespaces/a/repositories/b",
            ),
            ("a/b", "docker.io/x", "none"),
            (
                "a/b",
                "registry-1.docker.io",
                "hub.docker.com/v2/namespaces/a/repositories/b",
            ),
            ("a/b", "quay.io", "quay.io/api/v1/repository/a/b"),
        ];
        for (name, location, want) in table {
            let repository: Repository = name.parse().unwrap();
            let host = repository.host();
            let conf = match location {
                "" => String::new(),
                _ => format!("[[registry]]\nprefix = \"{host}\"\nlocation = \"{location}\"\n"),
            };
            let conf = RegistriesConf::parse(&conf).unwrap();
            let location = conf.resolve(host, repository.path()).unwrap().location;
            let found = endpoint(&repository, location);
            let found = found.map(|(_, place, path)| format!("{}{path}", place.host));
            assert_eq!(
                found.as_deref().unwrap_or("none"),
                want,
                "{name} at {conf:?}"
            );
        }
    }
}
