//! The client of the registries, made from options and environment.

use std::fs;
use std::path::PathBuf;

use http::HeaderValue;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use registry_client::credentials::{CredentialFile, CredentialSources, CredentialStore, Helpers};
use registry_client::registries_conf::RegistriesConf;
use registry_client::trust::Trust;
use registry_client::{Client, RetryPolicy};

use crate::cli::environment::Environment;
use crate::cli::failure::{Failure, Finding};
use crate::cli::options::CommonOptions;
use crate::files::atomic_file::plain;

/// Where certificate folders of hosts are (containers-certs.d(5), docker).
const CERTIFICATE_ROOTS: [&str; 2] = ["/etc/containers/certs.d", "/etc/docker/certs.d"];

const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("mirror/", env!("CARGO_PKG_VERSION")));

/// Open files for every connection to a dozen registries.
const OPEN_FILES: u64 = 8192;

/// Creates the client. No request is sent.
///
/// # Errors
///
/// [`Failure`] for a registries.conf, auth file or certificate directory that cannot be read.
pub(crate) fn build(common: &CommonOptions, environment: &Environment) -> Result<Client, Failure> {
    raise_open_files_limit();
    check_named(common)?;
    let credentials = CredentialStore::new(CredentialSources {
        files: auth_files(common, environment),
        helpers: Helpers::new(&environment.path),
    });
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
        .trust(Trust::new(common.cert_dir.clone(), roots))
        .retry_policy(retry_policy)
        .requests_per_host(common.jobs.into());
    Ok(client.build())
}

/// What an option names has to be there: anonymous requests, or trust in the
/// system's roots alone, are not what was asked for.
fn check_named(common: &CommonOptions) -> Result<(), Failure> {
    let named = [
        ("--authfile", common.authfile.as_ref()),
        ("--cert-dir", common.cert_dir.as_ref()),
    ];
    for (option, path) in named {
        if let Some(path) = path {
            fs::metadata(path).map_err(|error| {
                Failure::unusable(format!("{option} {}: {}", path.display(), plain(&error)))
            })?;
        }
    }
    Ok(())
}

/// The auth files in the order in which they are asked. That of the option has
/// to exist; the others may.
pub(crate) fn auth_files(common: &CommonOptions, environment: &Environment) -> Vec<CredentialFile> {
    let named = common.authfile.iter().map(CredentialFile::required);
    let usual = [
        environment.auth_file.clone(),
        containers_auth_file(environment),
        docker_config(environment),
    ];
    named
        .chain(usual.into_iter().flatten().map(CredentialFile::optional))
        .collect()
}

/// `$XDG_RUNTIME_DIR/containers/auth.json`, that of podman and skopeo.
fn containers_auth_file(environment: &Environment) -> Option<PathBuf> {
    let runtime_dir = environment.runtime_dir.as_ref()?;
    Some(runtime_dir.join("containers/auth.json"))
}

/// `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`.
fn docker_config(environment: &Environment) -> Option<PathBuf> {
    let folder = environment.docker_config.clone();
    let folder = folder.or_else(|| Some(environment.home.as_ref()?.join(".docker")))?;
    Some(folder.join("config.json"))
}

/// The auth file for a program that takes one: the first that there is.
pub(crate) fn first_auth_file(
    common: &CommonOptions,
    environment: &Environment,
) -> Option<PathBuf> {
    let named = [common.authfile.clone(), environment.auth_file.clone()];
    let usual = [
        containers_auth_file(environment),
        docker_config(environment),
    ];
    let mut all = named.into_iter().chain(usual).flatten();
    all.find(|path| path.is_file())
}

/// Where a login is written: the first that is named, else docker's file, which
/// outlives a reboot.
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
            let place = path.display();
            Failure::unusable(format!(
                "cannot read registries.conf {place}: {}",
                plain(&error)
            ))
        })?,
    };
    // Tables of hosts behind those of the file: the first of equal prefixes
    // counts, so that the file can still say where an insecure host lives.
    for host in &common.insecure {
        text += &insecure_table(host)?;
    }
    let name = path.map_or_else(
        || "--insecure".to_owned(),
        |path| path.display().to_string(),
    );
    let conf = RegistriesConf::parse(&text).map_err(|error| {
        Failure::unusable(format!("{name}:{error}"))
            .hint("see containers-registries.conf(5)".to_owned())
    })?;
    for warning in conf.unused_keys() {
        let finding = Finding {
            file: name.clone(),
            line: warning.line,
            message: format!("`{}` is not used", warning.key),
        };
        tracing::warn!("{finding}");
    }
    Ok(conf)
}

fn insecure_table(host: &str) -> Result<String, Failure> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    if host.is_empty() || !host.chars().all(allowed) {
        return Err(Failure::unusable(format!(
            "--insecure {host:?} is no host; write HOST or HOST:PORT"
        )));
    }
    Ok(format!(
        "\n[[registry]]\nlocation = \"{host}\"\ninsecure = true\n"
    ))
}

/// Raises the soft limit, which many systems set to 1,024 for the sake of programs older than
/// poll(2), towards the hard one. Where the system refuses, the old limit stays.
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
    fn auth_files_are_asked_in_the_order_of_the_contract() {
        let all = environment(&[
            ("HOME", "/h"),
            ("XDG_RUNTIME_DIR", "/run"),
            ("REGISTRY_AUTH_FILE", "/env.json"),
        ]);
        let want = [
            CredentialFile::required("/flag.json"),
            CredentialFile::optional("/env.json"),
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
    fn insecure_hosts_need_no_file() {
        let conf =
            registries_conf(&common("--insecure r.io,b.io:5000"), &environment(&[])).unwrap();
        let insecure = |host| conf.resolve(host, "a").unwrap().location.insecure;
        assert_eq!(insecure("r.io"), Some(true));
        assert_eq!(insecure("b.io:5000"), Some(true));
        assert_eq!(insecure("c.io"), None);
        assert!(registries_conf(&common("--insecure a\"b"), &environment(&[])).is_err());
    }
}
