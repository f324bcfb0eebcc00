//! The ways of getting images into files, and back into a registry.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::corpus::TaggedImage;
use crate::error::BenchError;
use crate::job::Job;

/// The host in the names of the destinations. Nothing listens there.
pub(crate) const DESTINATION: &str = "registry.example.com";

/// A way of getting images into files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExportTool {
    /// curl of each blob, one after the other, into one file.
    Curl,
    /// The same, synced to disk as `mirror export` does.
    SyncedCurl,
    /// `mirror export FILE.tar --no-referrers`, which does the same as the other tools.
    Mirror,
    /// `mirror export FILE.tar`.
    MirrorReferrers,
    /// `skopeo copy` of each image into one OCI layout, then tar.
    Skopeo,
    /// `regctl image export` of each image into a file of its own, several at a time.
    Regctl,
}

/// The files of one run.
#[derive(Debug)]
pub(crate) struct ExportFiles {
    /// The home directory of the run.
    pub(crate) home: PathBuf,
    /// The directory of the result.
    pub(crate) output: PathBuf,
}

impl ExportTool {
    /// All, in the order of the report.
    pub(crate) const ALL: [Self; 6] = [
        Self::Curl,
        Self::SyncedCurl,
        Self::Mirror,
        Self::MirrorReferrers,
        Self::Skopeo,
        Self::Regctl,
    ];

    /// Returns the name in reports.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Curl => "curl of all blobs into a file",
            Self::SyncedCurl => "curl, then sync",
            Self::Mirror => "mirror export --no-referrers",
            Self::MirrorReferrers => "mirror export",
            Self::Skopeo => "skopeo copy to one layout, then tar",
            Self::Regctl => "regctl image export, in parallel",
        }
    }

    /// Returns true for a tool that the goals are about.
    pub(crate) fn is_peer(self) -> bool {
        matches!(self, Self::Skopeo | Self::Regctl)
    }

    /// Returns the program.
    pub(crate) fn program(self, mirror: &Path) -> PathBuf {
        match self {
            Self::Curl | Self::SyncedCurl => "curl".into(),
            Self::Mirror | Self::MirrorReferrers => mirror.to_owned(),
            Self::Skopeo => "skopeo".into(),
            Self::Regctl => "regctl".into(),
        }
    }

    /// Returns the command that exports the rows of a job.
    pub(crate) fn command(
        self,
        mirror: &Path,
        job: &Job<'_>,
        files: &ExportFiles,
    ) -> Result<Command, BenchError> {
        let output = files.output.display();
        match self {
            Self::Curl | Self::SyncedCurl => {
                let urls = job.write("urls", &urls(job))?;
                let sync = match self {
                    Self::SyncedCurl => format!(" && sync {output}/blobs"),
                    _ => String::new(),
                };
                let urls = urls.display();
                Ok(shell(format!(
                    "curl --disable --silent --show-error --fail --config {urls} > {output}/blobs{sync}"
                )))
            }
            Self::Mirror | Self::MirrorReferrers => {
                let list = job.write("images-list", &list(job))?;
                let mut command = Command::new(mirror);
                command.args(["export", "--output=json", "--no-progress", "--images-list"]);
                command.arg(list).arg(archive(files));
                if self == Self::Mirror {
                    command.arg("--no-referrers");
                }
                Ok(command)
            }
            Self::Skopeo => {
                let pairs = job.lines(|from, to, tag| format!("{from}:{tag} {to}:{tag}\n"));
                let pairs = job.write("pairs", &pairs)?;
                let (pairs, layout) = (pairs.display(), files.home.join("layout"));
                let layout = layout.display();
                Ok(shell(format!(
                    "set -e; while read -r from name; do skopeo --insecure-policy copy --all --quiet \
                     --src-tls-verify=false docker://$from oci:{layout}:$name; done < {pairs}; \
                     tar -cf {output}/images.tar -C {layout} ."
                )))
            }
            Self::Regctl => {
                let mut pairs = String::new();
                for (number, row) in job.rows.iter().enumerate() {
                    let TaggedImage {
                        repository, tag, ..
                    } = row;
                    let source = job.source;
                    let _ = writeln!(pairs, "{source}/{repository}:{tag}\n{output}/{number}.tar");
                }
                let mut command = Command::new("xargs");
                command.arg("-P").arg(job.concurrency.to_string());
                command
                    .args(["-n", "2", "-a"])
                    .arg(job.write("pairs", &pairs)?);
                let host = format!("reg={},tls=disabled", job.source);
                command.args(["regctl", "--host", &host, "image", "export"]);
                Ok(command)
            }
        }
    }
}

/// Returns the archive that `mirror export` writes.
pub(crate) fn archive(files: &ExportFiles) -> PathBuf {
    files.output.join("images.tar")
}

/// Returns the command that imports an archive, from its file or from a pipe.
pub(crate) fn import_command(mirror: &Path, archive: &Path, is_piped: bool, host: &str) -> Command {
    let (mirror, archive) = (mirror.display(), archive.display());
    let options = format!("--output=json --no-progress --dest-registry {host}");
    shell(match is_piped {
        true => format!("cat {archive} | {mirror} import - {options}"),
        false => format!("exec {mirror} import {archive} {options}"),
    })
}

fn shell(script: String) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(script);
    command
}

/// Returns the list of a job, in the order of `mirror fmt`.
fn list(job: &Job<'_>) -> String {
    let list = job.lines(|from, to, tag| format!("{from} {to} {tag}\n"));
    let mut rows: Vec<_> = list.split_inclusive('\n').collect();
    rows.sort_unstable();
    rows.concat()
}

/// Returns the configuration for curl with each blob once.
fn urls(job: &Job<'_>) -> String {
    let mut seen = std::collections::HashSet::new();
    let mut urls = String::new();
    for row in job.rows {
        for blob in row.blobs.iter().filter(|blob| seen.insert(&blob.digest)) {
            let (source, repository, digest) = (job.source, &row.repository, &blob.digest);
            let _ = writeln!(
                urls,
                "url = \"http://{source}/v2/{repository}/blobs/{digest}\""
            );
        }
    }
    urls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Blob;

    #[test]
    fn commands_have_every_row_and_curl_each_blob_once() {
        let directory = tempfile::tempdir().unwrap();
        let files = ExportFiles {
            home: directory.path().to_owned(),
            output: "/out".into(),
        };
        let digest = format!("sha256:{}", "a".repeat(64));
        let row = |tag: &str| TaggedImage {
            repository: "bench/a".into(),
            tag: tag.into(),
            manifests: Vec::new(),
            blobs: vec![Blob {
                digest: digest.parse().unwrap(),
                size: 3,
            }],
        };
        let rows = [row("v2"), row("v1")];
        let job = Job {
            directory: directory.path(),
            source: "from:1",
            destinations: &[DESTINATION.to_owned()],
            rows: &rows.iter().collect::<Vec<_>>(),
            authority: None,
            concurrency: 8,
        };
        let line = |tool: ExportTool| {
            let command = tool.command(Path::new("mirror"), &job, &files).unwrap();
            let command = command.as_std();
            let words = std::iter::once(command.get_program()).chain(command.get_args());
            let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
            words
                .join(" ")
                .replace(&format!("{}/", directory.path().display()), "")
        };
        let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
        assert_eq!(
            line(ExportTool::Mirror),
            "mirror export --output=json --no-progress --images-list images-list /out/images.tar --no-referrers"
        );
        assert_eq!(
            read("images-list"),
            "from:1/bench/a registry.example.com/bench/a v1\n\
             from:1/bench/a registry.example.com/bench/a v2\n"
        );
        assert_eq!(
            line(ExportTool::Regctl),
            "xargs -P 8 -n 2 -a pairs regctl --host reg=from:1,tls=disabled image export"
        );
        assert_eq!(
            read("pairs"),
            "from:1/bench/a:v2\n/out/0.tar\nfrom:1/bench/a:v1\n/out/1.tar\n"
        );
        assert!(line(ExportTool::Skopeo).ends_with("tar -cf /out/images.tar -C layout ."));
        assert_eq!(
            line(ExportTool::SyncedCurl),
            "sh -c curl --disable --silent --show-error --fail --config urls > /out/blobs && sync /out/blobs"
        );
        assert_eq!(
            read("urls"),
            format!("url = \"http://from:1/v2/bench/a/blobs/{digest}\"\n")
        );
    }
}
