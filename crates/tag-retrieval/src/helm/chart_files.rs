//! The files of a chart that helm does not print: those of its subcharts, and its image lock.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use extraction::ChartText;

use crate::archives::{TarReader, decompressed};

/// Maximum size of a file of a chart in bytes.
const MAX_FILE: u64 = 8 * 1024 * 1024;

/// Maximum size of all files of a package in bytes. helm itself has a limit of 100 MiB.
const MAX_PACKAGE: u64 = 256 * 1024 * 1024;

/// Maximum nesting of subcharts.
const MAX_DEPTH: usize = 8;

/// Reads the files of a chart in a package or directory, with those of its subcharts.
///
/// # Errors
///
/// [`io::Error`] for an archive that is invalid or too large, and files that cannot be read.
pub(crate) fn read_chart_text(path: &Path) -> io::Result<ChartText> {
    let mut chart = ChartText::default();
    match path.is_dir() {
        true => read_directory(&mut chart, path, 0)?,
        false => read_package(&mut chart, File::open(path)?, 0)?,
    }
    Ok(chart)
}

fn read_directory(chart: &mut ChartText, path: &Path, depth: usize) -> io::Result<()> {
    for name in ["Chart.yaml", "values.yaml", "Images.lock"] {
        if let Some(field) = field(chart, name) {
            *field = read_if_there(&path.join(name))?;
        }
    }
    let Ok(entries) = fs::read_dir(path.join("charts")) else {
        return Ok(());
    };
    if depth == MAX_DEPTH {
        return Ok(());
    }
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.join("Chart.yaml").is_file() {
            let subchart = chart.subcharts.entry(name).or_default();
            read_directory(subchart, &path, depth + 1)?;
        } else if name.ends_with(".tgz") {
            let mut subchart = ChartText::default();
            read_package(&mut subchart, File::open(&path)?, depth + 1)?;
            chart.subcharts.insert(name, subchart);
        }
    }
    Ok(())
}

fn read_package(top: &mut ChartText, package: impl io::Read, depth: usize) -> io::Result<()> {
    let mut archive = TarReader::new(decompressed(package, MAX_PACKAGE)?);
    while let Some(entry) = archive.next_entry()? {
        let Some(path) = entry.path.filter(|_| entry.is_file) else {
            continue;
        };
        // The first component is the name of the chart.
        let parts: Vec<_> = path.split('/').skip(1).collect();
        let wanted = matches!(
            parts.last(),
            Some(&("Chart.yaml" | "values.yaml" | "Images.lock"))
        );
        let is_package = path.ends_with(".tgz") && parts.iter().rev().nth(1) == Some(&"charts");
        if !wanted && !is_package {
            continue;
        }
        let Some((chart, name)) = at(top, &parts, depth) else {
            continue;
        };
        let content = archive.content(MAX_FILE)?;
        if is_package {
            let mut subchart = ChartText::default();
            read_package(&mut subchart, &content[..], depth + 1)?;
            chart.subcharts.insert(name.to_owned(), subchart);
        } else if let Some(field) = field(chart, name) {
            *field = String::from_utf8_lossy(&content).into_owned();
        }
    }
    Ok(())
}

/// Returns the chart that a file belongs to, and the name of the file in it: the components before it
/// are `charts/NAME`, any number of times.
fn at<'c, 'p>(
    chart: &'c mut ChartText,
    parts: &[&'p str],
    depth: usize,
) -> Option<(&'c mut ChartText, &'p str)> {
    match parts {
        [name] | ["charts", name] if depth < MAX_DEPTH => Some((chart, name)),
        ["charts", name, rest @ ..] if depth < MAX_DEPTH => {
            let subchart = chart.subcharts.entry((*name).to_owned()).or_default();
            at(subchart, rest, depth + 1)
        }
        _ => None,
    }
}

fn field<'c>(chart: &'c mut ChartText, name: &str) -> Option<&'c mut String> {
    match name {
        "Chart.yaml" => Some(&mut chart.chart_yaml),
        "values.yaml" => Some(&mut chart.values),
        "Images.lock" => Some(&mut chart.images_lock),
        _ => None,
    }
}

fn read_if_there(path: &Path) -> io::Result<String> {
    match fs::metadata(path) {
        Ok(found) if found.len() <= MAX_FILE => {
            Ok(String::from_utf8_lossy(&fs::read(path)?).into_owned())
        }
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{} has more than {MAX_FILE} bytes", path.display()),
        )),
        Err(_) => Ok(String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the names of subcharts with their values, nested in parentheses.
    fn shown(chart: &ChartText) -> String {
        let subcharts = chart.subcharts.values().map(shown);
        let subcharts: Vec<_> = subcharts.collect();
        format!("{}({})", chart.values.trim(), subcharts.join(" "))
    }

    #[tokio::test]
    async fn package_and_directory_have_the_same_files() {
        let directory = tempfile::tempdir().unwrap();
        let metadata = |name: &str| format!("apiVersion: v2\nname: {name}\nversion: 0.1.0\n");
        let chart = testkit::Chart::new("web", "1.0.0")
            .values("v: top\n")
            .file("Images.lock", "kind: ImagesLock\n")
            .file("charts/sub/Chart.yaml", &metadata("sub"))
            .file("charts/sub/values.yaml", "v: sub\n")
            .file("charts/sub/charts/inner/Chart.yaml", &metadata("inner"))
            .file("charts/sub/charts/inner/values.yaml", "v: inner\n")
            .file("templates/values.yaml", "v: not\n")
            .file("files/charts/no/values.yaml", "v: no\n");
        let written = chart.write(directory.path());
        let packaged = chart.package(directory.path(), &[]).await;
        for path in [written, packaged] {
            let files = read_chart_text(&path).unwrap();
            assert_eq!(shown(&files), "v: top(v: sub(v: inner()))", "{path:?}");
            assert_eq!(files.images_lock, "kind: ImagesLock\n");
            assert!(files.chart_yaml.contains("name: web"));
        }
    }
}
