//! The configuration file, `config.json`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tag_retrieval::config::Config;

use super::atomic_file::io_message;
use crate::cli::failure::{Failure, Finding};
use crate::cli::options::CommonOptions;

/// The default path of the configuration.
const DEFAULT: &str = "config.json";

/// A configuration that was read.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    /// The path as given by the user, for messages.
    pub(crate) name: String,
    /// The configuration.
    pub(crate) config: Config,
}

/// An existing configuration, or its problems.
#[derive(Debug)]
pub(crate) enum ReadConfig {
    /// The configuration is valid.
    Valid(ConfigFile),
    /// The configuration has problems.
    Invalid {
        /// All problems.
        problems: Vec<Finding>,
        /// The text has the key of followed entries.
        may_follow: bool,
    },
}

/// The key of followed entries.
const FOLLOW_KEY: &str = "\"follow\"";

/// Reads the configuration; `None` if the default one does not exist.
///
/// # Errors
///
/// [`Failure`] if it cannot be read, or `--config` names a file that does not exist.
pub(crate) fn read(common: &CommonOptions) -> Result<Option<ReadConfig>, Failure> {
    let path = path(common);
    let name = path.display().to_string();
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound && common.config.is_none() => {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(&path, &io_message(&error))),
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(unreadable(&path, "not UTF-8"));
    };
    Ok(Some(match Config::parse(&text) {
        Ok(config) => ReadConfig::Valid(ConfigFile { name, config }),
        Err(problems) => ReadConfig::Invalid {
            problems: problems
                .iter()
                .map(|problem| Finding {
                    file: name.clone(),
                    line: problem.line,
                    message: problem.to_string(),
                })
                .collect(),
            may_follow: text.contains(FOLLOW_KEY),
        },
    }))
}

/// Returns the path of the configuration, which need not exist.
pub(crate) fn path(common: &CommonOptions) -> PathBuf {
    let named = common.config.clone();
    named.unwrap_or_else(|| PathBuf::from(DEFAULT))
}

fn unreadable(path: &Path, why: &str) -> Failure {
    let path = path.display();
    Failure::unusable(format!("cannot read the configuration {path}: {why}"))
        .hint("name a file that can be read with --config FILE".to_owned())
}

/// Reads the configuration of a command that requires one.
///
/// # Errors
///
/// As [`read`]; [`Failure`] if there is none, or it has problems.
pub(crate) fn require(common: &CommonOptions) -> Result<ConfigFile, Failure> {
    match read(common)? {
        Some(ReadConfig::Valid(file)) => Ok(file),
        Some(ReadConfig::Invalid { problems, .. }) => Err(invalid(problems)),
        None => Err(Failure::unusable(format!(
            "cannot read the configuration: {DEFAULT} does not exist"
        ))
        .hint(
            "create it as docs/version-sources.md describes, or name another file with --config FILE"
                .to_owned(),
        )),
    }
}

/// Reads the configuration of a command that needs one for followed entries only; `None` if the default
/// one does not exist. Of a configuration with problems and without the key of followed entries, the
/// command needs nothing: a warning is logged.
///
/// # Errors
///
/// As [`read`]; [`Failure`] for problems in a configuration that may have followed entries.
pub(crate) fn read_followed(common: &CommonOptions) -> Result<Option<ConfigFile>, Failure> {
    match read(common)? {
        None => Ok(None),
        Some(ReadConfig::Valid(file)) => Ok(Some(file)),
        Some(ReadConfig::Invalid {
            problems,
            may_follow: false,
        }) if common.config.is_none() => {
            let count = problems.len();
            tracing::warn!(
                "{DEFAULT} is ignored, it has {count} problems: check it with `mirror lint`"
            );
            Ok(None)
        }
        Some(ReadConfig::Invalid { problems, .. }) => Err(invalid(problems)),
    }
}

fn invalid(problems: Vec<Finding>) -> Failure {
    let message = match problems.len() {
        1 => "the configuration has 1 problem; no request was sent".to_owned(),
        many => format!("the configuration has {many} problems; no request was sent"),
    };
    Failure::unusable(message)
        .hint("correct the configuration, then check it with `mirror lint`".to_owned())
        .problems(problems)
}
