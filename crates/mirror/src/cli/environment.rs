//! The environment variables that the binary uses, read once.

use std::ffi::OsString;
use std::path::PathBuf;

use registry_client::credentials::Secret;
use registry_client::{AwsCredentials, HostToken, ProxyVariables, VendorCredentials};
use tag_retrieval::GitSettings;
use tag_retrieval::helm;

use super::api_variables::ApiVariables;
use super::git_variables::GitVariables;

/// The environment variables that the binary uses. An empty variable counts as unset, because CI
/// systems set variables without a value to the empty string.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    /// `HOME`
    pub(crate) home: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`
    pub(crate) runtime_dir: Option<PathBuf>,
    /// `DOCKER_CONFIG`: a directory.
    pub(crate) docker_config: Option<PathBuf>,
    /// `REGISTRY_AUTH_FILE`
    pub(crate) auth_file: Option<PathBuf>,
    /// `CONTAINERS_REGISTRIES_CONF`
    pub(crate) registries_conf: Option<PathBuf>,
    /// `MIRROR_POLICY`: the policy file.
    pub(crate) policy: Option<PathBuf>,
    /// `DOCKER_AUTH_CONFIG`: the content of an auth file, as GitLab CI sets it.
    pub(crate) docker_auth_config: Option<Secret>,
    /// The proxies: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    pub(crate) proxies: ProxyTexts,
    /// `PATH`, for credential helpers.
    pub(crate) path: OsString,
    /// `TERM=dumb`: no cursor movement and no colors.
    pub(crate) dumb_terminal: bool,
    /// `NO_COLOR`: no colors. (clap and indicatif read it themselves.)
    pub(crate) no_color: bool,
    /// `GITHUB_REPOSITORY`: `OWNER/REPO`
    pub(crate) github_repository: Option<String>,
    /// `MIRROR_SIGNING_PASSWORD`: the password of the key that signs a bundle.
    pub(crate) signing_password: Option<Secret>,
    /// The variables of version sources, pull requests and vendors' APIs.
    pub(crate) apis: ApiVariables,
    /// `AWS_ACCESS_KEY_ID` and the other variables of AWS, `GITLAB_TOKEN` and `QUAY_TOKEN`: the
    /// credentials of the APIs that create repositories.
    pub(crate) vendor_credentials: VendorCredentials,
    /// `JOB_COMPLETION_INDEX`: the index of the pod in a Kubernetes Indexed Job.
    pub(crate) job_index: Option<String>,
    /// `JOB_COMPLETIONS`: the number of pods in the job.
    pub(crate) job_completions: Option<String>,
    /// `HELM`: the helm program.
    pub(crate) helm: Option<PathBuf>,
    /// The variables that are passed to helm.
    pub(crate) helm_variables: Vec<(OsString, OsString)>,
    /// The variables that are passed to git when it reads revisions of the lists.
    pub(crate) git: GitVariables,
    /// The settings of git for the version source `git-tags`.
    pub(crate) git_tags: GitSettings,
    /// The executable that confines other programs: this one. None in tests.
    pub(crate) confiner: Option<PathBuf>,
    /// Set if `GITHUB_ACTIONS=true`.
    pub(crate) github: Option<GithubActions>,
    /// `IMAGES_FILE`, `DEST_REGISTRY_OVERRIDE` and the other keys of `KEY=VALUE` arguments.
    key_values: Vec<(&'static str, String)>,
}

/// The variables that name proxies, in upper or lower case.
#[derive(Clone, Default)]
pub(crate) struct ProxyTexts {
    http: Option<String>,
    https: Option<String>,
    all: Option<String>,
    exempt: Option<String>,
}

impl ProxyTexts {
    fn read(text: impl Fn(&str) -> Option<String>) -> Self {
        let either = |name: &str| text(name).or_else(|| text(&name.to_ascii_lowercase()));
        Self {
            http: either("HTTP_PROXY"),
            https: either("HTTPS_PROXY"),
            all: either("ALL_PROXY"),
            exempt: either("NO_PROXY"),
        }
    }

    /// Returns the texts for the registry client.
    pub(crate) fn variables(&self) -> ProxyVariables<'_> {
        ProxyVariables {
            http: self.http.as_deref(),
            https: self.https.as_deref(),
            all: self.all.as_deref(),
            exempt: self.exempt.as_deref(),
        }
    }
}

/// Hides the passwords in the URLs.
impl std::fmt::Debug for ProxyTexts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProxyTexts(…)")
    }
}

/// A run in GitHub Actions.
#[derive(Debug, Clone, Default)]
pub(crate) struct GithubActions {
    /// `GITHUB_STEP_SUMMARY`: the Markdown file of the step.
    pub(crate) step_summary: Option<PathBuf>,
}

impl Environment {
    /// Reads the variables through `get`. `names` are the variables that [`Environment::key_value`]
    /// returns. A value that is not UTF-8 counts as unset, except for paths.
    pub(crate) fn read(get: impl Fn(&str) -> Option<OsString>, names: &[&'static str]) -> Self {
        let non_empty = |name: &str| get(name).filter(|value| !value.is_empty());
        let path = |name: &str| non_empty(name).map(PathBuf::from);
        let text = |name: &str| non_empty(name).and_then(|value| value.into_string().ok());
        let secret = |name: &str| text(name).map(Secret::from);
        let apis = ApiVariables::read(text);
        let host_token = |token: &Option<Secret>, host: &Option<String>, default: &str| {
            let host = host.clone().unwrap_or_else(|| default.to_owned());
            token.clone().map(|token| HostToken { host, token })
        };
        let key_values = names
            .iter()
            .filter_map(|name| Some((*name, text(name)?)))
            .collect();
        Self {
            home: path("HOME"),
            runtime_dir: path("XDG_RUNTIME_DIR"),
            docker_config: path("DOCKER_CONFIG"),
            auth_file: path("REGISTRY_AUTH_FILE"),
            registries_conf: path("CONTAINERS_REGISTRIES_CONF"),
            policy: path("MIRROR_POLICY"),
            signing_password: secret("MIRROR_SIGNING_PASSWORD"),
            docker_auth_config: text("DOCKER_AUTH_CONFIG").map(Secret::from),
            proxies: ProxyTexts::read(text),
            path: non_empty("PATH").unwrap_or_default(),
            no_color: non_empty("NO_COLOR").is_some(),
            dumb_terminal: text("TERM").as_deref() == Some("dumb"),
            github_repository: text("GITHUB_REPOSITORY"),
            vendor_credentials: VendorCredentials {
                aws: AwsCredentials {
                    access_key_id: text("AWS_ACCESS_KEY_ID"),
                    secret_access_key: secret("AWS_SECRET_ACCESS_KEY"),
                    session_token: secret("AWS_SESSION_TOKEN"),
                    container_relative_uri: text("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
                    container_full_uri: text("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
                    container_token: secret("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
                    container_token_file: path("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
                },
                gitlab: host_token(&apis.gitlab_token, &apis.gitlab_host, "gitlab.com"),
                quay: host_token(&apis.quay_token, &apis.quay_host, "quay.io"),
            },
            apis,
            job_index: text("JOB_COMPLETION_INDEX"),
            job_completions: text("JOB_COMPLETIONS"),
            helm: path("HELM"),
            helm_variables: helm::VARIABLES
                .iter()
                .filter_map(|name| Some((OsString::from(name), get(name)?)))
                .collect(),
            git: GitVariables::read(&get),
            git_tags: GitSettings::read(&get),
            confiner: None,
            github: (text("GITHUB_ACTIONS").as_deref() == Some("true")).then(|| GithubActions {
                step_summary: path("GITHUB_STEP_SUMMARY"),
            }),
            key_values,
        }
    }

    /// Confines git and helm with this executable. It calls
    /// [`exec_if_confined`](program_runner::exec_if_confined) first.
    pub(crate) fn with_confiner(mut self) -> Self {
        // The link leads to the running program, also after an update of the file.
        let link = PathBuf::from("/proc/self/exe");
        let confiner = link
            .exists()
            .then_some(link)
            .or_else(|| std::env::current_exe().ok());
        self.git.confiner.clone_from(&confiner);
        self.git_tags.confiner.clone_from(&confiner);
        self.confiner = confiner;
        self
    }

    /// Returns the value of a variable that is also a key of `KEY=VALUE` arguments.
    pub(crate) fn key_value(&self, name: &str) -> Option<&str> {
        let found = self.key_values.iter().find(|(key, _)| *key == name)?;
        Some(&found.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let get = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name)?;
            Some(OsString::from(found.1))
        };
        Environment::read(get, &["IMAGES_FILE"])
    }

    #[test]
    fn empty_variables_are_unset() {
        let read = environment(&[("HOME", ""), ("IMAGES_FILE", ""), ("GITHUB_ACTIONS", "")]);
        assert_eq!(read.home, None);
        assert_eq!(read.key_value("IMAGES_FILE"), None);
        assert!(read.github.is_none());
    }

    #[test]
    fn step_summary_is_read_only_in_github_actions() {
        let summary = ("GITHUB_STEP_SUMMARY", "/s");
        let off = environment(&[("GITHUB_ACTIONS", "false"), summary]);
        assert!(off.github.is_none());
        let on = environment(&[("GITHUB_ACTIONS", "true"), summary]);
        let file = on.github.and_then(|github| github.step_summary);
        assert_eq!(file, Some(PathBuf::from("/s")));
    }
}
