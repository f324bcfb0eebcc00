//! The status report of a running command, printed on SIGUSR1.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;
use std::time::{Duration, Instant};

use copier::{Progress, RowInFlight, Transfer};
use registry_client::{Activity, Client, HostActivity, InFlightRequest, Stage};

use super::units::{bytes, short};

/// Maximum lines of a kind. The oldest come first.
const MAX_LINES: usize = 50;

/// The state that a report is made from.
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

/// The sums, then the transfers, requests, rows and paused hosts of a run.
#[derive(Debug)]
pub(crate) struct StatusReport {
    rows: usize,
    done: usize,
    failed: usize,
    sent: u64,
    age: Duration,
    transfers: Vec<TransferLine>,
    rows_in_flight: Vec<RowLine>,
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
            rows_in_flight: progress.rows().iter().map(row).collect(),
            activity: watched.client.activity(),
        }
    }
}

impl Display for StatusReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} of {} rows done, {} failed, {} in progress, {} sent, after {}",
            self.done,
            self.rows,
            self.failed,
            self.rows_in_flight.len(),
            bytes(self.sent),
            seconds(self.age)
        )?;
        write_lines(f, "transfer", &self.transfers)?;
        write_lines(f, "request", &self.activity.requests)?;
        write_lines(f, "row", &self.rows_in_flight)?;
        let hosts = self.activity.hosts.iter();
        let paused =
            hosts.filter(|host| host.paused.or(host.tokens_paused).is_some() || host.unresponsive);
        write_lines(f, "host", &paused.collect::<Vec<_>>())
    }
}

fn write_lines<L: Line>(f: &mut Formatter<'_>, kind: &str, lines: &[L]) -> fmt::Result {
    for line in lines.iter().take(MAX_LINES) {
        write!(f, "  {kind:<8}  ")?;
        line.write(f)?;
        writeln!(f)?;
    }
    match lines.len().checked_sub(MAX_LINES) {
        None | Some(0) => Ok(()),
        Some(more) => writeln!(f, "  {kind:<8}  and {more} more"),
    }
}

/// Returns the line of the oldest request in flight; `None` without one.
pub(crate) fn waiting_line(requests: &[InFlightRequest]) -> Option<String> {
    let oldest = requests.iter().max_by_key(|request| request.age)?;
    let mut text = format!("waiting: {}", LineText(oldest));
    match requests.len() {
        1 => {}
        all => text += &format!("; {all} requests in flight"),
    }
    Some(text)
}

/// An item as text.
struct LineText<'a, L>(&'a L);

impl<L: Line> Display for LineText<'_, L> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.write(f)
    }
}

/// An item that has its own line.
trait Line {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result;
}

impl Line for TransferLine {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}: {} of {} sent, started {} ago, last byte {} ago",
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
                write!(
                    f,
                    "{left} of the request body remaining, last byte {idle} ago"
                )
            }
            Stage::WaitingForSource(left) => {
                let left = bytes(left);
                write!(
                    f,
                    "{left} of the request body remaining, waiting for the source"
                )
            }
            Stage::Waiting => f.write_str("no response yet"),
            Stage::Receiving(received) => {
                let received = bytes(received);
                write!(
                    f,
                    "{received} of the response received, last byte {idle} ago"
                )
            }
        }
    }
}

impl Line for RowLine {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let age = seconds(self.age);
        write!(
            f,
            "{} -> {}: started {age} ago",
            self.source, self.destination
        )
    }
}

impl Line for &HostActivity {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: at most {} concurrent requests",
            self.host, self.limit
        )?;
        if let Some(rest) = self.paused {
            write!(
                f,
                ", paused for another {} (requested by the host)",
                seconds(rest)
            )?;
        }
        if let Some(rest) = self.tokens_paused {
            let rest = seconds(rest);
            write!(
                f,
                ", token server paused for another {rest} (requested by the token server)"
            )?;
        }
        if self.unresponsive {
            write!(f, ", no responses: trying one request at a time")?;
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

    fn report(requests: Vec<InFlightRequest>, hosts: Vec<HostActivity>) -> String {
        let report = StatusReport {
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
            rows_in_flight: vec![RowLine {
                source: "q.io/a:1".to_owned(),
                destination: "r.io/m/a:1".to_owned(),
                age: Duration::from_secs(46),
            }],
            activity: Activity { requests, hosts },
        };
        report.to_string()
    }

    #[test]
    fn report_has_age_and_last_byte_of_everything_in_flight() {
        let stages = [
            Stage::Waiting,
            Stage::Sending(1024),
            Stage::WaitingForSource(1024),
            Stage::Receiving(10),
        ];
        let hosts = vec![host(None, false), host(Some(12), false), host(None, true)];
        let text = report(stages.map(request).into(), hosts);
        let want = "\
4 of 9 rows done, 1 failed, 1 in progress, 2.00 KiB sent, after 50.0 s
  transfer  r.io/m/a sha256:0123456789ab…: 1.00 KiB of 4.00 KiB sent, started 45.0 s ago, last byte 31.0 s ago
  request   GET https://q.io/v2/a: sent 40.0 s ago, no response yet
  request   GET https://q.io/v2/a: sent 40.0 s ago, 1.00 KiB of the request body remaining, last byte 31.0 s ago
  request   GET https://q.io/v2/a: sent 40.0 s ago, 1.00 KiB of the request body remaining, waiting for the source
  request   GET https://q.io/v2/a: sent 40.0 s ago, 10 B of the response received, last byte 31.0 s ago
  row       q.io/a:1 -> r.io/m/a:1: started 46.0 s ago
  host      q.io: at most 8 concurrent requests, paused for another 12.0 s (requested by the host)
  host      q.io: at most 8 concurrent requests, no responses: trying one request at a time
";
        assert_eq!(text, want);
    }

    #[test]
    fn waiting_line_names_the_oldest_request() {
        assert_eq!(waiting_line(&[]), None);
        let one = waiting_line(&[request(Stage::Waiting)]);
        let want = "waiting: GET https://q.io/v2/a: sent 40.0 s ago, no response yet";
        assert_eq!(one.as_deref(), Some(want));
        let newer = InFlightRequest {
            age: Duration::from_secs(1),
            ..request(Stage::Receiving(1))
        };
        let two = waiting_line(&[newer, request(Stage::Waiting)]);
        assert_eq!(two, Some(format!("{want}; 2 requests in flight")));
    }

    #[test]
    fn long_lists_are_truncated() {
        let text = report(vec![request(Stage::Waiting); MAX_LINES + 3], Vec::new());
        assert!(text.contains("\n  request   and 3 more\n"), "{text}");
        assert_eq!(text.matches("no response yet").count(), MAX_LINES);
    }
}
