//! The status report of a running command, printed on SIGUSR1.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;
use std::time::{Duration, Instant};

use copier::{Progress, RowInFlight, Transfer};
use registry_client::{Activity, Client, HostActivity, InFlightRequest, Stage};

use super::units::{bytes, short};

/// Maximum lines of a kind. The oldest come first.
const MAX_LINES: usize = 50;
/// Maximum pauses in one line.
const MAX_PAUSES: usize = 3;

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

/// Returns the line of what requests wait for: the oldest in flight, and the hosts that requested a pause;
/// without either, the hosts to which a failed request is sent again. `None` if nothing waits.
pub(crate) fn waiting_line(activity: &Activity) -> Option<String> {
    let requests = &activity.requests;
    let oldest = requests.iter().max_by_key(|request| request.age);
    let mut parts: Vec<String> = oldest
        .map(|oldest| LineText(oldest).to_string())
        .into_iter()
        .collect();
    if requests.len() > 1 {
        parts.push(format!("{} requests in flight", requests.len()));
    }
    parts.extend(pauses(activity));
    if parts.is_empty() {
        let waits = activity.hosts.iter().filter_map(|host| {
            let rest = seconds(host.backoff?);
            Some(format!("the next attempt at {} in {rest}", host.host))
        });
        parts.extend(waits.take(MAX_PAUSES));
    }
    (!parts.is_empty()).then(|| format!("waiting: {}", parts.join("; ")))
}

/// Returns a text for each pause that a host or its token server requested.
pub(crate) fn pauses(activity: &Activity) -> Vec<String> {
    let of_host = |host: &HostActivity| {
        let pause = |peer: String, rest: Option<Duration>| {
            Some(format!(
                "{peer} pauses requests for another {} (429 or Retry-After)",
                seconds(rest?)
            ))
        };
        [
            pause(host.host.clone(), host.paused),
            pause(
                format!("the token server of {}", host.host),
                host.tokens_paused,
            ),
        ]
    };
    let pauses = activity.hosts.iter().flat_map(of_host).flatten();
    pauses.take(MAX_PAUSES).collect()
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
            backoff: None,
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
    fn waiting_line_names_the_oldest_request_and_the_pauses() {
        let line = |requests: &[InFlightRequest], hosts: &[HostActivity]| {
            waiting_line(&Activity {
                requests: requests.to_vec(),
                hosts: hosts.to_vec(),
            })
        };
        assert_eq!(line(&[], &[host(None, false)]), None);
        let oldest = "waiting: GET https://q.io/v2/a: sent 40.0 s ago, no response yet";
        let newer = InFlightRequest {
            age: Duration::from_secs(1),
            ..request(Stage::Receiving(1))
        };
        let paused = "q.io pauses requests for another 270.0 s (429 or Retry-After)";
        let backing_off = HostActivity {
            backoff: Some(Duration::from_secs(4)),
            ..host(None, false)
        };
        let tokens = HostActivity {
            tokens_paused: Some(Duration::from_secs(9)),
            ..host(None, false)
        };
        let table = [
            (vec![request(Stage::Waiting)], vec![], oldest.to_owned()),
            (
                vec![newer, request(Stage::Waiting)],
                vec![],
                format!("{oldest}; 2 requests in flight"),
            ),
            (vec![], vec![host(Some(270), false)], format!("waiting: {paused}")),
            (
                vec![request(Stage::Waiting)],
                vec![host(Some(270), false)],
                format!("{oldest}; {paused}"),
            ),
            (
                vec![],
                vec![tokens],
                "waiting: the token server of q.io pauses requests for another 9.0 s (429 or Retry-After)"
                    .to_owned(),
            ),
            (
                vec![],
                vec![backing_off],
                "waiting: the next attempt at q.io in 4.0 s".to_owned(),
            ),
        ];
        for (requests, hosts, want) in table {
            assert_eq!(line(&requests, &hosts), Some(want));
        }
    }

    #[test]
    fn long_lists_are_truncated() {
        let text = report(vec![request(Stage::Waiting); MAX_LINES + 3], Vec::new());
        assert!(text.contains("\n  request   and 3 more\n"), "{text}");
        assert_eq!(text.matches("no response yet").count(), MAX_LINES);
    }
}
