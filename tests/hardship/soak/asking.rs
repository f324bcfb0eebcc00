//! A run that is asked now and then what it is doing (SIGUSR1), and answers.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// An answer takes no longer.
const PATIENCE: Duration = Duration::from_secs(15);

/// What only the answer's first line says.
const ANSWER: &str = " rows done, ";

/// The questions to one run.
pub(super) struct Asking {
    process: u32,
    stderr: PathBuf,
    read: u64,
    /// Half of a line.
    rest: String,
    asked: Option<Instant>,
    last: Instant,
    pub(super) answers: usize,
    /// The first line of the latest answer.
    pub(super) told: String,
}

impl Asking {
    pub(super) fn new(process: u32, stderr: PathBuf) -> Self {
        Self {
            process,
            stderr,
            read: 0,
            rest: String::new(),
            asked: None,
            last: Instant::now(),
            answers: 0,
            told: String::new(),
        }
    }

    /// Asks when it is time, and listens. Says what is wrong, if something is.
    pub(super) fn go_on(&mut self, every: Duration) -> Result<(), String> {
        self.listen();
        match self.asked {
            Some(asked) if asked.elapsed() > PATIENCE => {
                Err(format!("no answer to SIGUSR1 within {PATIENCE:?}"))
            }
            None if self.last.elapsed() >= every => {
                self.ask();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Asks at once.
    pub(super) fn ask(&mut self) {
        let id = self.process.to_string();
        // A run that has just ended is found out elsewhere.
        let _ = Command::new("kill").args(["-USR1", &id]).output();
        self.last = Instant::now();
        self.asked = Some(self.last);
    }

    fn listen(&mut self) {
        let mut file = File::open(&self.stderr).unwrap();
        file.seek(SeekFrom::Start(self.read)).unwrap();
        let mut news = Vec::new();
        self.read += file.read_to_end(&mut news).unwrap() as u64;
        self.rest += &String::from_utf8_lossy(&news);
        let text = std::mem::take(&mut self.rest);
        let (lines, rest) = text.rsplit_once('\n').unwrap_or(("", &text));
        self.rest = rest.to_owned();
        for line in lines.lines().filter(|line| line.contains(ANSWER)) {
            self.answers += 1;
            self.asked = None;
            self.told = line.trim().to_owned();
        }
    }
}
