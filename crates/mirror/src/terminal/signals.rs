//! SIGINT and SIGTERM: the first ends the run after the rows in flight, the second ends these at
//! once, and the report is written in both cases. The next one ends the process.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

/// The handler of SIGINT and SIGTERM. Before [`Signals::listen`], the signals end the process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signals {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    stop: OnceLock<CancellationToken>,
    grace: OnceLock<Grace>,
}

/// The time that rows in flight have after the first signal.
#[derive(Debug, Clone)]
struct Grace {
    time: Duration,
    abort: CancellationToken,
}

impl Signals {
    /// Starts to listen. The first signal cancels the token.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the system refuses the handler.
    pub(crate) fn listen(&self) -> Result<CancellationToken, Failure> {
        if let Some(stop) = self.state.stop.get() {
            return Ok(stop.clone());
        }
        let cannot =
            |error: std::io::Error| Failure::failed(format!("cannot listen for signals: {error}"));
        let interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
        let terminate = signal(SignalKind::terminate()).map_err(cannot)?;
        let stop = self.state.stop.get_or_init(CancellationToken::new).clone();
        tokio::spawn(wait(interrupt, terminate, Arc::clone(&self.state)));
        Ok(stop)
    }

    /// Returns the token that the second signal cancels, for a run whose rows have some time to
    /// finish after the first one.
    pub(crate) fn abort_after(&self, grace: Duration) -> CancellationToken {
        let grace = self.state.grace.get_or_init(|| Grace {
            time: grace,
            abort: CancellationToken::new(),
        });
        grace.abort.clone()
    }
}

async fn wait(mut interrupt: Signal, mut terminate: Signal, state: Arc<State>) {
    next(&mut interrupt, &mut terminate).await;
    if let Some(stop) = state.stop.get() {
        stop.cancel();
    }
    match state.grace.get() {
        None => tracing::warn!("interrupted; interrupt again to exit at once"),
        Some(grace) => {
            tracing::warn!(
                "interrupted: waiting up to {} s for rows in flight (--grace); interrupt again to \
                 end them at once",
                grace.time.as_secs()
            );
            next(&mut interrupt, &mut terminate).await;
            grace.abort.cancel();
            tracing::warn!(
                "interrupted again: rows in flight are ended, and the report is written"
            );
        }
    }
    next(&mut interrupt, &mut terminate).await;
    std::process::exit(Exit::Interrupted.code().into());
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
