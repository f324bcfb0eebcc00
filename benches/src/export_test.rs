//! The cost of exports to files and of imports from them.
//!
//! The tools take turns, from the same source registry, each into an empty directory. A run starts after the disk
//! has everything of the run before. Written bytes are those that the tool and its children have given to
//! the disk; a tool that writes its images once has as many as its result has bytes.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use testkit::processes::{Distribution, Storage, Version};

use crate::corpus::TaggedImage;
use crate::error::BenchError;
use crate::export_tool::{DESTINATION, ExportFiles, ExportTool, archive, import_command};
use crate::job::Job;
use crate::machine;
use crate::measure::{self, Cost, FinishedCommand};
use crate::options::Options;
use crate::results::median;
use crate::testbed::Testbed;
use crate::workload::{State, Workload};

/// Concurrent exports for tools that export one image.
const CONCURRENCY: usize = 8;

const MIB: f64 = 1_048_576.0;

/// One run.
#[derive(Debug)]
struct ExportRun {
    cost: Cost,
    /// Bytes of the result.
    result: u64,
    /// Requests at the source.
    requests: usize,
}

/// All runs of a tool.
#[derive(Debug)]
struct Measured {
    tool: ExportTool,
    runs: Vec<ExportRun>,
    failed: Option<String>,
}

/// The setup of one workload.
struct ExportTest<'a> {
    testbed: &'a Testbed,
    rows: Vec<&'a TaggedImage>,
    mirror: &'a Path,
}

/// Measures exports and imports of the workloads that have images for it. Returns tables, and writes them as
/// `export.md` into the directory of results.
///
/// # Errors
///
/// If curl or `mirror` fails. The failure of another tool is part of the result.
pub(crate) async fn measure(options: &Options) -> Result<String, BenchError> {
    let mut text = format!(
        "Measured on: {}. Medians of {} rounds; ratios are to curl in the same round.\n",
        machine::describe(),
        options.rounds
    );
    let works = [Workload::Big, Workload::Small].into_iter();
    for work in works.filter(|work| options.works.contains(work)) {
        let testbed = Testbed::start(work, options.size, false).await?;
        let test = ExportTest {
            rows: testbed.rows(State::Cold),
            testbed: &testbed,
            mirror: &options.mirror,
        };
        text += &test.measure(options.rounds).await?;
        if let Some(directory) = &options.into {
            let write = fs::write(directory.join("export.md"), &text);
            write.map_err(BenchError::io("write export.md"))?;
        }
    }
    Ok(text)
}

impl ExportTest<'_> {
    async fn measure(&self, rounds: usize) -> Result<String, BenchError> {
        let is_installed = |tool: &ExportTool| {
            let mut command = Command::new(tool.program(self.mirror));
            command.arg("--help").output().is_ok()
        };
        let tools = ExportTool::ALL.into_iter().filter(is_installed);
        let mut measured: Vec<Measured> = tools
            .map(|tool| Measured {
                tool,
                runs: Vec::new(),
                failed: None,
            })
            .collect();
        let count = measured.len();
        for round in 0..rounds {
            for turn in 0..count {
                let tool = &mut measured[(turn + round) % count];
                if tool.failed.is_none() {
                    self.run_tool(tool).await?;
                }
            }
        }
        let imports = self.imports(rounds).await?;
        let title = self.testbed.work.title();
        Ok(format!(
            "{}{imports}",
            table(title, self.rows.len(), &measured)
        ))
    }

    async fn run_tool(&self, measured: &mut Measured) -> Result<(), BenchError> {
        let tool = measured.tool;
        let (work, title) = (self.testbed.work.name(), tool.title());
        match self.run(tool).await {
            Ok(run) => {
                let (wall, cpu) = (run.cost.wall.as_secs_f64(), run.cost.cpu.as_secs_f64());
                eprintln!("bench: {work} export: {title}: {wall:.2} s, CPU {cpu:.2} s");
                measured.runs.push(run);
            }
            Err(failure) if tool.is_peer() => {
                eprintln!("bench: {work} export: {title}: {failure}");
                measured.failed = Some(failure.to_string());
            }
            Err(failure) => return Err(failure),
        }
        Ok(())
    }

    async fn run(&self, tool: ExportTool) -> Result<ExportRun, BenchError> {
        let (_directory, files) = self.files()?;
        let command = self.command(tool, &files)?;
        settle()?;
        let before = self.testbed.source.requests().await.len();
        let ran = succeeded(tool.title(), measure::run(command, &files.home).await?)?;
        let requests = self.testbed.source.requests().await.len() - before;
        let result = size_below(&files.output)?;
        let least: u64 = self.blob_bytes();
        if result < least {
            let title = tool.title();
            let problem = format!("{title} wrote {result} bytes, the blobs have {least}");
            return Err(BenchError::Wrong(problem));
        }
        if tool == ExportTool::Mirror {
            self.verify(&files).await?;
        }
        Ok(ExportRun {
            cost: ran.cost,
            result,
            requests,
        })
    }

    /// Returns the command that exports all rows.
    fn command(
        &self,
        tool: ExportTool,
        files: &ExportFiles,
    ) -> Result<tokio::process::Command, BenchError> {
        let job = Job {
            directory: &files.home,
            source: &self.testbed.source.host(),
            destinations: &[DESTINATION.to_owned()],
            rows: &self.rows,
            authority: None,
            concurrency: CONCURRENCY,
        };
        tool.command(self.mirror, &job, files)
    }

    fn files(&self) -> Result<(TempDir, ExportFiles), BenchError> {
        let directory = tempfile::tempdir().map_err(BenchError::io("create a directory"))?;
        let files = ExportFiles {
            home: directory.path().to_owned(),
            output: directory.path().join("out"),
        };
        fs::create_dir(&files.output).map_err(BenchError::io("create a directory"))?;
        Ok((directory, files))
    }

    /// Returns the bytes of all blobs, each once.
    fn blob_bytes(&self) -> u64 {
        let mut seen = std::collections::HashSet::new();
        let blobs = self.rows.iter().flat_map(|row| &row.blobs);
        let blobs = blobs.filter(|blob| seen.insert(&blob.digest));
        blobs.map(|blob| blob.size).sum()
    }

    /// Checks every digest of the archive that `mirror export` has written.
    async fn verify(&self, files: &ExportFiles) -> Result<(), BenchError> {
        let mut command = tokio::process::Command::new(self.mirror);
        command.args(["bundle", "verify"]).arg(archive(files));
        let ran = measure::run(command, &files.home).await?;
        succeeded("mirror bundle verify", ran).map(drop)
    }

    /// Measures imports of one archive, each into an empty registry.
    async fn imports(&self, rounds: usize) -> Result<String, BenchError> {
        let (_directory, files) = self.files()?;
        let command = self.command(ExportTool::Mirror, &files)?;
        succeeded("mirror export", measure::run(command, &files.home).await?)?;
        let mut text = String::from(
            "\n| import | wall s | CPU s | peak MiB |\n| --- | ---: | ---: | ---: |\n",
        );
        let mut costs = [Vec::new(), Vec::new()];
        for _ in 0..rounds {
            for (is_piped, costs) in [false, true].into_iter().zip(&mut costs) {
                let registry = Distribution::new()
                    .version(Version::V3)
                    .storage(Storage::Files);
                let registry = registry.start().await;
                let archive = archive(&files);
                let host = registry.host();
                let command = import_command(self.mirror, &archive, is_piped, &host);
                settle()?;
                let ran = measure::run(command, &files.home).await?;
                costs.push(succeeded("mirror import", ran)?.cost);
            }
        }
        for (title, costs) in ["mirror import FILE", "mirror import -"].iter().zip(costs) {
            let value = |of: fn(&Cost) -> f64| median(costs.iter().map(of));
            let _ = writeln!(
                text,
                "| {title} | {:.2} | {:.2} | {:.0} |",
                value(|cost| cost.wall.as_secs_f64()),
                value(|cost| cost.cpu.as_secs_f64()),
                value(|cost| cost.memory as f64 / MIB),
            );
        }
        Ok(text)
    }
}

/// Waits until the disk has everything, so that no run pays for another one.
fn settle() -> Result<(), BenchError> {
    let status = Command::new("sync")
        .status()
        .map_err(BenchError::io("run sync"))?;
    match status.success() {
        true => Ok(()),
        false => Err(BenchError::Wrong(format!("sync: {status}"))),
    }
}

fn succeeded(title: &str, ran: FinishedCommand) -> Result<FinishedCommand, BenchError> {
    match ran.status.success() {
        true => Ok(ran),
        false => Err(BenchError::Program {
            program: title.to_owned(),
            output: ran.failure(),
        }),
    }
}

/// Returns the bytes of the files in a directory.
fn size_below(directory: &Path) -> Result<u64, BenchError> {
    let context = || BenchError::io(format!("read {}", directory.display()));
    let entries = fs::read_dir(directory).map_err(context())?;
    let sizes = entries.map(|entry| entry.and_then(|entry| entry.metadata()));
    let sizes = sizes.map(|metadata| metadata.map(|metadata| metadata.len()));
    sizes.sum::<Result<_, _>>().map_err(context())
}

/// Returns the table of a workload, and how it meets the goals.
fn table(title: &str, rows: usize, measured: &[Measured]) -> String {
    let mut text = format!(
        "\n### {title}, {rows} rows\n\n\
         | export | wall s | ratio to curl | CPU s | peak MiB | result MiB | written / result | requests |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
    );
    let curl = &measured[0];
    for tool in measured {
        let name = tool.tool.title();
        if let Some(failed) = &tool.failed {
            let _ = writeln!(text, "| {name} | failed: {failed} | | | | | | |");
            continue;
        }
        let value = |of: fn(&ExportRun) -> f64| median(tool.runs.iter().map(of));
        let _ = writeln!(
            text,
            "| {name} | {:.2} | {:.2} | {:.2} | {:.0} | {:.0} | {:.2} | {:.0} |",
            value(|run| run.cost.wall.as_secs_f64()),
            ratio(tool, curl),
            value(|run| run.cost.cpu.as_secs_f64()),
            value(|run| run.cost.memory as f64 / MIB),
            value(|run| run.result as f64 / MIB),
            value(|run| run.cost.written as f64 / run.result as f64),
            value(|run| run.requests as f64),
        );
    }
    let mirror = measured.iter().find(|it| it.tool == ExportTool::Mirror);
    let peers = measured
        .iter()
        .filter(|it| it.tool.is_peer() && it.failed.is_none());
    for (peer, mirror) in peers.filter_map(|peer| Some((peer, mirror?))) {
        let (title, ratio) = (peer.tool.title(), ratio(mirror, peer));
        let _ = writeln!(text, "\nmirror takes {ratio:.2} of the time of {title}.");
    }
    text
}

/// Returns the median ratio of the wall times of two tools in the same round.
fn ratio(one: &Measured, other: &Measured) -> f64 {
    let wall = |run: &ExportRun| run.cost.wall.as_secs_f64();
    let pairs = one.runs.iter().zip(&other.runs);
    median(pairs.map(|(one, other)| wall(one) / wall(other)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn measured(tool: ExportTool, seconds: [u64; 3]) -> Measured {
        let runs = seconds.map(|seconds| ExportRun {
            cost: Cost {
                wall: Duration::from_secs(seconds),
                written: 30,
                ..Cost::default()
            },
            result: 20,
            requests: 7,
        });
        Measured {
            tool,
            runs: runs.into(),
            failed: None,
        }
    }

    #[test]
    fn table_has_ratios_within_a_round() {
        let mut skopeo = measured(ExportTool::Skopeo, [8, 8, 8]);
        skopeo.failed = Some("exit status: 1".to_owned());
        let all = [
            measured(ExportTool::Curl, [1, 2, 4]),
            measured(ExportTool::Mirror, [2, 3, 2]),
            skopeo,
            measured(ExportTool::Regctl, [4, 4, 4]),
        ];
        let text = table("images", 4, &all);
        let mirror = "| mirror export --no-referrers | 2.00 | 1.50 | 0.00 | 0 | 0 | 1.50 | 7 |";
        assert!(text.contains(mirror), "{text}");
        assert!(text.contains("tar | failed: exit status: 1 |"), "{text}");
        assert!(
            text.contains("\nmirror takes 0.50 of the time of regctl"),
            "{text}"
        );
        assert!(!text.contains("of the time of skopeo"), "{text}");
    }
}
