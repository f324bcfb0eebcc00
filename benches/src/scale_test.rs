//! The cost of a run by the length of the list.
//!
//! Both registries run in this process and respond from memory, so the rest of the cost is that of
//! `mirror`.

use std::fmt::Write as _;
use std::path::Path;

use embedded_registry::images::{Format, Image, Layer, Platform};
use embedded_registry::{Registry, RunningRegistry};
use tempfile::TempDir;
use tokio::process::Command;

use crate::error::BenchError;
use crate::machine;
use crate::measure::{self, Cost};

/// Tags of each repository.
const TAGS: u64 = 10;

/// The measurement of one run.
struct Measurement {
    rows: u64,
    state: &'static str,
    cost: Cost,
    requests: u64,
}

/// A source registry with images, and the binary that copies them.
struct ScaleTest<'a> {
    source: RunningRegistry,
    rows: u64,
    mirror: &'a Path,
    directory: TempDir,
}

/// Copies lists of these lengths: completely, again without changes, and to a registry that has every
/// other pair of repositories. Returns a table, and writes it as `scale.md` into a directory.
///
/// # Errors
///
/// If a run fails or does not copy all tags.
pub(crate) async fn measure(
    lengths: &[u64],
    mirror: &Path,
    into: Option<&Path>,
) -> Result<String, BenchError> {
    let mut text = format!(
        "Measured on: {}. Tiny images, {TAGS} in a repository; `sync --no-referrers` between two \
         registries that respond from memory.\n\n\
         | rows | | wall s | CPU s | CPU ms a row | peak MiB | requests a row |\n\
         | ---: | --- | ---: | ---: | ---: | ---: | ---: |\n",
        machine::describe()
    );
    for rows in lengths {
        for line in measure_length(*rows, mirror).await? {
            let rows = line.rows as f64;
            let _ = writeln!(
                text,
                "| {} | {} | {:.1} | {:.1} | {:.2} | {:.0} | {:.2} |",
                line.rows,
                line.state,
                line.cost.wall.as_secs_f64(),
                line.cost.cpu.as_secs_f64(),
                1000.0 * line.cost.cpu.as_secs_f64() / rows,
                line.cost.memory as f64 / 1_048_576.0,
                line.requests as f64 / rows,
            );
        }
        eprintln!("{text}");
        if let Some(directory) = into {
            let write = std::fs::write(directory.join("scale.md"), &text);
            write.map_err(BenchError::io("write scale.md"))?;
        }
    }
    Ok(text)
}

async fn measure_length(rows: u64, mirror: &Path) -> Result<[Measurement; 3], BenchError> {
    let test = ScaleTest::start(rows, mirror).await?;
    let (first, second) = (start_registry().await?, start_registry().await?);
    let lines = [
        test.run("cold", &first, |_| true).await?,
        test.run("nothing to do", &first, |_| true).await?,
        {
            test.run("half", &second, |group| group % 4 < 2).await?;
            test.run("half new", &second, |_| true).await?
        },
    ];
    for target in [first, second] {
        let repositories = target.repositories();
        let tags = repositories.iter().map(|name| target.tags(name).len());
        let copied: usize = tags.sum();
        if copied as u64 != rows {
            return Err(BenchError::Wrong(format!(
                "{copied} of {rows} tags were copied"
            )));
        }
    }
    Ok(lines)
}

impl<'a> ScaleTest<'a> {
    async fn start(rows: u64, mirror: &'a Path) -> Result<Self, BenchError> {
        let source = start_registry().await?;
        for number in 0..rows {
            let group = number / TAGS;
            // Every other repository has a base layer of its own, which cannot be mounted.
            let base = if group.is_multiple_of(2) {
                group % 20
            } else {
                group
            };
            let layer = Layer::random(base, 2_000).map_err(BenchError::io("create a layer"))?;
            let image = Image::new(Format::Oci, Platform::linux("amd64")).layer(layer);
            let image = image.label("number", &number.to_string()).build();
            image.push(&source, &repository(group), Some(&tag(number)));
        }
        let directory = tempfile::tempdir().map_err(BenchError::io("create a directory"))?;
        Ok(Self {
            source,
            rows,
            mirror,
            directory,
        })
    }

    /// Copies the repositories whose number fulfills a condition.
    async fn run(
        &self,
        state: &'static str,
        target: &RunningRegistry,
        wanted: impl Fn(u64) -> bool,
    ) -> Result<Measurement, BenchError> {
        let (from, to) = (self.source.host(), target.host());
        let mut list = String::new();
        for number in (0..self.rows).filter(|number| wanted(number / TAGS)) {
            let repository = repository(number / TAGS);
            let tag = tag(number);
            let _ = writeln!(list, "{from}/{repository} {to}/{repository} {tag}");
        }
        let write = std::fs::write(self.directory.path().join("images-list"), list);
        write.map_err(BenchError::io("write the list"))?;
        let request_count = || self.source.request_count() + target.request_count();
        let before = request_count();
        let mut command = Command::new(self.mirror);
        command.args(["sync", "--no-referrers", "--no-progress", "--output=json"]);
        command.current_dir(self.directory.path());
        let ran = measure::run(command, self.directory.path()).await?;
        if !ran.status.success() {
            return Err(BenchError::Program {
                program: "mirror".to_owned(),
                output: ran.failure(),
            });
        }
        Ok(Measurement {
            rows: self.rows,
            state,
            cost: ran.cost,
            requests: request_count() - before,
        })
    }
}

fn repository(group: u64) -> String {
    format!("scale/app{group}")
}

fn tag(number: u64) -> String {
    format!("v{}", number % TAGS)
}

async fn start_registry() -> Result<RunningRegistry, BenchError> {
    let started = Registry::new().start().await;
    started.map_err(BenchError::io("start a registry"))
}
