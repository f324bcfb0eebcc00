//! The targets file, `targets.json`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use copier::Platform;
use images_list::Targets;
use registry_client::redact_urls;

use super::atomic_file::io_message;
use super::list_file;
use crate::cli::failure::{Failure, Finding};
use crate::cli::options::CommonOptions;

/// The name of the targets file beside the first list.
const DEFAULT: &str = "targets.json";

/// The targets of a run, or the problems of their file.
#[derive(Debug)]
pub(crate) enum ReadTargets {
    /// The file is valid, or does not exist and there are no targets.
    Valid(Arc<Targets>),
    /// All problems of the file.
    Invalid(Vec<Finding>),
}

/// Reads the targets file of lists.
///
/// # Errors
///
/// [`Failure`] if it cannot be read, or `--targets` names a file that does not exist.
pub(crate) fn read(common: &CommonOptions, lists: &[PathBuf]) -> Result<ReadTargets, Failure> {
    let path = path(common, lists);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound && common.targets.is_none() => {
            return Ok(ReadTargets::Valid(Arc::default()));
        }
        Err(error) => return Err(unreadable(&path, &io_message(&error))),
    };
    let text = String::from_utf8(bytes).map_err(|_| unreadable(&path, "not UTF-8"))?;
    Ok(parse(&path.display().to_string(), &text))
}

/// Parses the text of a targets file.
pub(crate) fn parse(name: &str, text: &str) -> ReadTargets {
    match Targets::parse(text) {
        Ok(targets) => match invalid_platforms(name, &targets) {
            none if none.is_empty() => ReadTargets::Valid(Arc::new(targets)),
            invalid => ReadTargets::Invalid(invalid),
        },
        Err(problems) => ReadTargets::Invalid(
            problems
                .iter()
                .map(|problem| Finding {
                    file: name.to_owned(),
                    line: problem.line,
                    // A problem quotes values, and a URL can contain a secret.
                    message: redact_urls(&problem.to_string()),
                })
                .collect(),
        ),
    }
}

/// Returns a finding for each platform that `--platform` would not accept.
fn invalid_platforms(name: &str, targets: &Targets) -> Vec<Finding> {
    let platforms = targets.all().iter().flat_map(|target| {
        let platforms = target.platforms.iter().flatten();
        platforms.map(move |platform| (target, platform))
    });
    let findings = platforms.filter_map(|(target, platform)| {
        let error = platform.parse::<Platform>().err()?;
        Some(Finding {
            file: name.to_owned(),
            line: target.line,
            message: format!("target `{}`: `platforms`: {error}", target.name),
        })
    });
    findings.collect()
}

/// Returns the path of the targets file of lists. The file may not exist.
pub(crate) fn path(common: &CommonOptions, lists: &[PathBuf]) -> PathBuf {
    if let Some(named) = &common.targets {
        return named.clone();
    }
    let first = lists.first().filter(|path| !list_file::is_stdin(path));
    first.map_or_else(|| DEFAULT.into(), |path| path.with_file_name(DEFAULT))
}

/// Reads the targets of a command that needs them to be valid.
///
/// # Errors
///
/// As [`read`]; [`Failure`] with all problems of the file.
pub(crate) fn require_valid(
    common: &CommonOptions,
    lists: &[PathBuf],
) -> Result<Arc<Targets>, Failure> {
    match read(common, lists)? {
        ReadTargets::Valid(targets) => Ok(targets),
        ReadTargets::Invalid(problems) => Err(Failure::invalid_file("targets file", problems)),
    }
}

fn unreadable(path: &Path, why: &str) -> Failure {
    let path = path.display();
    Failure::unusable(format!("cannot read the targets file {path}: {why}"))
        .hint("create it as docs/targets.md describes, or run without --targets".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct CommandLine {
        #[command(flatten)]
        common: CommonOptions,
    }

    #[test]
    fn default_is_beside_the_first_list() {
        type Case<'a> = (&'a [&'a str], &'a [&'a str], &'a str);
        let table: [Case<'_>; 5] = [
            (&[], &["images-list"], "targets.json"),
            (&[], &["lists/a", "b"], "lists/targets.json"),
            (&[], &["/x/a"], "/x/targets.json"),
            (&[], &["-"], "targets.json"),
            (&["--targets", "t.json"], &["lists/a"], "t.json"),
        ];
        for (options, lists, want) in table {
            let options = ["mirror"].iter().chain(options);
            let common = CommandLine::parse_from(options).common;
            let lists: Vec<PathBuf> = lists.iter().map(PathBuf::from).collect();
            assert_eq!(path(&common, &lists), PathBuf::from(want));
        }
    }
}
