//! Whether a host is there at all.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;

/// Remembers a host that does not answer, so that not every one of thousands
/// of rows finds out with all its tries and timeouts.
///
/// After [`DOWN`] requests in a row were given up without any answer, one
/// request at a time is let through with a single try; the others fail at once
/// with the earlier cause. Any answer ends that.
#[derive(Debug)]
pub(crate) struct Health {
    given_up: AtomicU32,
    state: Mutex<Option<Down>>,
    /// How long a failure stands before the host is tried again.
    stands: Duration,
}

#[derive(Debug)]
struct Down {
    cause: Error,
    try_again: Instant,
}

/// Requests given up in a row that make a host count as down.
const DOWN: u32 = 3;

impl Health {
    /// A failure stands for twenty times the first backoff: ten seconds where
    /// that is the usual half second.
    pub(crate) fn new(backoff: Duration) -> Self {
        Self {
            given_up: AtomicU32::new(0),
            state: Mutex::new(None),
            stands: backoff * 20,
        }
    }

    /// Whether only single tries are made.
    pub(crate) fn is_down(&self) -> bool {
        self.given_up.load(Ordering::Relaxed) >= DOWN
    }

    /// Whether a request may be sent now.
    ///
    /// # Errors
    ///
    /// The earlier cause, while the host counts as down.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !self.is_down() {
            return Ok(());
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *state {
            Some(down) if Instant::now() < down.try_again => Err(down.cause.clone()),
            Some(down) => {
                down.try_again = Instant::now() + self.stands;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The host answered, whatever it said.
    pub(crate) fn answered(&self) {
        self.given_up.store(0, Ordering::Relaxed);
    }

    /// A request was given up.
    pub(crate) fn gave_up(&self, error: &Error) {
        if !matches!(error, Error::Connection { .. } | Error::Timeout { .. }) {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = Some(Down {
            cause: error.clone(),
            try_again: Instant::now() + self.stands,
        });
        self.given_up.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_host_is_tried_now_and_then_and_heals() {
        let health = Health::new(Duration::from_millis(2));
        let dead = Error::Connection {
            method: http::Method::GET,
            url: "http://h/v2/".into(),
            detail: "refused".into(),
        };
        let other = Error::Unsafe {
            host: "h".into(),
            what: "x".into(),
        };
        for _ in 0..DOWN {
            health.gave_up(&other);
        }
        assert!(health.check().is_ok(), "only silence counts");
        health.gave_up(&dead);
        health.gave_up(&dead);
        assert!(!health.is_down());
        health.gave_up(&dead);
        assert!(health.is_down());
        assert!(health.check().unwrap_err().to_string().contains("refused"));
        std::thread::sleep(Duration::from_millis(45));
        assert!(health.check().is_ok(), "one looks");
        assert!(health.check().is_err(), "the others do not");
        health.answered();
        assert!(health.check().is_ok() && !health.is_down());
    }
}
