//! What helm gets to see of the environment.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The variables of the environment that helm gets to see; `HOME` only where credentials are given,
/// for the helpers that they name.
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

fn passes(name: &OsStr, registry_config: Option<&Path>) -> bool {
    let known = VARIABLES.iter().any(|passed| name == *passed);
    known && (name != "HOME" || registry_config.is_some())
}

/// The environment of a helm whose homes are in `home`.
pub(super) fn of_home<'a>(
    outside: &'a [(OsString, OsString)],
    registry_config: Option<&Path>,
    home: &Path,
) -> Vec<(&'a OsStr, OsString)> {
    let passed = outside
        .iter()
        .map(|(name, value)| (name.as_os_str(), value.clone()))
        .filter(|(name, _)| passes(name, registry_config));
    let own = [
        ("HELM_CACHE_HOME", "cache"),
        ("HELM_CONFIG_HOME", "config"),
        ("HELM_DATA_HOME", "data"),
        ("TMPDIR", "tmp"),
        // A file that is not there: helm has no cluster to ask.
        ("KUBECONFIG", "no-cluster"),
    ];
    let own = own.map(|(name, folder)| (OsStr::new(name), home.join(folder).into_os_string()));
    // What stands later wins: the user's home over this one.
    let mut environment = vec![(OsStr::new("HOME"), home.as_os_str().to_owned())];
    environment.extend(passed);
    environment.extend(own);
    if let Some(file) = registry_config {
        environment.push((OsStr::new("HELM_REGISTRY_CONFIG"), file.into()));
    }
    environment
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn seen(registry_config: Option<&str>) -> BTreeMap<String, String> {
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
        of_home(
            &outside,
            registry_config.map(Path::new),
            Path::new("/scratch"),
        )
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
    fn only_what_is_needed_comes_through() {
        let seen = seen(None);
        let names: Vec<&str> = seen.keys().map(String::as_str).collect();
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
        assert_eq!(seen["HOME"], "/scratch");
        assert_eq!(seen["KUBECONFIG"], "/scratch/no-cluster");
    }

    #[test]
    fn helpers_named_by_a_file_of_credentials_find_the_users_home() {
        let seen = seen(Some("/home/user/.docker/config.json"));
        assert_eq!(seen["HOME"], "/home/user");
        assert_eq!(
            seen["HELM_REGISTRY_CONFIG"],
            "/home/user/.docker/config.json"
        );
    }
}
