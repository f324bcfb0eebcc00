//! The environment variables that are passed to git.

use std::ffi::OsString;
use std::path::PathBuf;

/// Variables that name the configuration of the user, which sets `safe.directory`.
const USER_CONFIGURATION: [&str; 5] = [
    "HOME",
    "XDG_CONFIG_HOME",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
];

/// Maximum number of `GIT_CONFIG_KEY_N` variables that are read.
const MAX_CONFIG_COUNT: usize = 1000;

/// The environment variables that are passed to git.
#[derive(Debug, Clone, Default)]
pub(crate) struct GitVariables {
    /// `PATH`
    pub(crate) search_path: OsString,
    /// Variables that name the configuration of the user.
    pub(crate) user_configuration: Vec<(&'static str, OsString)>,
    /// The values of `safe.directory` in `GIT_CONFIG_KEY_N` and `GIT_CONFIG_VALUE_N`.
    pub(crate) safe_directories: Vec<OsString>,
    /// The executable that confines git, if any.
    pub(crate) confiner: Option<PathBuf>,
}

impl GitVariables {
    /// Reads the variables through `get`.
    pub(crate) fn read(get: impl Fn(&str) -> Option<OsString>) -> Self {
        let count = get("GIT_CONFIG_COUNT").and_then(|count| count.to_str()?.parse().ok());
        let pairs = (0..count.unwrap_or(0).min(MAX_CONFIG_COUNT)).filter_map(|number| {
            let key = get(&format!("GIT_CONFIG_KEY_{number}"))?;
            Some((key, get(&format!("GIT_CONFIG_VALUE_{number}"))?))
        });
        let safe = pairs.filter(|(key, _)| key.eq_ignore_ascii_case("safe.directory"));
        Self {
            search_path: get("PATH").unwrap_or_default(),
            user_configuration: USER_CONFIGURATION
                .into_iter()
                .filter_map(|name| Some((name, get(name)?)))
                .collect(),
            safe_directories: safe.map(|(_, value)| value).collect(),
            confiner: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safe_directories_are_read_and_other_settings_are_not() {
        let variables = GitVariables::read(|name| {
            let value = match name {
                "PATH" => "/bin",
                "HOME" => "/home/user",
                "GIT_CONFIG_COUNT" => "3",
                "GIT_CONFIG_KEY_0" => "http.extraHeader",
                "GIT_CONFIG_VALUE_0" => "secret",
                "GIT_CONFIG_KEY_1" => "Safe.Directory",
                "GIT_CONFIG_VALUE_1" => "/srv/list",
                // A key without a value.
                "GIT_CONFIG_KEY_2" => "safe.directory",
                "GIT_DIR" => "/elsewhere",
                _ => return None,
            };
            Some(value.into())
        });
        assert_eq!(variables.safe_directories, ["/srv/list"]);
        let home = ("HOME", OsString::from("/home/user"));
        assert_eq!(variables.user_configuration, [home]);
    }
}
