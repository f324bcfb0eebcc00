//! Fetching charts: each index and each package once in a run.

use std::ffi::OsStr;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use url::Url;

use super::call::{Call, Load};
use super::error::HelmError;
use super::once::Once;
use super::program::Helm;
use crate::config::Chart;
use crate::url_credentials::UrlCredentials;

/// Which version of a chart is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Wanted {
    /// The latest release.
    Latest,
    /// The latest version, development versions included.
    Development,
    /// The latest in a range.
    Range(String),
}

impl Wanted {
    /// What the chart itself asks for. A range has the last word, as it has for helm.
    pub(super) fn of(chart: &Chart) -> Self {
        match (&chart.version, chart.devel) {
            (Some(range), _) => Self::Range(range.clone()),
            (None, true) => Self::Development,
            (None, false) => Self::Latest,
        }
    }
}

/// A package as it is asked for: the URL of its repository if it has one, the chart's name or
/// `oci://` reference, the version.
type Asked = (Option<String>, String, Wanted);

/// A path, or why there is none: the same for all who asked.
type Fetched = Result<PathBuf, Arc<HelmError>>;

/// What was fetched so far.
#[derive(Debug, Default)]
pub(super) struct Packages {
    homes: Once<String, Fetched>,
    packages: Once<Asked, Fetched>,
}

impl Helm {
    /// The package of a chart, from the repository or (none given) the registry that its name
    /// says.
    pub(super) async fn package(
        &self,
        repository: Option<&Url>,
        chart: &str,
        wanted: &Wanted,
    ) -> Fetched {
        let home = match repository {
            Some(url) => Some(self.index(url).await?),
            None => None,
        };
        let reference = match repository {
            Some(url) => format!("{}/{chart}", alias_of(url)),
            None => chart.to_owned(),
        };
        let pull = async {
            let pulled = self.pull(home.as_deref(), &reference, wanted).await;
            pulled.map_err(Arc::new)
        };
        let asked = (repository.map(name_of), chart.to_owned(), wanted.clone());
        self.packages.packages.get(asked, pull).await
    }

    /// A home of helm's that has the index of a repository. One for each: adding to a common one
    /// takes a lock that the others poll for once in a second.
    pub(super) async fn index(&self, repository: &Url) -> Fetched {
        let add = async { self.add(repository).await.map_err(Arc::new) };
        self.packages.homes.get(name_of(repository), add).await
    }

    async fn add(&self, repository: &Url) -> Result<PathBuf, HelmError> {
        let home = self.new_folder("repository")?;
        let (url, credentials) = UrlCredentials::split(repository);
        let (alias, name) = (alias_of(&url), name_of(&url));
        let call = Call::new("repo add", Load::Network(alias.clone()))
            .about(&name)
            .home(Some(&home));
        let call = match credentials {
            Some(UrlCredentials { username, password }) => call
                .option("username", username)
                .flag("password-stdin")
                .input(password),
            None => call,
        };
        self.run(call.operands(&[OsStr::new(&alias), OsStr::new(&name)]))
            .await?;
        Ok(home)
    }

    async fn pull(
        &self,
        home: Option<&Path>,
        reference: &str,
        wanted: &Wanted,
    ) -> Result<PathBuf, HelmError> {
        let folder = self.new_folder("package")?;
        let call = Call::new("pull", Load::Network(server_of(reference).to_owned()))
            .home(home)
            .option("destination", &folder);
        let call = match wanted {
            Wanted::Latest => call,
            Wanted::Development => call.flag("devel"),
            Wanted::Range(range) => call.option("version", range),
        };
        let call = if is_on_loopback(reference) {
            call.flag("plain-http")
        } else {
            call
        };
        self.run(call.operands(&[OsStr::new(reference)])).await?;
        let package = std::fs::read_dir(&folder)?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .find(|path| path.extension() == Some(OsStr::new("tgz")));
        package.ok_or(HelmError::NoPackage)
    }
}

/// With and without a slash it is the same place.
fn name_of(repository: &Url) -> String {
    repository.as_str().trim_end_matches('/').to_owned()
}

/// What helm calls the repository in its messages: the host, without what would end an alias.
fn alias_of(repository: &Url) -> String {
    let host = repository.host_str().unwrap_or_default();
    let part_of_alias = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let alias = host.replace(|c| !part_of_alias(c), "");
    if alias.is_empty() {
        return "charts".to_owned();
    }
    alias
}

/// Whom a chart is fetched from: the repository by its alias, the registry by its host.
fn server_of(reference: &str) -> &str {
    let name = reference.strip_prefix("oci://").unwrap_or(reference);
    name.split_once('/').map_or(name, |(server, _)| server)
}

/// A registry on this machine speaks plain HTTP. helm 3 finds that out by itself and then keeps the
/// credentials back, helm 4 does not find it out.
fn is_on_loopback(reference: &str) -> bool {
    let url = reference
        .starts_with("oci://")
        .then(|| Url::parse(reference));
    let Some(Ok(url)) = url else {
        return false;
    };
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_called_after_its_host() {
        for (url, alias) in [
            ("https://charts.longhorn.io/stable", "charts.longhorn.io"),
            ("http://127.0.0.1:8080", "127.0.0.1"),
            ("http://[::1]:8080", "1"),
            ("file:///charts", "charts"),
        ] {
            assert_eq!(alias_of(&url.parse().unwrap()), alias, "{url}");
        }
    }

    #[test]
    fn only_registries_on_this_machine_are_asked_without_tls() {
        let cases = [
            ("oci://127.0.0.1:5000/charts/web", true),
            ("oci://[::1]:5000/charts/web", true),
            ("oci://localhost/charts/web", true),
            ("oci://localhost.example.com/charts/web", false),
            (
                "oci://registry.suse.com/rancher/elemental-operator-chart",
                false,
            ),
            ("oci://10.0.0.1:5000/charts/web", false),
            ("charts/localhost", false),
        ];
        for (reference, expected) in cases {
            assert_eq!(is_on_loopback(reference), expected, "{reference}");
        }
    }
}
