//! SIGUSR1: says on stderr what a run is doing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use copier::Progress;
use registry_client::Client;
use tokio::signal::unix::{SignalKind, signal};

use super::output;
use super::progress::{Screen, TARGET};
use super::status_report::UnderWay;
use crate::cli::failure::Failure;
use crate::cli::options::LogFormat;

/// The process's answer to SIGUSR1, in every command that sends requests: it
/// never ends one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inquiry {
    watched: Arc<Mutex<Option<Watched>>>,
}

/// What can be told of.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    /// Rows to be done.
    pub(crate) rows: usize,
    /// How far the run is.
    pub(crate) progress: Arc<Progress>,
    /// What it is asking.
    pub(crate) client: Client,
    /// When it began.
    pub(crate) since: Instant,
}

/// A run that is told of for as long as this lives.
#[derive(Debug)]
pub(crate) struct Watching {
    inquiry: Inquiry,
}

impl Inquiry {
    /// Listens from now on.
    ///
    /// # Errors
    ///
    /// [`Failure`] where the system lets nobody listen.
    pub(crate) fn listen(&self, screen: &Screen, format: LogFormat) -> Result<(), Failure> {
        let asked = signal(SignalKind::user_defined1());
        let mut asked = asked
            .map_err(|error| Failure::failed(format!("cannot listen for SIGUSR1: {error}")))?;
        let (inquiry, screen) = (self.clone(), screen.clone());
        tokio::spawn(async move {
            while asked.recv().await.is_some() {
                inquiry.answer(&screen, format);
            }
        });
        Ok(())
    }

    /// Tells of this run.
    pub(crate) fn watch(&self, rows: usize, progress: &Arc<Progress>, client: &Client) -> Watching {
        *self.lock() = Some(Watched {
            rows,
            progress: Arc::clone(progress),
            client: client.clone(),
            since: Instant::now(),
        });
        Watching {
            inquiry: self.clone(),
        }
    }

    fn answer(&self, screen: &Screen, format: LogFormat) {
        let watched = self.lock().clone();
        let text = match &watched {
            Some(watched) => UnderWay::of(watched).to_string(),
            None => "no rows are under way\n".to_owned(),
        };
        match format {
            LogFormat::Text => screen.above_bars(|| output::notice(&text)),
            LogFormat::Json => tracing::info!(target: TARGET, "{}", text.trim_end()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        *self.inquiry.lock() = None;
    }
}
