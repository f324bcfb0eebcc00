//! The registries with an API of their own, and its endpoints.

use crate::registries_conf::Location;

/// A registry with an API of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VendorApi {
    /// `GET /v2/namespaces/NAMESPACE/repositories/NAME` at hub.docker.com.
    ///
    /// Source: Docker Hub API reference, "Get repository in a namespace".
    DockerHub,
    /// `GET /api/v1/repository/NAMESPACE/NAME` at quay.io.
    ///
    /// Source: Quay API reference, `getRepo`.
    Quay,
}

impl VendorApi {
    /// Returns the API of the registry with this host name.
    fn for_host(host: &str) -> Option<Self> {
        match host {
            host if image_name::is_docker_hub(host) => Some(Self::DockerHub),
            "quay.io" => Some(Self::Quay),
            _ => None,
        }
    }

    /// Returns the host that serves the API if names are not rewritten.
    fn host(self) -> &'static str {
        match self {
            Self::DockerHub => "hub.docker.com",
            Self::Quay => "quay.io",
        }
    }

    /// Returns the path for the repository `NAMESPACE/NAME`, or `None` for names of another form.
    fn target(self, repository: &str) -> Option<String> {
        let (namespace, name) = repository.split_once('/')?;
        if name.contains('/') {
            return None;
        }
        Some(match self {
            Self::DockerHub => format!("v2/namespaces/{namespace}/repositories/{name}"),
            Self::Quay => format!("api/v1/repository/{namespace}/{name}"),
        })
    }
}

/// Returns the API for the repository `host/path`, which registries.conf moves to `location`, with the
/// host that serves that API and the path to request.
pub(crate) fn endpoint(
    host: &str,
    path: &str,
    location: Location,
) -> Option<(VendorApi, Location, String)> {
    let api = VendorApi::for_host(host)?;
    let Some(there) = VendorApi::for_host(&location.host) else {
        // The API's paths do not contain the directory of a proxy (`proxy:5000/hub`).
        let target = api.target(&location.repository);
        let target = target.or_else(|| api.target(path))?;
        return Some((api, location, target));
    };
    let target = there.target(&location.repository)?;
    let place = Location {
        host: there.host().to_owned(),
        insecure: None,
        ..location
    };
    Some((there, place, target))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registries_conf::RegistriesConf;

    const HUB: &str = "v2/namespaces/a/repositories/b";
    const QUAY: &str = "api/v1/repository/a/b";

    #[test]
    fn endpoint_follows_registries_conf() {
        let table = [
            ("docker.io", "a/b", "", "hub.docker.com", HUB),
            ("quay.io", "a/b", "", "quay.io", QUAY),
            ("r.io", "a/b", "", "", ""),
            ("quay.io", "a/b/c", "", "", ""),
            ("docker.io", "a", "", "", ""),
            ("docker.io", "a/b", "proxy:5000", "proxy:5000", HUB),
            ("docker.io", "a/b", "proxy:5000/hub", "proxy:5000", HUB),
            ("docker.io", "a/b", "docker.io/x", "", ""),
            (
                "docker.io",
                "a/b",
                "registry-1.docker.io",
                "hub.docker.com",
                HUB,
            ),
            ("docker.io", "a/b", "quay.io", "quay.io", QUAY),
        ];
        for (host, path, location, at, target) in table {
            let conf = match location {
                "" => String::new(),
                _ => format!("[[registry]]\nprefix = \"{host}\"\nlocation = \"{location}\"\n"),
            };
            let conf = RegistriesConf::parse(&conf).unwrap();
            let location = conf.resolve(host, path).unwrap().location;
            let found = endpoint(host, path, location);
            let found = found.map(|(_, place, target)| (place.host, target));
            let (found_at, found_target) = found.unwrap_or_default();
            assert_eq!(
                (found_at.as_str(), found_target.as_str()),
                (at, target),
                "{conf:?}"
            );
        }
    }
}
