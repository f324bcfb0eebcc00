//! Why helm gave nothing.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::url_credentials::without_credentials;

/// The bytes of helm's stderr that a message has at most.
const SAID: usize = 2000;

/// Why helm gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum HelmError {
    /// There is no helm here.
    #[error(
        "needs the program helm, which neither HELM nor PATH names here: install version 3.8 or \
         newer (https://helm.sh/docs/intro/install/)"
    )]
    Missing,
    /// It could not be started.
    #[error("cannot start {}: {source}; HELM or PATH names it", program.display())]
    Start {
        /// What was to be started.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It was ended at the deadline.
    #[error(
        "`{program} {command}` did not end within {} s of the deadline of {} s and was stopped: is the \
         place of the charts reachable?",
        after.as_secs_f32(), deadline.as_secs_f32()
    )]
    TimedOut {
        /// The program that hung.
        program: String,
        /// Such as `pull`.
        command: String,
        /// How long it had.
        after: Duration,
        /// How long the entry has.
        deadline: Duration,
    },
    /// It wrote more than is read.
    #[error("`helm {command}` wrote more than {limit} bytes and was stopped")]
    TooLong {
        /// Such as `template`.
        command: String,
        /// The most that is read.
        limit: usize,
    },
    /// It said no.
    #[error("`helm {command}` failed: {said}")]
    Failed {
        /// Such as `template`.
        command: String,
        /// The end of what it wrote to stderr, on one line.
        said: String,
    },
    /// It ended well and left no package.
    #[error("`helm pull` ended well but left no package")]
    NoPackage,
    /// There is no chart in a folder.
    #[error("{} is no chart: it has no file Chart.yaml", .0.display())]
    NoChart(PathBuf),
    /// A file or pipe between us and helm.
    #[error("cannot exchange data with helm: {0}")]
    Io(#[from] io::Error),
}

/// What helm said on stderr as one line for a message: its own prefix, its advice to call it in
/// other ways and all control characters are gone.
pub(super) fn said(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("Use --debug flag"))
        .collect();
    let line = lines.join(" ").replace(char::is_control, " ");
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.replace(". (try 'helm repo update')", "");
    let line = without_credentials(line.strip_prefix("Error: ").unwrap_or(&line));
    if line.is_empty() {
        return "it said nothing".to_owned();
    }
    // The cause stands at the end.
    let cut = line.len().saturating_sub(SAID);
    match (cut..line.len()).find(|at| line.is_char_boundary(*at)) {
        Some(at) if cut > 0 => format!("… {}", &line[at..]),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_helm_said_is_one_line_without_control_characters() {
        let cases: [(&[u8], &str); 6] = [
            (b"Error: no such chart\n", "no such chart"),
            (
                b"Error: YAML parse error on a: line 3\n\nUse --debug flag to render out invalid YAML\n",
                "YAML parse error on a: line 3",
            ),
            (b"walk.go: found symlink\r\nError: x\n", "walk.go: found symlink Error: x"),
            (b"Error: no web  in x index. (try 'helm repo update'): none", "no web in x index: none"),
            (b"Error: a\x1b[31mb\x07\xff\n", "a [31mb \u{fffd}"),
            (b" \n", "it said nothing"),
        ];
        for (stderr, expected) in cases {
            assert_eq!(said(stderr), expected);
        }
    }

    #[test]
    fn of_a_long_story_the_end_is_told() {
        let told = said(format!("{}the cause", "ä".repeat(SAID)).as_bytes());
        assert!(told.starts_with("… ä") && told.ends_with("äthe cause"));
        assert!(told.len() <= SAID + "… ".len(), "{}", told.len());
    }
}
