//! How the cost of a run grows with the list.
//!
//! Between two registries in this process, which answer from memory: what a run takes beyond them
//! is its own.

use std::fmt::Write as _;
use std::path::Path;

use embedded_registry::images::{Format, Image, Layer, Platform};
use embedded_registry::{Registry, RunningRegistry};
use tokio::process::Command;

use crate::failure::Failure;
use crate::machine;
use crate::measure::{self, Cost};

/// Tags in a repository.
const TAGS: u64 = 10;

/// What a row cost in a run.
struct Line {
    rows: u64,
    state: &'static str,
    cost: Cost,
    requests: u64,
}

/// Copies lists of these lengths, and again when there is nothing to do; gives a table, and writes
/// it as `scale.md` into a folder.
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

async fn of(rows: u64, mirror: &Path) -> Result<Vec<Line>, Failure> {
    let [source, target] = [start().await?, start().await?];
    let folder = tempfile::tempdir().map_err(Failure::io("create a folder"))?;
    let mut list = String::new();
    for number in 0..rows {
        let (repository, tag) = (
            format!("scale/app{}", number / TAGS),
            format!("v{}", number % TAGS),
        );
        let layer =
            Layer::random(number / TAGS % 20, 2_000).map_err(Failure::io("make a layer"))?;
        let image = Image::new(Format::Oci, Platform::linux("amd64")).layer(layer);
        let image = image.label("number", &number.to_string()).build();
        image.push(&source, &repository, Some(&tag));
        let (from, to) = (source.host(), target.host());
        let _ = writeln!(list, "{from}/{repository} {to}/{repository} {tag}");
    }
    let write = std::fs::write(folder.path().join("images-list"), list);
    write.map_err(Failure::io("write the list"))?;
    let mut lines = Vec::new();
    for state in ["cold", "nothing to do"] {
        let before = source.request_count() + target.request_count();
        let mut command = Command::new(mirror);
        command.args(["sync", "--no-referrers", "--no-progress", "--output=json"]);
        command.current_dir(folder.path());
        let ran = measure::run(command, folder.path()).await?;
        if !ran.status.success() {
            let (program, said) = ("mirror".to_owned(), ran.said());
            return Err(Failure::Program { program, said });
        }
        lines.push(Line {
            rows,
            state,
            cost: ran.cost,
            requests: source.request_count() + target.request_count() - before,
        });
    }
    let there: usize = target
        .repositories()
        .iter()
        .map(|name| target.tags(name).len())
        .sum();
    match there as u64 == rows {
        true => Ok(lines),
        false => Err(Failure::Wrong(format!("{there} of {rows} tags are there"))),
    }
}

async fn start() -> Result<RunningRegistry, Failure> {
    let started = Registry::new().start().await;
    started.map_err(Failure::io("start a registry"))
}
