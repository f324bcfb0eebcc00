//! The tasks of a run that need the same blob, and the source of the one that sends it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use image_name::RepositoryPath;
use registry_client::{Repository, TransferMonitor};
use tokio::time::sleep;

use crate::lock::lock;

/// The tasks that need one blob at a registry. One of them sends it, the others wait.
///
/// A source that stalls must not delay rows that have another source for the same blob. The sender
/// watches for that and passes the turn.
#[derive(Debug, Default)]
pub(crate) struct BlobTasks {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tasks: Vec<Route>,
    transfers: Vec<(Route, Arc<TransferMonitor>)>,
}

/// The way of a blob. No two tasks send it on the same way at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// The source repository with its host.
    source: String,
    destination: RepositoryPath,
}

/// A task that needs the blob, until it is dropped.
#[derive(Debug)]
pub(crate) struct BlobTask<'a> {
    tasks: &'a BlobTasks,
    route: Route,
}

/// A transfer of the blob, until it is dropped.
#[derive(Debug)]
pub(crate) struct BlobTransfer<'a> {
    tasks: &'a BlobTasks,
    monitor: Arc<TransferMonitor>,
}

impl Route {
    pub(crate) fn new(source: &Repository, destination: &Repository) -> Self {
        Self {
            source: source.to_string(),
            destination: destination.path().clone(),
        }
    }
}

impl BlobTasks {
    /// Adds a task that needs the blob.
    pub(crate) fn add(&self, route: Route) -> BlobTask<'_> {
        lock(&self.state).tasks.push(route.clone());
        BlobTask { tasks: self, route }
    }

    /// Adds the transfer of a task.
    pub(crate) fn begin_transfer(
        &self,
        route: Route,
        monitor: &Arc<TransferMonitor>,
    ) -> BlobTransfer<'_> {
        let monitor = Arc::clone(monitor);
        let transfer = (route, Arc::clone(&monitor));
        lock(&self.state).transfers.push(transfer);
        BlobTransfer {
            tasks: self,
            monitor,
        }
    }
}

impl BlobTask<'_> {
    /// Waits until the source of this task's transfer has been idle for `patience` and a task with
    /// another source waits.
    pub(crate) async fn stalled(&self, patience: Duration) {
        while !self.is_stalled(patience) {
            sleep(patience / 4).await;
        }
    }

    fn is_stalled(&self, patience: Duration) -> bool {
        let state = lock(&self.tasks.state);
        let transfer = |route: &Route| state.transfers.iter().find(|(other, _)| other == route);
        transfer(&self.route).is_some_and(|(_, monitor)| monitor.source_idle() >= patience)
            && state
                .tasks
                .iter()
                .any(|other| other.source != self.route.source && transfer(other).is_none())
    }
}

impl Drop for BlobTask<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.tasks.state);
        if let Some(index) = state.tasks.iter().position(|route| *route == self.route) {
            state.tasks.swap_remove(index);
        }
    }
}

impl Drop for BlobTransfer<'_> {
    fn drop(&mut self) {
        let transfers = &mut lock(&self.tasks.state).transfers;
        transfers.retain(|(_, monitor)| !Arc::ptr_eq(monitor, &self.monitor));
    }
}
