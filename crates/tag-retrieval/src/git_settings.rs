//! The program git, for the source `git-tags`.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

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
    /// The environment of git.
    pub environment: Vec<(&'static str, OsString)>,
}

impl GitSettings {
    /// Reads the environment through `get`, and searches `PATH` for git.
    pub fn read(get: impl Fn(&str) -> Option<OsString>) -> Self {
        let variables = VARIABLES.into_iter();
        Self {
            program: get("PATH").and_then(|path| program_runner::find(&path, "git")),
            environment: variables
                .filter_map(|name| Some((name, get(name)?)))
                .collect(),
        }
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
