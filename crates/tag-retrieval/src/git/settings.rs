//! The program git and its environment.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// The variables of the environment that git receives: for programs, for the user's own
/// configuration with its credential helpers, and for the network.
const VARIABLES: [&str; 16] = [
    "PATH",
    "HOME",
    "XDG_CONFIG_HOME",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
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

/// The program git and its environment.
#[derive(Clone, Default)]
pub struct GitSettings {
    /// The program; its absence is an error once a source needs it.
    pub program: Option<PathBuf>,
    /// The variables of this process that git may receive.
    pub environment: Vec<(&'static str, OsString)>,
    /// An empty directory for git's temporary files, which exists as long as the run.
    pub scratch: Option<PathBuf>,
    /// The executable that confines git to `scratch`, if any.
    pub confiner: Option<PathBuf>,
}

/// The files in a home that git reads: its configuration, and credentials of libcurl.
const HOME_FILES: [&str; 3] = [".gitconfig", ".config/git/config", ".netrc"];

impl GitSettings {
    /// Reads the environment through `get`, and searches `PATH` for git.
    pub fn read(get: impl Fn(&str) -> Option<OsString>) -> Self {
        let variables = VARIABLES.into_iter();
        Self {
            program: get("PATH").and_then(|path| program_runner::find(&path, "git")),
            environment: variables
                .filter_map(|name| Some((name, get(name)?)))
                .collect(),
            ..Self::default()
        }
    }

    /// Returns the environment of git.
    pub(super) fn environment(&self) -> Vec<(&'static str, OsString)> {
        let mut environment = self.environment.clone();
        if let Some(scratch) = &self.scratch {
            if !self.has_user_configuration() {
                environment.retain(|(name, _)| *name != "HOME");
                environment.push(("HOME", scratch.into()));
            }
            environment.push(("TMPDIR", scratch.into()));
        }
        environment
    }

    /// Returns true if the configuration of the user may need the user's home, for a credential helper.
    fn has_user_configuration(&self) -> bool {
        let value = |name| {
            let mut variables = self.environment.iter();
            variables.find_map(|(key, value)| (*key == name).then(|| Path::new(value)))
        };
        let home = value("HOME");
        let mut files = HOME_FILES.iter();
        value("GIT_CONFIG_GLOBAL").is_some_and(Path::is_file)
            || home.is_some_and(|home| files.any(|file| home.join(file).is_file()))
            || value("XDG_CONFIG_HOME").is_some_and(|at| at.join("git/config").is_file())
    }
}

impl fmt::Debug for GitSettings {
    /// Without the environment: the address of a proxy can hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitSettings")
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn home_is_temporary_without_a_configuration() {
        for (file, variable, is_own) in [
            (None, None, false),
            (Some(".profile"), None, false),
            (Some(".gitconfig"), None, true),
            (Some(".netrc"), None, true),
            (Some(".config/git/config"), None, true),
            (Some("git/config"), Some("XDG_CONFIG_HOME"), true),
            (Some("global"), Some("GIT_CONFIG_GLOBAL"), true),
            (None, Some("GIT_CONFIG_GLOBAL"), false),
        ] {
            let home = tempfile::tempdir().unwrap();
            if let Some(file) = file {
                let file = home.path().join(file);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, "").unwrap();
            }
            let own = OsString::from(home.path());
            let value = match (variable, file) {
                (Some("GIT_CONFIG_GLOBAL"), Some(file)) => home.path().join(file).into(),
                _ => own.clone(),
            };
            let own_variable = variable.map(|name| (name, value));
            let settings = GitSettings {
                environment: [("HOME", own.clone())]
                    .into_iter()
                    .chain(own_variable)
                    .collect(),
                scratch: Some("/scratch".into()),
                ..GitSettings::default()
            };
            let mut environment = settings.environment().into_iter();
            let (_, found) = environment.find(|(name, _)| *name == "HOME").unwrap();
            let want = if is_own { own } else { "/scratch".into() };
            assert_eq!(found, want, "{file:?} {variable:?}");
        }
    }
}
