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
    /// All problems of the configuration.
    Invalid(Vec<Finding>),
}

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
        Err(problems) => ReadConfig::Invalid(
            problems
                .iter()
                .map(|problem| Finding {
                    file: name.clone(),
                    line: problem.line,
                    message: problem.to_string(),
                })
                .collect(),
        ),
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
}

/// Reads the configuration of a command that requires one.
///
/// # Errors
///
/// As [`read`]; [`Failure`] if there is none, or it has problems.
pub(crate) fn require(common: &CommonOptions) -> Result<ConfigFile, Failure> {
    match read(common)? {
        Some(ReadConfig::Valid(file)) => Ok(file),
        Some(ReadConfig::Invalid(problems)) => {
            let message = match problems.len() {
                1 => "the configuration has 1 problem; no request was sent".to_owned(),
                many => format!("the configuration has {many} problems; no request was sent"),
            };
            Err(Failure::unusable(message)
                .hint("correct the configuration, then check it with `mirror lint`".to_owned())
                .problems(problems))
        }
        None => Err(Failure::unusable(format!(
            "cannot read the configuration: {DEFAULT} does not exist"
        ))
        .hint(
            "create it as docs/version-sources.md describes, or name another file with --config FILE"
                .to_owned(),
        )),
    }
}

/// Returns the problems of the configuration; none if it does not exist.
///
/// # Errors
///
/// As [`read`].
pub(crate) fn findings(common: &CommonOptions) -> Result<Vec<Finding>, Failure> {
    Ok(match read(common)? {
        None | Some(ReadConfig::Valid(_)) => Vec::new(),
        Some(ReadConfig::Invalid(problems)) => problems,
    })
}
