//! The hosts at which an API can create repositories.

use super::creation::CreationApi;
use super::ecr::EcrRegistry;

/// Hosts of known registries, with the API that creates repositories there, if any.
const KNOWN_HOSTS: [(&str, Option<CreationApi>); 7] = [
    ("docker.io", None),
    ("gcr.io", None),
    ("ghcr.io", None),
    ("mcr.microsoft.com", None),
    ("public.ecr.aws", None),
    ("quay.io", Some(CreationApi::Quay)),
    ("registry.gitlab.com", Some(CreationApi::GitLab)),
];

/// The suffixes of hosts of registries without any of these APIs.
const KNOWN_DOMAINS: [&str; 3] = [".azurecr.io", ".gcr.io", ".pkg.dev"];

impl CreationApi {
    /// Returns false if a host is known to be a registry without the API.
    #[must_use]
    pub fn may_be_at(self, host: &str) -> bool {
        let is_ecr = EcrRegistry::parse(host).is_some();
        if self == Self::Ecr || is_ecr {
            return is_ecr && self == Self::Ecr;
        }
        let known = KNOWN_HOSTS.iter().find(|(known, _)| *known == host);
        let is_known = KNOWN_DOMAINS.iter().any(|domain| host.ends_with(domain));
        known.map_or(!is_known, |(_, api)| *api == Some(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_of_other_vendors_are_known() {
        let apis = [
            CreationApi::Ecr,
            CreationApi::Harbor,
            CreationApi::GitLab,
            CreationApi::Quay,
        ];
        let ecr = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
        for (host, want) in [
            ("docker.io", [false; 4]),
            ("europe-docker.pkg.dev", [false; 4]),
            (ecr, [true, false, false, false]),
            ("quay.io", [false, false, false, true]),
            ("registry.gitlab.com", [false, false, true, false]),
            ("registry.example.com", [false, true, true, true]),
        ] {
            assert_eq!(apis.map(|api| api.may_be_at(host)), want, "{host}");
        }
    }
}
