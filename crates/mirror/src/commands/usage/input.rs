//! The files with the objects of clusters.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cluster_objects::{Object, ReadError, read_objects};

use crate::cli::failure::Failure;
use crate::files::atomic_file::io_message;

/// The operand for standard input.
const STDIN: &str = "-";
/// The name of the cluster on standard input.
const STDIN_CLUSTER: &str = "stdin";
/// The endings of files that are read in a directory.
const ENDINGS: [&str; 3] = ["json", "yaml", "yml"];

/// The kubectl command that prints what `usage` reads.
const KUBECTL: &str = "kubectl get pods,replicationcontrollers,podtemplates,deployments,replicasets,\
statefulsets,daemonsets,jobs,cronjobs,nodes -A -o json";

/// A cluster and its files.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClusterFiles {
    /// The name: of the operand `NAME=FILE`, of the directory, or of the file without its ending.
    pub(super) name: String,
    /// The files. `-` is standard input.
    pub(super) files: Vec<PathBuf>,
}

/// Returns the files of each cluster that operands name. Operands with one name are one cluster.
///
/// # Errors
///
/// [`Failure`] for a directory that cannot be read or has no file to read, and for standard input that is
/// named twice.
pub(super) fn clusters(operands: &[PathBuf]) -> Result<Vec<ClusterFiles>, Failure> {
    let stdin = [PathBuf::from(STDIN)];
    let operands = if operands.is_empty() {
        &stdin
    } else {
        operands
    };
    let mut clusters: Vec<ClusterFiles> = Vec::new();
    for operand in operands {
        let (name, path) = split(operand);
        let files = match path.is_dir() {
            true => files_in(&path)?,
            false => vec![path.clone()],
        };
        let name = name.unwrap_or_else(|| name_of(&path));
        match clusters.iter_mut().find(|cluster| cluster.name == name) {
            Some(cluster) => cluster.files.extend(files),
            None => clusters.push(ClusterFiles { name, files }),
        }
    }
    let mut all: Vec<&PathBuf> = clusters.iter().flat_map(|cluster| &cluster.files).collect();
    all.sort();
    if let Some(twice) = all.windows(2).find(|pair| pair[0] == pair[1]) {
        let name = twice[0].display();
        return Err(Failure::unusable(format!("`{name}` is named twice"))
            .hint("name each file once; pods of two runs would be counted twice".to_owned()));
    }
    Ok(clusters)
}

/// Splits `NAME=FILE`. A file whose own name has `=` is not split.
fn split(operand: &Path) -> (Option<String>, PathBuf) {
    let split = operand.to_str().and_then(|text| text.split_once('='));
    match split {
        Some((name, path)) if !name.is_empty() && !name.contains('/') && !operand.exists() => {
            (Some(name.to_owned()), PathBuf::from(path))
        }
        _ => (None, operand.to_owned()),
    }
}

fn name_of(path: &Path) -> String {
    if path == Path::new(STDIN) {
        return STDIN_CLUSTER.to_owned();
    }
    // A directory may be `.` or end in `..`.
    let full = match path.file_name() {
        Some(_) => path.to_owned(),
        None => fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
    };
    let name = full.file_name().unwrap_or_default().to_string_lossy();
    match name.rsplit_once('.') {
        Some((stem, ending)) if ENDINGS.contains(&ending) && !stem.is_empty() => stem.to_owned(),
        _ => name.into_owned(),
    }
}

fn files_in(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failure = |error: &io::Error| unreadable(directory, &io_message(error));
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| failure(&error))? {
        let path = entry.map_err(|error| failure(&error))?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if ending.is_some_and(|ending| ENDINGS.contains(&ending)) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    match files.is_empty() {
        true => Err(unreadable(
            directory,
            "no file ends in .json, .yaml or .yml",
        )),
        false => Ok(files),
    }
}

/// Reads the objects of a file. Returns their number.
///
/// # Errors
///
/// [`Failure`] for a file that cannot be read, or is not the output of `kubectl get -o json|yaml`.
pub(super) fn read(path: &Path, sink: &mut dyn FnMut(Object)) -> Result<u64, Failure> {
    let reader: Box<dyn Read> = match path == Path::new(STDIN) {
        true => Box::new(io::stdin().lock()),
        false => Box::new(File::open(path).map_err(|error| unreadable(path, &io_message(&error)))?),
    };
    read_objects(reader, sink).map_err(|error| failure(path, &error))
}

fn unreadable(path: &Path, why: &str) -> Failure {
    Failure::unusable(format!("cannot read {}: {why}", path.display()))
        .hint(format!("write the file with `{KUBECTL}`"))
}

fn failure(path: &Path, error: &ReadError) -> Failure {
    let name = match path == Path::new(STDIN) {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    };
    let hint = match error {
        ReadError::Utf16 => {
            "save it as UTF-8, in PowerShell with `kubectl … | Out-File -Encoding utf8 FILE`"
                .to_owned()
        }
        ReadError::CutOff { .. } => {
            "kubectl was interrupted or the disk is full: write the file again".to_owned()
        }
        ReadError::Io(_) => "make the file readable".to_owned(),
        _ => format!("write the file with `{KUBECTL}`"),
    };
    let message = match error {
        ReadError::Io(error) => format!("cannot read {name}: {}", io_message(error)),
        error => format!("{name}: {error}"),
    };
    Failure::unusable(message).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(operands: &[&str]) -> Vec<(String, usize)> {
        let operands: Vec<PathBuf> = operands.iter().map(PathBuf::from).collect();
        let clusters = clusters(&operands).unwrap();
        let named = clusters
            .into_iter()
            .map(|cluster| (cluster.name, cluster.files.len()));
        named.collect()
    }

    #[test]
    fn cluster_has_the_name_of_its_operand() {
        let directory = tempfile::tempdir().unwrap();
        let inside = |name: &str| directory.path().join(name).display().to_string();
        for name in [
            "east/pods.json",
            "east/nodes.yaml",
            "east/readme.txt",
            "a=b.json",
        ] {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let one = |name: &str, files: usize| vec![(name.to_owned(), files)];
        assert_eq!(named(&[]), one("stdin", 1));
        assert_eq!(named(&["clusters/prod.json"]), one("prod", 1));
        assert_eq!(named(&["prod.v2.yml"]), one("prod.v2", 1));
        assert_eq!(named(&["p=pods.json", "p=nodes.json"]), one("p", 2));
        assert_eq!(named(&["p=-"]), one("p", 1));
        assert_eq!(named(&[&inside("east")]), one("east", 2));
        assert_eq!(named(&[&inside("a=b.json")]), one("a=b", 1));
        let twice = [PathBuf::from("-"), PathBuf::from("x=-")];
        assert!(
            clusters(&twice)
                .unwrap_err()
                .message
                .contains("named twice")
        );
    }
}
