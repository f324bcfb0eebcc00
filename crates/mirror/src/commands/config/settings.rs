//! The settings of a command: the common options, and what the environment says.

use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use serde::Serialize;

use crate::cli::environment::Environment;
use crate::cli::key_value::Key;
use crate::files::config_file;
use crate::files::list_file;
use crate::files::policy_file::{self, PolicyPath};
use crate::files::targets_file;
use crate::registries::client;
use crate::session::Session;

/// A setting with its origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Setting {
    /// The option or the environment variable.
    pub(super) name: String,
    /// The value; `null` if nothing is set.
    pub(super) value: Option<String>,
    /// `option`, `default`, `unset`, or the name of an environment variable.
    pub(super) origin: String,
}

impl Setting {
    fn new(name: &str, value: impl Into<String>, origin: &str) -> Self {
        Self {
            name: name.to_owned(),
            value: Some(value.into()),
            origin: origin.to_owned(),
        }
    }

    fn unset(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            value: None,
            origin: "unset".to_owned(),
        }
    }

    /// Returns the value for the text.
    pub(super) fn value_text(&self) -> &str {
        self.value.as_deref().unwrap_or("-")
    }
}

/// Returns the common options with their values, in the order of the help.
pub(super) fn of_options(
    session: &Session,
    command_line: &Command,
    matches: &ArgMatches,
) -> Vec<Setting> {
    let common = command_line
        .get_arguments()
        .filter(|arg| arg.is_global_set());
    let mut settings = Vec::new();
    for argument in common {
        let id = argument.get_id().as_str();
        let name = argument.get_long().unwrap_or(id);
        let is_given = matches.value_source(id) == Some(ValueSource::CommandLine);
        match name {
            _ if is_given => settings.push(Setting::new(name, given(matches, id), "option")),
            "images-list" => settings.push(images_list(&session.environment)),
            "config" => settings.push(config(session)),
            "targets" => settings.push(targets(session)),
            "policy" => settings.push(policy(session)),
            "authfile" => settings.extend(auth_files(session)),
            "registries-conf" => settings.push(path_of_variable(
                name,
                session.environment.registries_conf.as_deref(),
                "CONTAINERS_REGISTRIES_CONF",
            )),
            _ => settings.push(default_of(name, given(matches, id))),
        }
    }
    settings
}

/// Returns the values of an argument, separated by commas.
fn given(matches: &ArgMatches, id: &str) -> String {
    let values = matches.get_raw(id).into_iter().flatten();
    let values = values.map(|value| value.to_string_lossy().into_owned());
    values.collect::<Vec<_>>().join(",")
}

fn default_of(name: &str, value: String) -> Setting {
    if value.is_empty() {
        Setting::unset(name)
    } else {
        Setting::new(name, value, "default")
    }
}

fn images_list(environment: &Environment) -> Setting {
    let variable = Key::ImagesFile.name();
    let value = environment.key_value(variable);
    let paths = list_file::paths(&[], value);
    let paths: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let origin = if value.is_some() { variable } else { "default" };
    Setting::new("images-list", paths.join(","), origin)
}

fn config(session: &Session) -> Setting {
    let path = config_file::path(&session.common);
    let found = if path.exists() { "" } else { " (not found)" };
    Setting::new("config", format!("{}{found}", path.display()), "default")
}

/// Returns the files with credentials that exist, by precedence.
fn targets(session: &Session) -> Setting {
    let lists = session.environment.key_value(Key::ImagesFile.name());
    let lists = list_file::paths(&session.common.images_list, lists);
    let path = targets_file::path(&session.common, &lists);
    let found = if path.exists() { "" } else { " (not found)" };
    Setting::new("targets", format!("{}{found}", path.display()), "default")
}

fn policy(session: &Session) -> Setting {
    let lists = session.environment.key_value(Key::ImagesFile.name());
    let lists = list_file::paths(&session.common.images_list, lists);
    match policy_file::path(&session.common, &session.environment, &lists) {
        None => Setting::unset("policy"),
        Some(PolicyPath { path, is_named }) => {
            let found = if path.exists() { "" } else { " (not found)" };
            let origin = if is_named { "MIRROR_POLICY" } else { "default" };
            Setting::new("policy", format!("{}{found}", path.display()), origin)
        }
    }
}

fn auth_files(session: &Session) -> Vec<Setting> {
    let environment = &session.environment;
    let of_variable = environment.auth_file.as_deref();
    let files = client::auth_paths(&session.common, environment);
    let existing = files.iter().filter(|path| path.is_file());
    let settings: Vec<_> = existing
        .map(|path| {
            let origin = if Some(path.as_path()) == of_variable {
                "REGISTRY_AUTH_FILE"
            } else {
                "default"
            };
            Setting::new("authfile", path.display().to_string(), origin)
        })
        .collect();
    if settings.is_empty() {
        vec![Setting::unset("authfile")]
    } else {
        settings
    }
}

fn path_of_variable(name: &str, path: Option<&Path>, variable: &str) -> Setting {
    match path {
        Some(path) => Setting::new(name, path.display().to_string(), variable),
        None => Setting::unset(name),
    }
}

/// Returns the settings that only the environment has, without those that are unset.
pub(super) fn of_environment(session: &Session) -> Vec<Setting> {
    let environment = &session.environment;
    let keys = Key::names()
        .into_iter()
        .filter(|name| *name != Key::ImagesFile.name());
    let keys = keys.map(|name| (name, environment.key_value(name).map(str::to_owned)));
    let text = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let token = environment.apis.github_token.as_ref();
    let actions = environment.github.as_ref();
    let others = [
        ("JOB_COMPLETION_INDEX", environment.job_index.clone()),
        ("JOB_COMPLETIONS", environment.job_completions.clone()),
        ("DOCKER_CONFIG", text(&environment.docker_config)),
        ("HELM", text(&environment.helm)),
        ("GITHUB_ACTIONS", actions.map(|_| "true".to_owned())),
        ("GITHUB_API_URL", environment.apis.github_api.clone()),
        ("GITHUB_REPOSITORY", environment.github_repository.clone()),
        ("GITHUB_TOKEN", token.map(|_| "(set)".to_owned())),
    ];
    keys.chain(others)
        .filter_map(|(name, value)| Some(Setting::new(name, value?, "environment")))
        .collect()
}
