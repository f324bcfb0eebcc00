//! Which registries have an API of their own, and where.

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
    /// That of a registry, by the host in names.
    fn of(host: &str) -> Option<Self> {
        match host {
            "docker.io" | "index.docker.io" | "registry-1.docker.io" => Some(Self::DockerHub),
            "quay.io" => Some(Self::Quay),
            _ => None,
        }
    }

    /// The host that serves it, where names are not remapped.
    fn host(self) -> &'static str {
        match self {
            Self::DockerHub => "hub.docker.com",
            Self::Quay => "quay.io",
        }
    }

    /// The target that is asked about `NAMESPACE/NAME`; other forms of names
    /// have none.
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

/// Which API tells of the repository `host/path` whose names lead to
/// `location`, the host that serves it, and the target to ask for.
pub(crate) fn endpoint(
    host: &str,
    path: &str,
    location: Location,
) -> Option<(VendorApi, Location, String)> {
    let api = VendorApi::of(host)?;
    let Some(there) = VendorApi::of(&location.host) else {
        // A folder of a proxy (`proxy:5000/hub`) is none of the API's.
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
    fn names_lead_to_the_api_of_where_they_are() {
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
