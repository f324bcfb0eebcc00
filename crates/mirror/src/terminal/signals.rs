//! SIGINT and SIGTERM: the first ends the run after the requests in flight, the second ends the
//! process at once.

use std::sync::{Arc, OnceLock};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

/// The handler of SIGINT and SIGTERM. Before [`Signals::listen`], the signals end the process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signals {
    stop: Arc<OnceLock<CancellationToken>>,
}

impl Signals {
    /// Starts to listen. The first signal cancels the token.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the system refuses the handler.
    pub(crate) fn listen(&self) -> Result<CancellationToken, Failure> {
        if let Some(stop) = self.stop.get() {
            return Ok(stop.clone());
        }
        let cannot =
            |error: std::io::Error| Failure::failed(format!("cannot listen for signals: {error}"));
        let interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
        let terminate = signal(SignalKind::terminate()).map_err(cannot)?;
        let stop = self.stop.get_or_init(CancellationToken::new).clone();
        tokio::spawn(wait(interrupt, terminate, stop.clone()));
        Ok(stop)
    }
}

async fn wait(mut interrupt: Signal, mut terminate: Signal, stop: CancellationToken) {
    next(&mut interrupt, &mut terminate).await;
    stop.cancel();
    tracing::warn!("interrupted: waiting for requests in flight; interrupt again to exit at once");
    next(&mut interrupt, &mut terminate).await;
    std::process::exit(Exit::Interrupted.code().into());
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
