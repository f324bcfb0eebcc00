//! The registry client, configured by options and environment variables.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use http::HeaderValue;
use image_name::Host;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use registry_client::credentials::{
    CredentialFile, CredentialSources, CredentialStore, Helpers, auth_file_in_pull_secret,
};
use registry_client::registries_conf::RegistriesConf;
use registry_client::trust::Trust;
use registry_client::{Client, HostLimits, Proxies, RetryPolicy, Timeouts};

use crate::cli::environment::Environment;
use crate::cli::failure::{Failure, Finding};
use crate::cli::options::CommonOptions;
use crate::files::atomic_file::io_message;

/// The directories with a certificate directory for each host (containers-certs.d(5), docker).
const CERTIFICATE_ROOTS: [&str; 2] = ["/etc/containers/certs.d", "/etc/docker/certs.d"];

const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("mirror/", env!("CARGO_PKG_VERSION")));

/// The limit of open files to request: enough for the connections to a dozen registries.
const OPEN_FILES: u64 = 8192;

/// The limits of a client that a command sets.
#[derive(Debug, Default)]
pub(crate) struct ClientLimits {
    /// The timeouts of requests.
    pub(crate) timeouts: Timeouts,
    /// The maximum number of manifests that are read, by host.
    pub(crate) max_pulls: HashMap<String, u64>,
    /// The limits of single hosts.
    pub(crate) hosts: HashMap<Host, HostLimits>,
}

/// Creates the client with the default timeouts. No request is sent.
///
/// # Errors
///
/// [`Failure`] for a registries.conf, auth file or certificate directory that cannot be read.
pub(crate) fn build(common: &CommonOptions, environment: &Environment) -> Result<Client, Failure> {
    build_with(common, environment, ClientLimits::default())
}

/// Creates the client. No request is sent.
///
/// # Errors
///
/// As [`build`].
pub(crate) fn build_with(
    common: &CommonOptions,
    environment: &Environment,
    limits: ClientLimits,
) -> Result<Client, Failure> {
    let credentials = credential_store(common, environment)?;
    build_for(common, environment, credentials, limits)
}

/// Returns the stored credentials. No file is read yet.
///
/// # Errors
///
/// [`Failure`] if the file of `--authfile` does not exist.
pub(crate) fn credential_store(
    common: &CommonOptions,
    environment: &Environment,
) -> Result<CredentialStore, Failure> {
    check_paths(common)?;
    if let Some(path) = environment.auth_file.as_ref().filter(|path| !path.exists()) {
        let path = path.display();
        tracing::warn!(
            "REGISTRY_AUTH_FILE names {path}, which does not exist: no credentials are read there"
        );
    }
    Ok(CredentialStore::new(CredentialSources {
        files: auth_files(common, environment),
        helpers: Helpers::new(&environment.path),
    }))
}

/// Creates a client with other credentials than the stored ones. No request is sent.
///
/// # Errors
///
/// As [`build`].
pub(crate) fn build_for(
    common: &CommonOptions,
    environment: &Environment,
    credentials: CredentialStore,
    limits: ClientLimits,
) -> Result<Client, Failure> {
    raise_open_files_limit();
    let proxies = Proxies::from_variables(&environment.proxies.variables()).map_err(|error| {
        Failure::unusable(error.to_string())
            .hint("write the proxy as http://[USER:PASSWORD@]HOST:PORT".to_owned())
    })?;
    for network in proxies.invalid_networks() {
        tracing::warn!(
            "NO_PROXY: `{network}` is not a network and exempts no host: write ADDRESS/BITS, such as \
             10.0.0.0/8"
        );
    }
    let roots = CERTIFICATE_ROOTS.map(PathBuf::from).to_vec();
    let retry_policy = RetryPolicy {
        max_wait: common.max_wait,
        ..RetryPolicy::default()
    };
    let client = Client::builder()
        .user_agent(USER_AGENT)
        .oauth_client_id("mirror")
        .registries_conf(registries_conf(common, environment)?)
        .credentials(credentials)
        .proxies(proxies)
        .trust(Trust::new(common.cert_dir.clone(), roots))
        .timeouts(limits.timeouts)
        .max_pulls(limits.max_pulls)
        .host_limits(limits.hosts)
        .vendor_credentials(environment.vendor_credentials.clone())
        .retry_policy(retry_policy)
        .requests_per_host(common.jobs.into());
    Ok(client.build())
}

/// Checks that the files of options exist. Without the check, requests would be anonymous, or would
/// trust the system's roots only.
fn check_paths(common: &CommonOptions) -> Result<(), Failure> {
    let named = [
        ("--authfile", common.authfile.as_ref()),
        ("--cert-dir", common.cert_dir.as_ref()),
    ];
    for (option, path) in named {
        if let Some(path) = path {
            fs::metadata(path).map_err(|error| {
                Failure::unusable(format!(
                    "{option} {}: {}",
                    path.display(),
                    io_message(&error)
                ))
                .hint(format!("correct the path, or run without {option}"))
            })?;
        }
    }
    check_cert_dir(common)?;
    common.authfile.as_deref().map_or(Ok(()), check_auth_file)
}

/// Checks the files in the directory of `--cert-dir`. Otherwise every row would fail for them.
fn check_cert_dir(common: &CommonOptions) -> Result<(), Failure> {
    let Some(directory) = &common.cert_dir else {
        return Ok(());
    };
    let trust = Trust::new(Some(directory.clone()), Vec::new());
    let found = trust.for_host("localhost").map_err(|error| {
        Failure::unusable(format!("--cert-dir: {error}")).hint(
            "correct the directory: *.crt are certificate authorities, NAME.cert and NAME.key a client \
             certificate"
                .to_owned(),
        )
    })?;
    if found.ca_pems.is_empty() && found.identity_pem.is_none() {
        tracing::warn!(
            "--cert-dir {} has no *.crt and no *.cert: only the system's certificate authorities are trusted",
            directory.display()
        );
    }
    Ok(())
}

/// Checks that the file of `--authfile` is JSON. Otherwise it would go unnoticed until a registry
/// asks for credentials.
fn check_auth_file(path: &Path) -> Result<(), Failure> {
    let text = fs::read(path).map_err(|error| {
        let (path, cause) = (path.display(), io_message(&error));
        Failure::unusable(format!("--authfile {path}: {cause}")).hint(
            "name a file that you can read, or write one with `mirror login HOST --authfile FILE`"
                .to_owned(),
        )
    })?;
    // podman accepts an empty file.
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    if auth_file_in_pull_secret(&text).is_some() {
        return Ok(());
    }
    let parsed: Result<serde::de::IgnoredAny, _> = serde_json::from_slice(&text);
    parsed.map(drop).map_err(|error| {
        // The message of the parser may quote a secret.
        let (path, line) = (path.display(), error.line());
        Failure::unusable(format!("--authfile {path}: line {line} is not valid JSON"))
            .hint("write the file with `mirror login HOST --authfile FILE`".to_owned())
    })
}

/// Returns the auth files by precedence. The one of `--authfile` must exist.
pub(crate) fn auth_files(common: &CommonOptions, environment: &Environment) -> Vec<CredentialFile> {
    let named = common.authfile.iter().map(CredentialFile::required);
    let variable = environment.auth_file.iter().map(CredentialFile::optional);
    let content = environment.docker_auth_config.clone();
    let content = content.map(|content| CredentialFile::inline("DOCKER_AUTH_CONFIG", content));
    let defaults = [
        containers_auth_file(environment),
        docker_config(environment),
    ];
    named
        .chain(variable)
        .chain(content)
        .chain(defaults.into_iter().flatten().map(CredentialFile::optional))
        .collect()
}

/// Returns `$XDG_RUNTIME_DIR/containers/auth.json`, the file of podman and skopeo.
fn containers_auth_file(environment: &Environment) -> Option<PathBuf> {
    let runtime_dir = environment.runtime_dir.as_ref()?;
    Some(runtime_dir.join("containers/auth.json"))
}

/// Returns `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`.
fn docker_config(environment: &Environment) -> Option<PathBuf> {
    let directory = environment.docker_config.clone();
    let directory = directory.or_else(|| Some(environment.home.as_ref()?.join(".docker")))?;
    Some(directory.join("config.json"))
}

/// Returns the first auth file that exists, for programs that take only one.
pub(crate) fn first_auth_file(
    common: &CommonOptions,
    environment: &Environment,
) -> Option<PathBuf> {
    let mut all = auth_paths(common, environment).into_iter();
    all.find(|path| path.is_file())
}

/// Returns the paths of auth files by precedence. They need not exist.
pub(crate) fn auth_paths(common: &CommonOptions, environment: &Environment) -> Vec<PathBuf> {
    let named = [common.authfile.clone(), environment.auth_file.clone()];
    let defaults = [
        containers_auth_file(environment),
        docker_config(environment),
    ];
    named.into_iter().chain(defaults).flatten().collect()
}

/// Returns the file that a login is written to: the one of `--authfile` or `REGISTRY_AUTH_FILE`, or
/// else docker's, which survives a reboot.
pub(crate) fn login_file(common: &CommonOptions, environment: &Environment) -> Option<PathBuf> {
    let named = common
        .authfile
        .clone()
        .or_else(|| environment.auth_file.clone());
    named.or_else(|| docker_config(environment))
}

fn registries_conf(
    common: &CommonOptions,
    environment: &Environment,
) -> Result<RegistriesConf, Failure> {
    let path = common
        .registries_conf
        .as_ref()
        .or(environment.registries_conf.as_ref());
    let mut text = match path {
        None => String::new(),
        Some(path) => fs::read_to_string(path).map_err(|error| {
            Failure::unusable(format!(
                "cannot read registries.conf {}: {}",
                path.display(),
                io_message(&error)
            ))
            .hint("correct the path in --registries-conf or CONTAINERS_REGISTRIES_CONF".to_owned())
        })?,
    };
    // The first of equal prefixes applies, so the tables of the file take precedence over these.
    for host in &common.insecure {
        text += &insecure_table(host)?;
    }
    let name = path.map_or_else(
        || "--insecure".to_owned(),
        |path| path.display().to_string(),
    );
    let conf = RegistriesConf::parse(&text).map_err(|error| {
        Failure::unusable(format!("{name}:{error}"))
            .hint("correct the file as containers-registries.conf(5) describes".to_owned())
    })?;
    for warning in conf.unused_keys() {
        let finding = Finding {
            file: name.clone(),
            line: warning.line,
            message: format!(
                "the key `{}` is not supported and has no effect",
                warning.key
            ),
        };
        tracing::warn!("{finding}");
    }
    Ok(conf)
}

fn insecure_table(host: &str) -> Result<String, Failure> {
    if let Err(error) = host.parse::<Host>() {
        return Err(Failure::unusable(format!("--insecure: {error}"))
            .hint("write HOST or HOST:PORT".to_owned()));
    }
    Ok(format!(
        "\n[[registry]]\nlocation = \"{host}\"\ninsecure = true\n"
    ))
}

/// Raises the soft limit of open files, which many systems set to 1,024, up to the hard limit. If the
/// system refuses, the old limit remains.
fn raise_open_files_limit() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < OPEN_FILES.min(hard)
    {
        setrlimit(Resource::RLIMIT_NOFILE, OPEN_FILES.min(hard), hard).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::Parser;

    use super::*;
    use crate::cli::exit::Exit;

    #[derive(Debug, Parser)]
    struct CommonOnly {
        #[command(flatten)]
        common: CommonOptions,
    }

    fn common(line: &str) -> CommonOptions {
        let line = format!("mirror {line}");
        let parsed = CommonOnly::try_parse_from(line.split_whitespace());
        parsed.unwrap().common
    }

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let get = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name)?;
            Some(OsString::from(found.1))
        };
        Environment::read(get, &[])
    }

    #[test]
    fn auth_files_have_the_documented_order() {
        let all = environment(&[
            ("HOME", "/h"),
            ("XDG_RUNTIME_DIR", "/run"),
            ("REGISTRY_AUTH_FILE", "/env.json"),
            ("DOCKER_AUTH_CONFIG", "{}"),
        ]);
        let want = [
            CredentialFile::required("/flag.json"),
            CredentialFile::optional("/env.json"),
            CredentialFile::inline("DOCKER_AUTH_CONFIG", "{}".to_owned().into()),
            CredentialFile::optional("/run/containers/auth.json"),
            CredentialFile::optional("/h/.docker/config.json"),
        ];
        assert_eq!(auth_files(&common("--authfile /flag.json"), &all), want);
        let docker = environment(&[("HOME", "/h"), ("DOCKER_CONFIG", "/d")]);
        assert_eq!(
            auth_files(&common(""), &docker),
            [CredentialFile::optional("/d/config.json")]
        );
    }

    #[test]
    fn unusable_certificate_directories_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().display();
        let check = || check_cert_dir(&common(&format!("--cert-dir {path}")));
        assert_eq!(check(), Ok(()));
        for (name, want) in [
            ("junk.crt", "contains no valid PEM certificate"),
            ("alone.cert", "has no"),
            ("alone.key", "has no"),
        ] {
            let file = directory.path().join(name);
            fs::write(&file, "junk").unwrap();
            let failure = check().unwrap_err();
            assert_eq!(failure.exit, Exit::Unusable, "{name}");
            let is_named = failure.message.contains(name) && failure.message.contains(want);
            assert!(is_named, "{name}: {failure}");
            let as_directory = check_cert_dir(&common(&format!("--cert-dir {}", file.display())));
            assert!(
                as_directory
                    .unwrap_err()
                    .message
                    .contains("Not a directory")
            );
            fs::remove_file(file).unwrap();
        }
    }

    #[test]
    fn insecure_hosts_need_no_registries_conf() {
        let conf =
            registries_conf(&common("--insecure r.io,b.io:5000"), &environment(&[])).unwrap();
        let insecure = |host| conf.resolve(host, "a").unwrap().location.insecure;
        assert_eq!(insecure("r.io"), Some(true));
        assert_eq!(insecure("b.io:5000"), Some(true));
        assert_eq!(insecure("c.io"), None);
        for host in ["a\"b", "foo:6101:1", "https://r.io", "r.io:99999"] {
            let refused =
                registries_conf(&common(&format!("--insecure {host}")), &environment(&[]));
            let message = refused.unwrap_err().message;
            assert!(message.starts_with("--insecure: `"), "{message}");
        }
    }
}
