//! The policy file, `policy.json`, with its keys, and the trusted root.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use signatures::{Policy, TrustRoot};

use super::atomic_file::io_message;
use super::list_file;
use crate::cli::environment::Environment;
use crate::cli::failure::{Failure, Finding};
use crate::cli::options::CommonOptions;

/// The name of the policy file beside the first list.
const DEFAULT: &str = "policy.json";
/// Maximum size of a policy, a key or a trusted root, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// A policy that was read.
#[derive(Debug)]
pub(crate) struct PolicyFile {
    /// The path as given by the user, for messages.
    pub(crate) name: String,
    /// The policy.
    pub(crate) policy: Policy,
}

/// The policy of a run, or the problems of its file.
#[derive(Debug, Default)]
pub(crate) enum ReadPolicy {
    /// There is none: every image may enter.
    #[default]
    None,
    /// The policy is valid.
    Valid(Box<PolicyFile>),
    /// All problems of the file.
    Invalid(Vec<Finding>),
}

/// The path of a policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PolicyPath {
    /// The path.
    pub(crate) path: PathBuf,
    /// An option or variable names it, so that it must exist.
    pub(crate) is_named: bool,
}

/// Returns the path of the policy file of lists; `None` with `--no-policy`. The file may not exist.
pub(crate) fn path(
    common: &CommonOptions,
    environment: &Environment,
    lists: &[PathBuf],
) -> Option<PolicyPath> {
    if common.no_policy {
        return None;
    }
    let named = common.policy.as_ref().or(environment.policy.as_ref());
    if let Some(path) = named {
        let path = path.clone();
        return Some(PolicyPath {
            path,
            is_named: true,
        });
    }
    Some(PolicyPath {
        path: default_path(lists),
        is_named: false,
    })
}

/// Returns the path of the policy file beside the first list.
pub(crate) fn default_path(lists: &[PathBuf]) -> PathBuf {
    let first = lists.first().filter(|path| !list_file::is_stdin(path));
    first.map_or_else(|| DEFAULT.into(), |path| path.with_file_name(DEFAULT))
}

/// Reads the policy file of lists.
///
/// # Errors
///
/// [`Failure`] if it cannot be read, or a named file does not exist.
pub(crate) fn read(
    common: &CommonOptions,
    environment: &Environment,
    lists: &[PathBuf],
) -> Result<ReadPolicy, Failure> {
    let Some(PolicyPath { path, is_named }) = path(common, environment, lists) else {
        return Ok(ReadPolicy::None);
    };
    let text = match read_text(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound && !is_named => {
            return Ok(ReadPolicy::None);
        }
        Err(error) => return Err(unreadable(&path, &io_message(&error))),
    };
    let directory = path.parent().unwrap_or(Path::new(""));
    let mut read_key = |key: &str| read_key(&directory.join(key));
    Ok(parse(&path.display().to_string(), &text, &mut read_key))
}

/// Returns the text of a key file.
///
/// # Errors
///
/// The reason why it cannot be read.
pub(crate) fn read_key(path: &Path) -> Result<String, String> {
    read_text(path).map_err(|error| format!("cannot be read: {}", io_message(&error)))
}

/// Parses the text of a policy file. `read_key` returns the text of a key file.
pub(crate) fn parse(
    name: &str,
    text: &str,
    read_key: &mut dyn FnMut(&str) -> Result<String, String>,
) -> ReadPolicy {
    let name = name.to_owned();
    match Policy::parse(text, read_key) {
        Ok(policy) => ReadPolicy::Valid(Box::new(PolicyFile { name, policy })),
        Err(problems) => ReadPolicy::Invalid(
            problems
                .iter()
                .map(|problem| Finding {
                    file: name.clone(),
                    line: problem.line,
                    message: problem.to_string(),
                })
                .collect(),
        ),
    }
}

/// Returns the paths of the key files that the text of a policy names, as written.
pub(crate) fn key_paths(text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let mut read_key = |path: &str| {
        paths.push(path.to_owned());
        Err("not read".to_owned())
    };
    // Its problems are reported when the keys are read.
    let _problems = Policy::parse(text, &mut read_key);
    paths
}

/// Reads the policy of a command that needs it to be valid; `None` if there is none.
///
/// # Errors
///
/// As [`read`]; [`Failure`] with all problems of the file.
pub(crate) fn require_valid(
    common: &CommonOptions,
    environment: &Environment,
    lists: &[PathBuf],
) -> Result<Option<PolicyFile>, Failure> {
    match read(common, environment, lists)? {
        ReadPolicy::None => Ok(None),
        ReadPolicy::Valid(file) => Ok(Some(*file)),
        ReadPolicy::Invalid(problems) => Err(Failure::invalid_file("policy", problems)),
    }
}

/// Returns the trusted root: that of `--trusted-root`, or the embedded one of Sigstore's public instance.
///
/// # Errors
///
/// [`Failure`] for a file that cannot be read or is not a trusted root.
pub(crate) fn trust_root(common: &CommonOptions) -> Result<TrustRoot, Failure> {
    let Some(path) = &common.trusted_root else {
        return embedded_root();
    };
    let unusable = |why: String| {
        let path = path.display();
        Failure::unusable(format!("cannot use the trusted root {path}: {why}")).hint(
            "name the trusted_root.json of a Sigstore instance with --trusted-root FILE".to_owned(),
        )
    };
    let text = read_text(path).map_err(|error| unusable(io_message(&error)))?;
    TrustRoot::from_json(&text).map_err(|error| unusable(error.to_string()))
}

/// Returns the trusted root of Sigstore's public instance.
///
/// # Errors
///
/// [`Failure`] if it cannot be used.
pub(crate) fn embedded_root() -> Result<TrustRoot, Failure> {
    TrustRoot::embedded()
        .map_err(|error| Failure::failed(format!("the embedded trusted root: {error}")))
}

/// Reads a text of at most [`MAX_FILE`] bytes.
///
/// # Errors
///
/// As [`fs::metadata`] and [`File::open`]; for a file that is too large or not UTF-8.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > MAX_FILE {
        let message = format!("larger than {MAX_FILE} bytes");
        return Err(io::Error::new(ErrorKind::InvalidData, message));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE).read_to_end(&mut bytes)?;
    String::from_utf8(bytes).map_err(|_| io::Error::new(ErrorKind::InvalidData, "not UTF-8"))
}

fn unreadable(path: &Path, why: &str) -> Failure {
    let path = path.display();
    Failure::unusable(format!("cannot read the policy {path}: {why}"))
        .hint("create it as docs/signatures.md describes, or run with --no-policy".to_owned())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct CommandLine {
        #[command(flatten)]
        common: CommonOptions,
    }

    #[test]
    fn flag_wins_over_the_variable_and_the_file_beside_the_list() {
        type Case<'a> = (&'a [&'a str], &'a str, &'a str, Option<(&'a str, bool)>);
        let table: [Case<'_>; 6] = [
            (&[], "", "lists/a", Some(("lists/policy.json", false))),
            (&[], "", "-", Some(("policy.json", false))),
            (&[], "env.json", "lists/a", Some(("env.json", true))),
            (
                &["--policy", "p.json"],
                "env.json",
                "a",
                Some(("p.json", true)),
            ),
            (&["--no-policy"], "env.json", "a", None),
            (&["--no-policy"], "", "a", None),
        ];
        for (options, variable, list, want) in table {
            let options = ["mirror"].iter().chain(options);
            let common = CommandLine::parse_from(options).common;
            let get = |name: &str| (name == "MIRROR_POLICY").then(|| OsString::from(variable));
            let environment = Environment::read(get, &[]);
            let found = path(&common, &environment, &[PathBuf::from(list)]);
            let want = want.map(|(path, is_named)| PolicyPath {
                path: path.into(),
                is_named,
            });
            assert_eq!(found, want, "{variable} {list}");
        }
    }
}
