//! SIGUSR1: prints the state of a run on stderr.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use copier::Progress;
use registry_client::Client;
use tokio::signal::unix::{SignalKind, signal};

use super::output;
use super::progress::{ProgressDisplay, TARGET};
use super::status_report::{StatusReport, WatchedRun};
use crate::cli::failure::Failure;
use crate::cli::options::LogFormat;

/// The handler of SIGUSR1. Every command that sends requests installs it, since the signal ends a
/// process without a handler.
#[derive(Debug, Clone, Default)]
pub(crate) struct StatusSignal {
    watched: Arc<Mutex<Option<WatchedRun>>>,
}

/// Keeps a run watched until it is dropped.
#[derive(Debug)]
pub(crate) struct WatchGuard {
    handler: StatusSignal,
}

impl StatusSignal {
    /// Starts to listen.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the system refuses the handler.
    pub(crate) fn listen(
        &self,
        display: &ProgressDisplay,
        format: LogFormat,
    ) -> Result<(), Failure> {
        let received = signal(SignalKind::user_defined1());
        let mut received = received
            .map_err(|error| Failure::failed(format!("cannot listen for SIGUSR1: {error}")))?;
        let (handler, display) = (self.clone(), display.clone());
        tokio::spawn(async move {
            while received.recv().await.is_some() {
                handler.print(&display, format);
            }
        });
        Ok(())
    }

    /// Makes a run the one that the signal reports, until the guard is dropped.
    pub(crate) fn watch(
        &self,
        rows: usize,
        progress: &Arc<Progress>,
        client: &Client,
    ) -> WatchGuard {
        *self.lock() = Some(WatchedRun {
            rows,
            progress: Arc::clone(progress),
            client: client.clone(),
            since: Instant::now(),
        });
        WatchGuard {
            handler: self.clone(),
        }
    }

    fn print(&self, display: &ProgressDisplay, format: LogFormat) {
        let watched = self.lock().clone();
        let text = match &watched {
            Some(watched) => StatusReport::new(watched).to_string(),
            None => "no rows are in progress\n".to_owned(),
        };
        match format {
            LogFormat::Text => display.above_bars(|| output::notice(&text)),
            LogFormat::Json => tracing::info!(target: TARGET, "{}", text.trim_end()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<WatchedRun>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for WatchGuard {
    fn drop(&mut self) {
        *self.handler.lock() = None;
    }
}
