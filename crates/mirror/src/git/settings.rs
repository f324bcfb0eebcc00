//! The configuration and the environment of git.

use std::ffi::{OsStr, OsString};

/// Overrides for the configuration of the repository. Our calls only read objects and references.
/// The overrides also apply to the programs that git starts for them.
///
/// `pager.*` is off with `--no-pager`, aliases do not apply to built-in commands, and filters and
/// `textconv` do not apply to `cat-file blob`.
const OVERRIDES: [&str; 14] = [
    "safe.bareRepository=explicit",
    "protocol.allow=never",
    "core.alternateRefsCommand=",
    "core.askPass=",
    "core.attributesFile=/dev/null",
    "core.editor=false",
    "core.fsmonitor=false",
    "core.gitProxy=",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.sshCommand=false",
    "credential.helper=",
    "diff.external=",
    "gpg.program=false",
];

/// The environment variables besides `PATH`.
const ENVIRONMENT: [(&str, &str); 12] = [
    ("LC_ALL", "C"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    // Allows no protocol. `protocol.NAME.allow` overrides `protocol.allow`, but not this.
    ("GIT_ALLOW_PROTOCOL", ""),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_LITERAL_PATHSPECS", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ASKPASS", ""),
    ("GIT_PAGER", "cat"),
];

/// Returns the options before the subcommand.
pub(super) fn options(safe_directories: &[OsString]) -> Vec<OsString> {
    let safe = safe_directories.iter().map(|directory| {
        let mut setting = OsString::from("safe.directory=");
        setting.push(directory);
        setting
    });
    let settings = safe.chain(OVERRIDES.map(OsString::from));
    let mut options: Vec<OsString> = settings
        .flat_map(|setting| [OsString::from("-c"), setting])
        .collect();
    options.push("--no-pager".into());
    options
}

/// Returns the environment of git in a repository.
pub(super) fn environment(search_path: &OsStr) -> Vec<(&'static str, OsString)> {
    let mut variables = ENVIRONMENT
        .map(|(name, value)| (name, value.into()))
        .to_vec();
    variables.push(("PATH", search_path.to_owned()));
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safe_directories_come_first_and_the_environment_of_the_caller_is_dropped() {
        let options = options(&["/srv/list".into()]);
        assert_eq!(options[..2], ["-c", "safe.directory=/srv/list"]);
        let environment = environment(OsStr::new("/bin"));
        let forwarded = ["HOME", "GIT_DIR", "GITHUB_TOKEN"];
        assert!(
            environment
                .iter()
                .all(|(name, _)| !forwarded.contains(name))
        );
    }
}
