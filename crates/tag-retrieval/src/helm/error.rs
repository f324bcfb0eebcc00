//! Errors of helm.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use registry_client::redact_urls;

/// Maximum length of helm's stderr in a message, in bytes.
const MAX_STDERR_LENGTH: usize = 2000;

/// An error of helm.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HelmError {
    /// The program helm is missing.
    #[error(
        "helm not found in HELM or PATH: install version 3.8 or newer \
         (https://helm.sh/docs/intro/install/)"
    )]
    Missing,
    /// The program could not be started.
    #[error("cannot start {}: {}: check HELM or PATH", program.display(), start_cause(source))]
    Start {
        /// The path of the program.
        program: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The program was stopped at its deadline.
    #[error(
        "`{program} {command}` did not end within {} s of the deadline of {} s and was stopped: \
         check that the charts are reachable",
        after.as_secs_f32(), deadline.as_secs_f32()
    )]
    TimedOut {
        /// The path of the program.
        program: String,
        /// The command, such as `pull`.
        command: String,
        /// The time it had.
        after: Duration,
        /// The deadline of the entry.
        deadline: Duration,
    },
    /// The output is too long.
    #[error("`helm {command}` wrote more than {limit} bytes and was stopped")]
    TooLong {
        /// The command, such as `template`.
        command: String,
        /// The maximum in bytes.
        limit: usize,
    },
    /// The command failed.
    #[error("`helm {command}` failed: {stderr}")]
    Failed {
        /// The command, such as `template`.
        command: String,
        /// The end of its stderr, in one line.
        stderr: String,
    },
    /// The chart does not support the Kubernetes version.
    #[error(
        "`helm {command}` failed for Kubernetes {version}: {stderr}: set `kubeVersion` at an item of \
         `chartConfig` to a version that the chart supports"
    )]
    KubeVersion {
        /// The command: `template`.
        command: String,
        /// The version that was passed to helm.
        version: String,
        /// The end of its stderr, in one line.
        stderr: String,
    },
    /// The command succeeded without a package.
    #[error("`helm pull` succeeded without a package")]
    NoPackage,
    /// The directory has no chart.
    #[error("{} is not a chart: it has no Chart.yaml", .0.display())]
    NoChart(PathBuf),
    /// A file or pipe failed.
    #[error("cannot exchange data with helm: {0}")]
    Io(#[from] io::Error),
}

/// Formats helm's stderr as one line, without its prefix, its usage advice and control characters.
pub(super) fn stderr_line(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("Use --debug flag"))
        .collect();
    let line = lines.join(" ").replace(char::is_control, " ");
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.replace(". (try 'helm repo update')", "");
    let line = redact_urls(line.strip_prefix("Error: ").unwrap_or(&line));
    if line.is_empty() {
        return "no output on stderr".to_owned();
    }
    // The cause is at the end.
    let cut = line.len().saturating_sub(MAX_STDERR_LENGTH);
    match (cut..line.len()).find(|at| line.is_char_boundary(*at)) {
        Some(at) if cut > 0 => format!("… {}", &line[at..]),
        _ => line,
    }
}

/// Returns the cause why a program could not be started.
fn start_cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such program".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stderr_is_one_line_without_control_characters() {
        let cases: [(&[u8], &str); 6] = [
            (b"Error: no such chart\n", "no such chart"),
            (
                b"Error: YAML parse error on a: line 3\n\nUse --debug flag to render out invalid YAML\n",
                "YAML parse error on a: line 3",
            ),
            (b"walk.go: found symlink\r\nError: x\n", "walk.go: found symlink Error: x"),
            (b"Error: no web  in x index. (try 'helm repo update'): none", "no web in x index: none"),
            (b"Error: a\x1b[31mb\x07\xff\n", "a [31mb \u{fffd}"),
            (b" \n", "no output on stderr"),
        ];
        for (stderr, expected) in cases {
            assert_eq!(stderr_line(stderr), expected);
        }
    }

    #[test]
    fn long_stderr_keeps_its_end() {
        let line = stderr_line(format!("{}the cause", "ä".repeat(MAX_STDERR_LENGTH)).as_bytes());
        assert!(line.starts_with("… ä") && line.ends_with("äthe cause"));
        assert!(
            line.len() <= MAX_STDERR_LENGTH + "… ".len(),
            "{}",
            line.len()
        );
    }
}
