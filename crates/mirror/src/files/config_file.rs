//! `config.json` on disk.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tag_retrieval::config::Config;

use super::atomic_file::plain;
use crate::cli::failure::{Failure, Finding};
use crate::cli::options::CommonOptions;

/// Where the configuration is looked for if none is named.
const DEFAULT: &str = "config.json";

/// A configuration that was read.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    /// As it was named: what messages say.
    pub(crate) name: String,
    /// What is in it.
    pub(crate) config: Config,
}

/// A configuration that is there, whole or with what is wrong with it.
#[derive(Debug)]
pub(crate) enum ReadConfig {
    /// It has no problem.
    Whole(ConfigFile),
    /// Everything that is wrong with it.
    Wrong(Vec<Finding>),
}

/// Reads the configuration. The default one may be missing: `None`.
///
/// # Errors
///
/// [`Failure`] for one that cannot be read, or is named and missing.
pub(crate) fn read(common: &CommonOptions) -> Result<Option<ReadConfig>, Failure> {
    let path = path(common);
    let name = path.display().to_string();
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound && common.config.is_none() => {
            return Ok(None);
        }
        Err(error) => return Err(unreadable(&path, &plain(&error))),
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(unreadable(&path, "it is not UTF-8"));
    };
    Ok(Some(match Config::parse(&text) {
        Ok(config) => ReadConfig::Whole(ConfigFile { name, config }),
        Err(problems) => ReadConfig::Wrong(
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
    let place = path.display();
    Failure::unusable(format!("cannot read the configuration {place}: {why}"))
}

/// Reads the configuration of a command that is nothing without one.
///
/// # Errors
///
/// As [`read`]; [`Failure`] where there is none, and for one with problems.
pub(crate) fn require(common: &CommonOptions) -> Result<ConfigFile, Failure> {
    match read(common)? {
        Some(ReadConfig::Whole(file)) => Ok(file),
        Some(ReadConfig::Wrong(problems)) => {
            let message = match problems.len() {
                1 => "the configuration has a problem; nobody was asked".to_owned(),
                many => format!("the configuration has {many} problems; nobody was asked"),
            };
            Err(Failure::unusable(message)
                .hint("correct what is named above; `mirror lint` checks it again".to_owned())
                .problems(problems))
        }
        None => Err(Failure::unusable(format!(
            "there is no configuration: {DEFAULT} does not exist"
        ))
        .hint(
            "it says where versions are announced (README, \"New versions\"); name another file \
             with --config FILE"
                .to_owned(),
        )),
    }
}

/// What is wrong with the configuration; nothing where there is none.
///
/// # Errors
///
/// As [`read`].
pub(crate) fn findings(common: &CommonOptions) -> Result<Vec<Finding>, Failure> {
    Ok(match read(common)? {
        None | Some(ReadConfig::Whole(_)) => Vec::new(),
        Some(ReadConfig::Wrong(problems)) => problems,
    })
}
