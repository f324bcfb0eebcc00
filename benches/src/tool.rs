//! The measured tools and their fastest commands.

use std::path::{Path, PathBuf};
use std::process::Command as Plain;

use serde::{Deserialize, Serialize};
use tokio::process::Command;

use crate::error::BenchError;
use crate::job::Job;

/// A measured tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Tool {
    /// curl with the unavoidable requests.
    Floor,
    /// `mirror sync --no-referrers`, which does the same as the other tools.
    Mirror,
    /// `mirror sync`, which also copies signatures and other referrers.
    MirrorReferrers,
    /// `regsync once`, 32 images at a time.
    Regsync,
    /// `crane copy` for each row, several at a time.
    Crane,
    /// `skopeo copy --all` for each row, several at a time.
    Skopeo,
    /// `skopeo sync --all`, one image at a time.
    SkopeoSync,
}

impl Tool {
    /// All tools in the order of the reports.
    pub(crate) const ALL: [Self; 7] = [
        Self::Floor,
        Self::Mirror,
        Self::MirrorReferrers,
        Self::Regsync,
        Self::Crane,
        Self::Skopeo,
        Self::SkopeoSync,
    ];

    /// Returns the name in options and results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Mirror => "mirror",
            Self::MirrorReferrers => "mirror-referrers",
            Self::Regsync => "regsync",
            Self::Crane => "crane",
            Self::Skopeo => "skopeo",
            Self::SkopeoSync => "skopeo-sync",
        }
    }

    /// Returns the name in reports.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Floor => "floor (curl)",
            Self::Mirror => "mirror --no-referrers",
            Self::MirrorReferrers => "mirror",
            Self::Regsync => "regsync",
            Self::Crane => "crane copy, in parallel",
            Self::Skopeo => "skopeo copy, in parallel",
            Self::SkopeoSync => "skopeo sync",
        }
    }

    /// Returns the program.
    pub(crate) fn program(self, mirror: &Path) -> PathBuf {
        match self {
            Self::Floor => PathBuf::from("curl"),
            Self::Mirror | Self::MirrorReferrers => mirror.to_owned(),
            Self::Regsync => PathBuf::from("regsync"),
            Self::Crane => PathBuf::from("crane"),
            Self::Skopeo | Self::SkopeoSync => PathBuf::from("skopeo"),
        }
    }

    /// Returns the version that the program prints; `None` if it is not installed.
    pub(crate) fn version(self, mirror: &Path) -> Option<String> {
        let argument = match self {
            Self::Regsync | Self::Crane => "version",
            _ => "--version",
        };
        let mut command = Plain::new(self.program(mirror));
        let output = command.arg(argument).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().next()?.trim_start_matches("VCSTag:").trim();
        let words: Vec<&str> = line.split(' ').take(3).collect();
        Some(words.join(" "))
    }

    /// Returns the command for a job. The floor is more than one command: [`crate::floor`].
    pub(crate) fn command(self, mirror: &Path, job: &Job<'_>) -> Result<Command, BenchError> {
        match self {
            Self::Floor | Self::Crane => xargs_command(job, "", &["crane", "copy"]),
            Self::Mirror | Self::MirrorReferrers => {
                let list = job.lines(|from, to, tag| format!("{from} {to} {tag}\n"));
                // The order of `mirror fmt`.
                let mut rows: Vec<_> = list.split_inclusive('\n').collect();
                rows.sort_unstable();
                let list = rows.concat();
                let mut command = Command::new(mirror);
                command.args(["sync", "--output=json", "--no-progress", "--images-list"]);
                command.arg(job.write("images-list", &list)?);
                if job.authority.is_some() {
                    // Registries on loopback use plain HTTP otherwise.
                    let secure = job.hosts().map(|host| {
                        format!("[[registry]]\nlocation = \"{host}\"\ninsecure = false\n")
                    });
                    let conf = job.write("registries.conf", &secure.collect::<String>())?;
                    command.arg("--registries-conf").arg(conf);
                }
                if self == Self::Mirror {
                    command.arg("--no-referrers");
                }
                Ok(command)
            }
            Self::Regsync => regsync(job),
            Self::Skopeo => {
                let insecure = match job.authority {
                    Some(_) => &[][..],
                    None => &["--src-tls-verify=false", "--dest-tls-verify=false"],
                };
                let mut command = vec!["skopeo", "--insecure-policy", "copy", "--all", "--quiet"];
                command.extend_from_slice(insecure);
                xargs_command(job, "docker://", &command)
            }
            Self::SkopeoSync => skopeo_sync(job),
        }
    }
}

/// Returns a command that runs once for each row, with its two references.
fn xargs_command(job: &Job<'_>, transport: &str, command: &[&str]) -> Result<Command, BenchError> {
    let pairs =
        job.lines(|from, to, tag| format!("{transport}{from}:{tag}\n{transport}{to}:{tag}\n"));
    let mut xargs = Command::new("xargs");
    xargs.arg("-P").arg(job.concurrency.to_string());
    xargs
        .args(["-n", "2", "-a"])
        .arg(job.write("pairs", &pairs)?);
    xargs.args(command);
    Ok(xargs)
}

fn regsync(job: &Job<'_>) -> Result<Command, BenchError> {
    let tls = match job.authority {
        Some(_) => "enabled",
        None => "disabled",
    };
    let creds = job.hosts().map(|host| {
        format!("  - {{registry: \"{host}\", tls: {tls}, reqConcurrent: 32, reqPerSec: 100000}}\n")
    });
    let images = job.lines(|from, to, tag| {
        format!("  - {{source: \"{from}:{tag}\", target: \"{to}:{tag}\", type: image}}\n")
    });
    let config = format!(
        "version: 1\ncreds:\n{}defaults: {{parallel: 32, fastCheck: true, skipDockerConfig: true}}\nsync:\n{images}",
        creds.collect::<String>(),
    );
    let mut command = Command::new("regsync");
    command
        .arg("--config")
        .arg(job.write("regsync.yml", &config)?);
    command.args(["--verbosity", "warn", "once"]);
    Ok(command)
}

fn skopeo_sync(job: &Job<'_>) -> Result<Command, BenchError> {
    let verify = job.authority.is_some();
    let mut images = format!("\"{}\":\n  tls-verify: {verify}\n  images:\n", job.source);
    let mut last = "";
    // Group the rows of a repository.
    let mut rows = job.rows.to_vec();
    rows.sort_by_key(|row| &row.repository);
    for row in &rows {
        if row.repository != last {
            images += &format!("    {}:\n", row.repository);
            last = &row.repository;
        }
        images += &format!("      - {}\n", row.tag);
    }
    let mut command = Command::new("skopeo");
    command.args(["--insecure-policy", "sync", "--all", "--keep-going"]);
    command.arg(format!("--dest-tls-verify={verify}"));
    command.args(["--src=yaml", "--dest=docker"]);
    command.arg(job.write("sync.yml", &images)?);
    // It keeps the last component of each repository; all are `bench/…`.
    let [destination] = job.destinations else {
        let problem = "skopeo sync has one destination".to_owned();
        return Err(BenchError::Wrong(problem));
    };
    command.arg(format!("{destination}/bench"));
    Ok(command)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::corpus::TaggedImage;

    fn tagged_image(repository: &str, tag: &str) -> TaggedImage {
        TaggedImage {
            repository: repository.to_owned(),
            tag: tag.to_owned(),
            manifests: Vec::new(),
            blobs: Vec::new(),
        }
    }

    /// The arguments, without the directory, and the file that a tool is given.
    fn command_and_file(tool: Tool, file: &str) -> (String, String) {
        let directory = tempfile::tempdir().unwrap();
        let rows = [("bench/b", "v1"), ("bench/a", "v2"), ("bench/b", "v3")];
        let rows = rows.map(|(repository, tag)| tagged_image(repository, tag));
        let job = Job {
            directory: directory.path(),
            source: "from:1",
            destinations: &["to:2".to_owned()],
            rows: &rows.iter().collect::<Vec<_>>(),
            authority: None,
            concurrency: 8,
        };
        let command = tool.command(Path::new("/bin/mirror"), &job).unwrap();
        let command = command.as_std();
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
        let line = words.join(" ");
        let line = line.replace(&format!("{}/", directory.path().display()), "");
        (
            line,
            fs::read_to_string(directory.path().join(file)).unwrap(),
        )
    }

    #[test]
    fn mirror_command_has_a_sorted_list() {
        let (line, list) = command_and_file(Tool::Mirror, "images-list");
        let expected =
            "/bin/mirror sync --output=json --no-progress --images-list images-list --no-referrers";
        assert_eq!(line, expected);
        let expected = "from:1/bench/a to:2/bench/a v2\n\
                        from:1/bench/b to:2/bench/b v1\n\
                        from:1/bench/b to:2/bench/b v3\n";
        assert_eq!(list, expected);
        assert!(
            !command_and_file(Tool::MirrorReferrers, "images-list")
                .0
                .contains("referrers")
        );
    }

    #[test]
    fn single_image_commands_run_concurrently() {
        let (line, pairs) = command_and_file(Tool::Crane, "pairs");
        assert_eq!(line, "xargs -P 8 -n 2 -a pairs crane copy");
        assert!(
            pairs.starts_with("from:1/bench/b:v1\nto:2/bench/b:v1\n"),
            "{pairs}"
        );
        assert_eq!(pairs.lines().count(), 6);
        let (_, pairs) = command_and_file(Tool::Skopeo, "pairs");
        assert!(pairs.starts_with("docker://from:1/bench/b:v1\n"), "{pairs}");
    }

    #[test]
    fn list_commands_have_every_row() {
        let (line, config) = command_and_file(Tool::Regsync, "regsync.yml");
        assert_eq!(line, "regsync --config regsync.yml --verbosity warn once");
        let row = r#"{source: "from:1/bench/a:v2", target: "to:2/bench/a:v2", type: image}"#;
        assert!(config.contains(row), "{config}");
        assert!(config.contains("parallel: 32") && config.contains("reqConcurrent: 32"));
        let (line, sync) = command_and_file(Tool::SkopeoSync, "sync.yml");
        assert!(line.ends_with("sync.yml to:2/bench"), "{line}");
        let images = "    bench/a:\n      - v2\n    bench/b:\n      - v1\n      - v3\n";
        assert!(sync.ends_with(images), "{sync}");
    }
}
