//! go-containerregistry's registry, with the referrers API.

use std::process::Command;

use super::process::RegistryProcess;
use crate::program;

/// A registry in memory with the referrers API (`tests/referrers-registry`).
#[derive(Clone, Copy, Debug)]
pub struct ReferrersRegistry;

impl ReferrersRegistry {
    /// Starts it and waits until it listens.
    pub async fn start() -> RegistryProcess {
        let folder = tempfile::tempdir().expect("create a folder");
        let mut command = Command::new(program("referrers-registry"));
        command.args(["-address", "127.0.0.1:0"]);
        RegistryProcess::start("referrers-registry", command, folder).await
    }
}
