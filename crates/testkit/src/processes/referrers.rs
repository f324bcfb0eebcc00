//! The registry of go-containerregistry, with the referrers API.

use std::process::Command;

use super::process::RegistryProcess;
use crate::program;

/// A registry in memory with the referrers API (`tests/referrers-registry`).
#[derive(Clone, Copy, Debug)]
pub struct ReferrersRegistry;

impl ReferrersRegistry {
    /// Starts the registry and waits until it listens.
    pub async fn start() -> RegistryProcess {
        let directory = tempfile::tempdir().expect("create a directory");
        let mut command = Command::new(program("referrers-registry"));
        command.args(["-address", "127.0.0.1:0"]);
        RegistryProcess::start("referrers-registry", command, directory).await
    }
}
