//! SIGINT and SIGTERM: the first lets requests under way end, a second leaves
//! at once.

use std::sync::{Arc, OnceLock};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

/// The process's ear for signals. Until somebody listens, a signal ends the
/// process as it does any other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signals {
    stop: Arc<OnceLock<CancellationToken>>,
}

impl Signals {
    /// Listens from now on; the token is cancelled by the first signal.
    ///
    /// # Errors
    ///
    /// [`Failure`] where the system lets nobody listen.
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
    tracing::warn!("interrupted: finishing what is under way; once more to leave at once");
    next(&mut interrupt, &mut terminate).await;
    std::process::exit(Exit::Interrupted.code().into());
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
