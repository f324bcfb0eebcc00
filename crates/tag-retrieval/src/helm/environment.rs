//! The environment of helm.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The environment variables that helm receives. `HOME` is passed only with a credentials file, for the
/// credential helpers that the file names.
pub const VARIABLES: [&str; 12] = [
    "HOME",
    "PATH",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// The part of the environment that a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access<'a> {
    /// The command reads local files.
    Local,
    /// The command sends requests.
    Network,
    /// The command sends requests, and may need the credentials file.
    Registries(&'a Path),
}

impl<'a> Access<'a> {
    fn registry_config(self) -> Option<&'a Path> {
        match self {
            Self::Registries(file) => Some(file),
            Self::Local | Self::Network => None,
        }
    }

    fn passes(self, name: &OsStr) -> bool {
        let known = VARIABLES.iter().any(|passed| name == *passed);
        known && (name != "HOME" || self.registry_config().is_some())
    }
}

/// Returns the environment of a helm with its homes in `home`.
pub(super) fn of_home<'a>(
    outside: &'a [(OsString, OsString)],
    access: Access<'_>,
    home: &Path,
) -> Vec<(&'a OsStr, OsString)> {
    let passed = outside
        .iter()
        .map(|(name, value)| (name.as_os_str(), value.clone()))
        .filter(|(name, _)| access.passes(name));
    let own = [
        ("HELM_CACHE_HOME", "cache"),
        ("HELM_CONFIG_HOME", "config"),
        ("HELM_DATA_HOME", "data"),
        ("TMPDIR", "tmp"),
        // A missing file: helm has no cluster to query.
        ("KUBECONFIG", "no-cluster"),
    ];
    let own =
        own.map(|(name, directory)| (OsStr::new(name), home.join(directory).into_os_string()));
    // Later variables win: the user's home overrides this one.
    let mut environment = vec![(OsStr::new("HOME"), home.as_os_str().to_owned())];
    environment.extend(passed);
    environment.extend(own);
    if let Some(file) = access.registry_config() {
        environment.push((OsStr::new("HELM_REGISTRY_CONFIG"), file.into()));
    }
    environment
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn environment_with(access: Access<'_>) -> BTreeMap<String, String> {
        let outside = [
            ("PATH", "/bin"),
            ("HOME", "/home/user"),
            ("https_proxy", "http://proxy:3128"),
            ("HELM_DEBUG", "true"),
            ("HELM_DRIVER", "sql"),
            ("KUBECONFIG", "/home/user/.kube/config"),
            ("GITHUB_TOKEN", "secret"),
        ];
        let outside = outside.map(|(name, value)| (name.into(), value.into()));
        of_home(&outside, access, Path::new("/scratch"))
            .into_iter()
            .map(|(name, value)| {
                (
                    name.to_str().unwrap().to_owned(),
                    value.into_string().unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn only_listed_variables_reach_helm() {
        let environment = environment_with(Access::Network);
        let names: Vec<&str> = environment.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "HELM_CACHE_HOME",
                "HELM_CONFIG_HOME",
                "HELM_DATA_HOME",
                "HOME",
                "KUBECONFIG",
                "PATH",
                "TMPDIR",
                "https_proxy"
            ]
        );
        assert_eq!(environment["HOME"], "/scratch");
        assert_eq!(environment["KUBECONFIG"], "/scratch/no-cluster");
        assert_eq!(environment_with(Access::Local), environment);
    }

    #[test]
    fn credentials_file_passes_the_home_of_the_user() {
        let environment = environment_with(Access::Registries(Path::new(
            "/home/user/.docker/config.json",
        )));
        assert_eq!(environment["HOME"], "/home/user");
        assert_eq!(
            environment["HELM_REGISTRY_CONFIG"],
            "/home/user/.docker/config.json"
        );
    }
}
