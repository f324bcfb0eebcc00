//! How the cost of a run grows with the list.
//!
//! Between two registries in this process, which answer from memory: what a run takes beyond them
//! is its own.

use std::fmt::Write as _;
use std::path::Path;

use embedded_registry::images::{Format, Image, Layer, Platform};
use embedded_registry::{Registry, RunningRegistry};
use tempfile::TempDir;
use tokio::process::Command;

use crate::failure::Failure;
use crate::machine;
use crate::measure::{self, Cost};

/// Tags in a repository.
const TAGS: u64 = 10;

/// What a run cost.
struct Line {
    rows: u64,
    state: &'static str,
    cost: Cost,
    requests: u64,
}

/// Images at a source, and who copies them.
struct Scene<'a> {
    source: RunningRegistry,
    rows: u64,
    mirror: &'a Path,
    folder: TempDir,
}

/// Copies lists of these lengths: all of it, again when there is nothing to do, and to another
/// registry that has every other pair of repositories. Gives a table, and writes it as `scale.md`
/// into a folder.
///
/// # Errors
///
/// When a run fails or leaves something out.
pub(crate) async fn measure(
    lengths: &[u64],
    mirror: &Path,
    into: Option<&Path>,
) -> Result<String, Failure> {
    let mut text = format!(
        "Measured on: {}. Tiny images, {TAGS} in a repository; `sync --no-referrers` between two \
         registries that answer from memory.\n\n\
         | rows | | wall s | CPU s | CPU ms a row | peak MiB | requests a row |\n\
         | ---: | --- | ---: | ---: | ---: | ---: | ---: |\n",
        machine::describe()
    );
    for rows in lengths {
        for line in of(*rows, mirror).await? {
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
        if let Some(folder) = into {
            let write = std::fs::write(folder.join("scale.md"), &text);
            write.map_err(Failure::io("write scale.md"))?;
        }
    }
    Ok(text)
}

async fn of(rows: u64, mirror: &Path) -> Result<[Line; 3], Failure> {
    let scene = Scene::set(rows, mirror).await?;
    let (first, second) = (start().await?, start().await?);
    let lines = [
        scene.run("cold", &first, |_| true).await?,
        scene.run("nothing to do", &first, |_| true).await?,
        {
            scene.run("half", &second, |group| group % 4 < 2).await?;
            scene.run("half new", &second, |_| true).await?
        },
    ];
    for target in [first, second] {
        let repositories = target.repositories();
        let tags = repositories.iter().map(|name| target.tags(name).len());
        let there: usize = tags.sum();
        if there as u64 != rows {
            return Err(Failure::Wrong(format!("{there} of {rows} tags are there")));
        }
    }
    Ok(lines)
}

impl<'a> Scene<'a> {
    async fn set(rows: u64, mirror: &'a Path) -> Result<Self, Failure> {
        let source = start().await?;
        for number in 0..rows {
            let group = number / TAGS;
            // Every other repository has a base that no other has: looking for it is in vain.
            let base = if group.is_multiple_of(2) {
                group % 20
            } else {
                group
            };
            let layer = Layer::random(base, 2_000).map_err(Failure::io("make a layer"))?;
            let image = Image::new(Format::Oci, Platform::linux("amd64")).layer(layer);
            let image = image.label("number", &number.to_string()).build();
            image.push(&source, &repository(group), Some(&tag(number)));
        }
        let folder = tempfile::tempdir().map_err(Failure::io("create a folder"))?;
        Ok(Self {
            source,
            rows,
            mirror,
            folder,
        })
    }

    /// Copies the repositories of some numbers.
    async fn run(
        &self,
        state: &'static str,
        target: &RunningRegistry,
        wanted: impl Fn(u64) -> bool,
    ) -> Result<Line, Failure> {
        let (from, to) = (self.source.host(), target.host());
        let mut list = String::new();
        for number in (0..self.rows).filter(|number| wanted(number / TAGS)) {
            let repository = repository(number / TAGS);
            let tag = tag(number);
            let _ = writeln!(list, "{from}/{repository} {to}/{repository} {tag}");
        }
        let write = std::fs::write(self.folder.path().join("images-list"), list);
        write.map_err(Failure::io("write the list"))?;
        let asked = || self.source.request_count() + target.request_count();
        let before = asked();
        let mut command = Command::new(self.mirror);
        command.args(["sync", "--no-referrers", "--no-progress", "--output=json"]);
        command.current_dir(self.folder.path());
        let ran = measure::run(command, self.folder.path()).await?;
        if !ran.status.success() {
            let (program, said) = ("mirror".to_owned(), ran.said());
            return Err(Failure::Program { program, said });
        }
        Ok(Line {
            rows: self.rows,
            state,
            cost: ran.cost,
            requests: asked() - before,
        })
    }
}

fn repository(group: u64) -> String {
    format!("scale/app{group}")
}

fn tag(number: u64) -> String {
    format!("v{}", number % TAGS)
}

async fn start() -> Result<RunningRegistry, Failure> {
    let started = Registry::new().start().await;
    started.map_err(Failure::io("start a registry"))
}
