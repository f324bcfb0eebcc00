//! The results in Markdown, and the files of a report.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::chart;
use crate::error::BenchError;
use crate::results::{Cell, Measured, Results, Run};

const MIB: f64 = 1_048_576.0;

/// Returns all cells as one document.
pub(crate) fn markdown(results: &Results) -> String {
    let mut text = format!(
        "Measured on: {}. Medians; ratios are to the floor of the same round.\n",
        results.machine
    );
    for measured in &results.cells {
        text += "\n";
        text += &cell(measured);
    }
    text
}

/// Returns the table of one cell.
pub(crate) fn cell(cell: &Cell) -> String {
    let mut text = format!(
        "### {}, {}, round trip {}\n\n{} rows, {} requests needed, {}; {} rounds\n\n",
        cell.work.title(),
        cell.state.title(),
        cell.network(),
        cell.rows,
        cell.floor_requests,
        cell.measured_on,
        cell.tools.first().map_or(0, |floor| floor.runs.len()),
    );
    text += "| tool | wall s | ratio | CPU s | registries' CPU s | relay's CPU s | CPUs busy | peak MiB | requests | bytes | blobs again | connections | handshakes |\n";
    text += "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
    for tool in &cell.tools {
        text += &line(cell, tool);
    }
    text
}

/// Writes the JSON, the table and the chart.
pub(crate) fn write(results: &Results, directory: &Path) -> Result<(), BenchError> {
    let json =
        serde_json::to_string(results).map_err(|error| BenchError::Wrong(error.to_string()))?;
    // One line for each cell, so that a diff shows the new measurements.
    let json = json.replace("{\"work\"", "\n{\"work\"") + "\n";
    let files = [
        ("results.json", json),
        ("results.md", markdown(results)),
        ("results.svg", chart::chart(results)),
    ];
    fs::create_dir_all(directory).map_err(BenchError::io("create the directory of results"))?;
    for (name, text) in files {
        let path = directory.join(name);
        fs::write(&path, text).map_err(BenchError::io(format!("write {}", path.display())))?;
    }
    Ok(())
}

fn line(cell: &Cell, tool: &Measured) -> String {
    let mut line = format!(
        "| {} {} | ",
        tool.tool.title(),
        version_number(&tool.version)
    );
    let Some(ratio) = cell.ratio(tool) else {
        line += "failed | | | | | | | | | | | |\n";
        return line;
    };
    let by = |value: f64, floor: u64| match floor {
        0 => "–".to_owned(),
        _ => format!("{:.2}", value / floor as f64),
    };
    let requests = tool.median(|run| run.requests() as f64);
    let at_source = match cell.destinations {
        1 => String::new(),
        _ => {
            let requests = tool.median(|run| run.source_requests() as f64);
            format!(", {requests} at the source")
        }
    };
    let bytes = tool.median(|run| run.bytes as f64);
    let _ = writeln!(
        line,
        "{:.2} | {ratio:.2} | {:.2} | {:.2} | {:.2} | {:.1} | {:.0} | {requests} ({}){at_source} | {} | {} | {} | {} |",
        tool.median(|run| run.wall_seconds),
        tool.median(|run| run.cpu_seconds),
        tool.median(|run| run.registries_cpu_seconds),
        tool.median(|run| run.bench_cpu_seconds),
        tool.median(Run::processors),
        tool.median(|run| run.peak_memory_bytes as f64) / MIB,
        by(requests, cell.floor_requests),
        by(bytes, cell.floor_bytes),
        tool.median(|run| run.blobs_fetched_again as f64),
        tls_count(cell, tool.median(|run| run.connections as f64)),
        tls_count(cell, tool.median(|run| run.full_handshakes as f64)),
    );
    line
}

/// Returns a count of a cell over TLS; plain HTTP is not counted.
fn tls_count(cell: &Cell, count: f64) -> String {
    if cell.tls {
        count.to_string()
    } else {
        "–".to_owned()
    }
}

/// Returns the first word with a digit: `1.9.3` in `skopeo version 1.9.3`.
fn version_number(version: &str) -> &str {
    let mut words = version.split([' ', '\t']);
    let numbered = words.find(|word| word.contains(|c: char| c.is_ascii_digit()));
    numbered.unwrap_or(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_number_omits_the_name() {
        for (version, number) in [
            ("skopeo version 1.9.3", "1.9.3"),
            ("v0.21.9", "v0.21.9"),
            ("curl 7.88.1 (x86_64)", "7.88.1"),
            ("unknown", "unknown"),
        ] {
            assert_eq!(version_number(version), number);
        }
    }
}
