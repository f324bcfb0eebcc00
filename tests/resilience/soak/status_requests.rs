//! Periodic status requests (SIGUSR1) to a run, and its responses.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::environment::try_send_signal;

/// Maximum time for a response.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The text that only the first line of a status has.
const STATUS_LINE: &str = " rows done, ";

/// The status requests to one run.
pub(super) struct StatusRequests {
    process: u32,
    stderr: PathBuf,
    /// Bytes of stderr that were read.
    offset: u64,
    /// An incomplete line.
    partial_line: String,
    pending_since: Option<Instant>,
    last_sent: Instant,
    pub(super) responses: usize,
    /// The first line of the latest response.
    pub(super) latest: String,
}

impl StatusRequests {
    pub(super) fn new(process: u32, stderr: PathBuf) -> Self {
        Self {
            process,
            stderr,
            offset: 0,
            partial_line: String::new(),
            pending_since: None,
            last_sent: Instant::now(),
            responses: 0,
            latest: String::new(),
        }
    }

    /// Reads responses, and sends a request when one is due. Fails when a response is overdue.
    pub(super) fn poll(&mut self, every: Duration) -> Result<(), String> {
        self.read_responses();
        match self.pending_since {
            Some(sent) if sent.elapsed() > TIMEOUT => {
                Err(format!("no response to SIGUSR1 within {TIMEOUT:?}"))
            }
            None if self.last_sent.elapsed() >= every => {
                self.send();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Sends a request now.
    pub(super) fn send(&mut self) {
        // The monitor notices a run that has just exited.
        try_send_signal(self.process, "USR1");
        self.last_sent = Instant::now();
        self.pending_since = Some(self.last_sent);
    }

    fn read_responses(&mut self) {
        let mut file = File::open(&self.stderr).unwrap();
        file.seek(SeekFrom::Start(self.offset)).unwrap();
        let mut bytes = Vec::new();
        self.offset += file.read_to_end(&mut bytes).unwrap() as u64;
        self.partial_line += &String::from_utf8_lossy(&bytes);
        let text = std::mem::take(&mut self.partial_line);
        let (lines, rest) = text.rsplit_once('\n').unwrap_or(("", &text));
        self.partial_line = rest.to_owned();
        for line in lines.lines().filter(|line| line.contains(STATUS_LINE)) {
            self.responses += 1;
            self.pending_since = None;
            self.latest = line.trim().to_owned();
        }
    }
}
