//! The fetching of charts with helm.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use registry_client::redact_urls;
use serde_json::json;
use url::Url;

use super::error::{HelmError, stderr_line};
use super::helm_command::{HelmCommand, Load};
use super::package_cache::{ChartVersion, FetchResult, PackageKey};
use super::program::Helm;
use crate::url_credentials::UrlCredentials;

impl Helm {
    /// Fetches the package of a chart, from a repository or, without one, from the registry in its name.
    /// Returns its path.
    pub(crate) async fn package(
        &self,
        repository: Option<&Url>,
        chart: &str,
        version: &ChartVersion,
    ) -> FetchResult {
        let home = match repository {
            Some(url) => Some(self.index(url).await?),
            None => None,
        };
        let reference = match repository {
            Some(url) => format!("{}/{chart}", alias_of(url)),
            None => chart.to_owned(),
        };
        let pull = async {
            let pulled = self.pull(home.as_deref(), &reference, version).await;
            pulled.map_err(Arc::new)
        };
        let key = PackageKey {
            repository: repository.map(url_without_slash),
            chart: chart.to_owned(),
            version: version.clone(),
        };
        self.packages.packages.get_or_init(key, || pull).await
    }

    /// Fetches the index of a repository. Returns the helm home that contains it. Each repository has its
    /// own home: in a shared one, helm waits for a lock that it polls once a second.
    pub(crate) async fn index(&self, repository: &Url) -> FetchResult {
        let add = async { self.add_repository(repository).await.map_err(Arc::new) };
        self.packages
            .homes
            .get_or_init(url_without_slash(repository), || add)
            .await
    }

    async fn add_repository(&self, repository: &Url) -> Result<PathBuf, HelmError> {
        let home = self.new_directory("repository")?;
        let (url, credentials) = UrlCredentials::split(repository);
        let (alias, name) = (alias_of(&url), url_without_slash(&url));
        write_repositories(&home, &alias, &name, credentials)?;
        let helm_command = HelmCommand::new("repo update", Load::Network(alias.clone()))
            .about(&name)
            .home(Some(&home));
        let command = helm_command.command.clone();
        let output = self
            .run(helm_command.operands(&[OsStr::new(&alias)]))
            .await?;
        // Most versions of helm 3 succeed without the index, and print the cause.
        let index = home.join(format!("cache/repository/{alias}-index.yaml"));
        if !index.is_file() {
            let command = redact_urls(&command);
            let stderr = update_failure(&output);
            return Err(HelmError::Failed { command, stderr });
        }
        Ok(home)
    }

    async fn pull(
        &self,
        home: Option<&Path>,
        reference: &str,
        version: &ChartVersion,
    ) -> Result<PathBuf, HelmError> {
        let directory = self.new_directory("package")?;
        let helm_command = HelmCommand::new("pull", Load::Network(server_of(reference).to_owned()))
            .home(home)
            // Also for a chart repository, whose index can name charts in registries.
            .reads_registries()
            .option("destination", &directory);
        let helm_command = match version {
            ChartVersion::Latest => helm_command,
            ChartVersion::Development => helm_command.flag("devel"),
            ChartVersion::Range(range) => helm_command.option("version", range),
        };
        let helm_command = if is_on_loopback(reference) {
            helm_command.flag("plain-http")
        } else {
            helm_command
        };
        self.run(helm_command.operands(&[OsStr::new(reference)]))
            .await?;
        let package = std::fs::read_dir(&directory)?
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .find(|path| path.extension() == Some(OsStr::new("tgz")));
        package.ok_or(HelmError::NoPackage)
    }
}

/// Writes helm's file of repositories. Other users can read arguments, but not this file: the URL may
/// have a secret in its query or path.
fn write_repositories(
    home: &Path,
    alias: &str,
    url: &str,
    credentials: Option<UrlCredentials>,
) -> io::Result<()> {
    let mut repository = json!({"name": alias, "url": url});
    if let Some(UrlCredentials { username, password }) = credentials {
        repository["username"] = username.into();
        repository["password"] = password.into();
    }
    // JSON is YAML.
    let content = json!({"apiVersion": "v1", "repositories": [repository]}).to_string();
    let directory = home.join("config");
    std::fs::create_dir_all(&directory)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(directory.join("repositories.yaml"))?;
    file.write_all(content.as_bytes())
}

/// Returns the cause of a failed `helm repo update` from its output. It stands below the line with the
/// repository.
fn update_failure(output: &str) -> String {
    let lines = output.lines();
    let mut lines = lines.skip_while(|line| !line.starts_with("...Unable to get an update"));
    let cause = lines.nth(1).unwrap_or(output);
    stderr_line(cause.as_bytes())
}

/// Returns a URL without a slash at the end of its path: both spellings name the same repository.
fn url_without_slash(repository: &Url) -> String {
    let mut url = repository.clone();
    url.set_path(repository.path().trim_end_matches('/'));
    url.set_fragment(None);
    match url.query() {
        Some(_) => url.into(),
        // The parser adds a slash to a host.
        None => url.as_str().trim_end_matches('/').to_owned(),
    }
}

/// Returns the alias of a repository in helm: the host, without characters that helm rejects.
fn alias_of(repository: &Url) -> String {
    let host = repository.host_str().unwrap_or_default();
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let alias = host.replace(|c| !allowed(c), "");
    if alias.is_empty() {
        return "charts".to_owned();
    }
    alias
}

/// Returns the server of a chart: the alias of its repository, or the host of its registry.
fn server_of(reference: &str) -> &str {
    let name = reference.strip_prefix("oci://").unwrap_or(reference);
    name.split_once('/').map_or(name, |(server, _)| server)
}

/// Returns true if a chart is in a registry on a loopback address, which uses plain HTTP. helm 3 detects that
/// and then omits the credentials; helm 4 does not detect it.
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
    fn alias_is_the_host() {
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
    fn loopback_registries_only_use_plain_http() {
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
