//! The state of a run, for a user who suspects that it is stuck.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;
use std::time::{Duration, Instant};

use copier::{Progress, RowInFlight, Transfer};
use registry_client::{Activity, Client, HostActivity, InFlightRequest, Stage};

use super::units::{bytes, short};

/// Maximum lines of a kind; the longest in flight come first.
const LINES: usize = 50;

/// A run that can be reported.
#[derive(Debug, Clone)]
pub(crate) struct WatchedRun {
    /// The number of rows.
    pub(crate) rows: usize,
    /// The engine's progress.
    pub(crate) progress: Arc<Progress>,
    /// The client of the run.
    pub(crate) client: Client,
    /// The start of the run.
    pub(crate) since: Instant,
}

/// A line of sums, then transfers, requests, rows and hosts in flight.
#[derive(Debug)]
pub(crate) struct StatusReport {
    rows: usize,
    done: usize,
    failed: usize,
    sent: u64,
    age: Duration,
    transfers: Vec<TransferLine>,
    rows_begun: Vec<RowLine>,
    activity: Activity,
}

/// A blob in transfer.
#[derive(Debug)]
struct TransferLine {
    repository: String,
    digest: String,
    sent: u64,
    size: u64,
    age: Duration,
    idle: Duration,
}

/// A row in flight.
#[derive(Debug)]
struct RowLine {
    source: String,
    destination: String,
    age: Duration,
}

impl StatusReport {
    /// Reads the current state.
    pub(crate) fn new(watched: &WatchedRun) -> Self {
        let now = Instant::now();
        let progress = &watched.progress;
        let transfer = |transfer: &Transfer| TransferLine {
            repository: transfer.repository.clone(),
            digest: short(&transfer.digest),
            sent: transfer.sent(),
            size: transfer.size,
            age: now.saturating_duration_since(transfer.since),
            idle: transfer.idle(),
        };
        let row = |row: &RowInFlight| RowLine {
            source: row.source.to_string(),
            destination: row.destination.to_string(),
            age: now.saturating_duration_since(row.since),
        };
        Self {
            rows: watched.rows,
            done: progress.rows_done(),
            failed: progress.rows_failed(),
            sent: progress.bytes(),
            age: now.saturating_duration_since(watched.since),
            transfers: progress.transfers().iter().map(|t| transfer(t)).collect(),
            rows_begun: progress.rows().iter().map(row).collect(),
            activity: watched.client.activity(),
        }
    }
}

impl Display for StatusReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} of {} rows done, {} failed, {} under way, {} sent, after {}",
            self.done,
            self.rows,
            self.failed,
            self.rows_begun.len(),
            bytes(self.sent),
            seconds(self.age)
        )?;
        write_lines(f, "transfer", &self.transfers)?;
        write_lines(f, "request", &self.activity.requests)?;
        write_lines(f, "row", &self.rows_begun)?;
        let held = self.activity.hosts.iter();
        let held =
            held.filter(|host| host.paused.or(host.tokens_paused).is_some() || host.unresponsive);
        write_lines(f, "host", &held.collect::<Vec<_>>())
    }
}

fn write_lines<L: Line>(f: &mut Formatter<'_>, kind: &str, lines: &[L]) -> fmt::Result {
    for line in lines.iter().take(LINES) {
        write!(f, "  {kind:<8}  ")?;
        line.write(f)?;
        writeln!(f)?;
    }
    match lines.len().checked_sub(LINES) {
        None | Some(0) => Ok(()),
        Some(more) => writeln!(f, "  {kind:<8}  and {more} more"),
    }
}

/// An item with a line of its own.
trait Line {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result;
}

impl Line for TransferLine {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}: {} of {} sent, begun {} ago, last byte {} ago",
            self.repository,
            self.digest,
            bytes(self.sent),
            bytes(self.size),
            seconds(self.age),
            seconds(self.idle)
        )
    }
}

impl Line for InFlightRequest {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (age, idle) = (seconds(self.age), seconds(self.idle));
        write!(f, "{} {}: sent {age} ago, ", self.method, self.url)?;
        match self.stage {
            Stage::Sending(left) => {
                let left = bytes(left);
                write!(f, "{left} of the body left, last byte {idle} ago")
            }
            Stage::WaitingForSource(left) => {
                let left = bytes(left);
                write!(f, "{left} of the body left, waits for them")
            }
            Stage::Waiting => f.write_str("no answer yet"),
            Stage::Receiving(there) => {
                let there = bytes(there);
                write!(f, "{there} of the answer there, last byte {idle} ago")
            }
        }
    }
}

impl Line for RowLine {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let age = seconds(self.age);
        write!(
            f,
            "{} -> {}: begun {age} ago",
            self.source, self.destination
        )
    }
}

impl Line for &HostActivity {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: at most {} requests at once", self.host, self.limit)?;
        if let Some(rest) = self.paused {
            write!(f, ", paused for {} more as it asked", seconds(rest))?;
        }
        if let Some(rest) = self.tokens_paused {
            let rest = seconds(rest);
            write!(f, ", its token server paused for {rest} more as it asked")?;
        }
        if self.unresponsive {
            write!(f, ", answers nothing: one request at a time is tried")?;
        }
        Ok(())
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(stage: Stage) -> InFlightRequest {
        InFlightRequest {
            method: "GET".parse().unwrap(),
            url: "https://q.io/v2/a".to_owned(),
            age: Duration::from_secs(40),
            idle: Duration::from_secs(31),
            stage,
        }
    }

    fn host(paused: Option<u64>, unresponsive: bool) -> HostActivity {
        HostActivity {
            host: "q.io".to_owned(),
            limit: 8,
            paused: paused.map(Duration::from_secs),
            tokens_paused: None,
            unresponsive,
        }
    }

    fn under_way(requests: Vec<InFlightRequest>, hosts: Vec<HostActivity>) -> String {
        let answer = StatusReport {
            rows: 9,
            done: 4,
            failed: 1,
            sent: 2048,
            age: Duration::from_secs(50),
            transfers: vec![TransferLine {
                repository: "r.io/m/a".to_owned(),
                digest: "sha256:0123456789ab…".to_owned(),
                sent: 1024,
                size: 4096,
                age: Duration::from_secs(45),
                idle: Duration::from_secs(31),
            }],
            rows_begun: vec![RowLine {
                source: "q.io/a:1".to_owned(),
                destination: "r.io/m/a:1".to_owned(),
                age: Duration::from_secs(46),
            }],
            activity: Activity { requests, hosts },
        };
        answer.to_string()
    }

    #[test]
    fn what_is_under_way_is_told_with_its_age_and_last_byte() {
        let stages = [
            Stage::Waiting,
            Stage::Sending(1024),
            Stage::WaitingForSource(1024),
            Stage::Receiving(10),
        ];
        let hosts = vec![host(None, false), host(Some(12), false), host(None, true)];
        let text = under_way(stages.map(request).into(), hosts);
        let want = "\
4 of 9 rows done, 1 failed, 1 under way, 2.00 KiB sent, after 50.0 s
  transfer  r.io/m/a sha256:0123456789ab…: 1.00 KiB of 4.00 KiB sent, begun 45.0 s ago, last byte 31.0 s ago
  request   GET https://q.io/v2/a: sent 40.0 s ago, no answer yet
  request   GET https://q.io/v2/a: sent 40.0 s ago, 1.00 KiB of the body left, last byte 31.0 s ago
  request   GET https://q.io/v2/a: sent 40.0 s ago, 1.00 KiB of the body left, waits for them
  request   GET https://q.io/v2/a: sent 40.0 s ago, 10 B of the answer there, last byte 31.0 s ago
  row       q.io/a:1 -> r.io/m/a:1: begun 46.0 s ago
  host      q.io: at most 8 requests at once, paused for 12.0 s more as it asked
  host      q.io: at most 8 requests at once, answers nothing: one request at a time is tried
";
        assert_eq!(text, want);
    }

    #[test]
    fn a_crowd_is_cut() {
        let text = under_way(vec![request(Stage::Waiting); LINES + 3], Vec::new());
        assert!(text.contains("\n  request   and 3 more\n"), "{text}");
        assert_eq!(text.matches("no answer yet").count(), LINES);
    }
}
