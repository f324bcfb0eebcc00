//! The helm program and the state of its runs.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use program_runner::{Confinement, Program, RunError};
use registry_client::redact_urls;
use tokio::sync::Semaphore;
use tracing::debug;

use super::environment::{self, Access};
use super::error::{HelmError, stderr_line};
use super::helm_command::{HelmCommand, Load};
use super::package_cache::PackageCache;

/// Maximum concurrent fetches from one server. Fetches use few resources, and a hanging
/// server must not delay rendering or fetches from other servers.
const MAX_FETCHES_PER_SERVER: usize = 16;

/// Maximum output of one run in bytes. The largest known charts render to a few MiB.
const MAX_OUTPUT: usize = 64 * 1024 * 1024;

/// The settings of helm.
#[derive(Clone)]
pub struct HelmSettings {
    /// The path of the program. If it is missing, only entries that need helm fail.
    pub program: Option<PathBuf>,
    /// The environment of this process. helm receives only a few variables.
    pub environment: Vec<(OsString, OsString)>,
    /// The credentials file for charts in registries, in the format of `docker login`.
    pub registry_config: Option<PathBuf>,
    /// An empty directory for charts and indexes, which exists as long as the run.
    pub scratch: PathBuf,
    /// The executable that confines helm to `scratch`, if any.
    pub confiner: Option<PathBuf>,
    /// The deadline of an entry. One run may take three quarters of it.
    pub deadline: Duration,
    /// Maximum concurrent renderings, at least one: usually the number of cores.
    pub processes: usize,
}

impl fmt::Debug for HelmSettings {
    /// Omits the environment, which may contain secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HelmSettings")
            .field("program", &self.program)
            .field("registry_config", &self.registry_config)
            .field("scratch", &self.scratch)
            .field("deadline", &self.deadline)
            .field("processes", &self.processes)
            .finish_non_exhaustive()
    }
}

/// The helm program with its fetched charts, shared by all entries of a run.
#[derive(Debug)]
pub struct Helm {
    settings: HelmSettings,
    /// By server.
    fetching: Mutex<HashMap<String, Arc<Semaphore>>>,
    rendering: Arc<Semaphore>,
    directories: AtomicUsize,
    pub(super) packages: PackageCache,
}

impl Helm {
    /// Creates a handle to helm. No process is started.
    pub fn new(settings: HelmSettings) -> Self {
        let processes = settings.processes.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            settings,
            fetching: Mutex::default(),
            rendering: Arc::new(Semaphore::new(processes)),
            directories: AtomicUsize::new(0),
            packages: PackageCache::default(),
        }
    }

    /// Checks that the program exists.
    ///
    /// # Errors
    ///
    /// [`HelmError::Missing`] if it does not.
    pub fn check(&self) -> Result<(), HelmError> {
        self.settings
            .program
            .as_ref()
            .map(drop)
            .ok_or(HelmError::Missing)
    }

    /// Creates a directory for one fetched chart or index.
    pub(super) fn new_directory(&self, prefix: &str) -> Result<PathBuf, HelmError> {
        let number = self.directories.fetch_add(1, Ordering::Relaxed);
        let directory = self.settings.scratch.join(format!("{prefix}-{number}"));
        std::fs::create_dir_all(&directory)?;
        Ok(directory)
    }

    /// Runs a command and returns its standard output.
    pub(super) async fn run(&self, helm_command: HelmCommand<'_>) -> Result<String, HelmError> {
        let program = self.settings.program.as_ref().ok_or(HelmError::Missing)?;
        let home = helm_command.home.unwrap_or(&self.settings.scratch);
        std::fs::create_dir_all(home.join("tmp"))?;
        let access = self.access(&helm_command);
        let environment = environment::of_home(&self.settings.environment, access, home);
        let run = Program::new(program)
            .args(&helm_command.arguments)
            .envs(environment)
            .confined(self.confinement(access))
            .deadline(self.run_deadline())
            .max_stdout(MAX_OUTPUT);
        let permits = self.permits(helm_command.load);
        // The semaphores are never closed, and every holder has a deadline.
        let permit = permits.acquire().await;
        let started = Instant::now();
        // The future holds the buffers for the output.
        let ended = Box::pin(run.run()).await;
        drop(permit);
        let command = redact_urls(&helm_command.command);
        debug!("helm {command}: {} ms", started.elapsed().as_millis());
        let finished = match ended {
            Ok(finished) => finished,
            Err(error) => return Err(self.run_error(error, program, command)),
        };
        if !finished.status.success() {
            let stderr = stderr_line(&finished.stderr);
            return Err(HelmError::Failed { command, stderr });
        }
        Ok(String::from_utf8_lossy(&finished.stdout).into_owned())
    }

    fn access(&self, helm_command: &HelmCommand<'_>) -> Access<'_> {
        match (&helm_command.load, &self.settings.registry_config) {
            (Load::Processor, _) => Access::Local,
            (Load::Network(_), Some(file)) if helm_command.reads_registries => {
                Access::Registries(file)
            }
            (Load::Network(_), _) => Access::Network,
        }
    }

    fn confinement(&self, access: Access<'_>) -> Confinement {
        let confiner = self.settings.confiner.clone();
        let confinement = Confinement::new(confiner).writable(&self.settings.scratch);
        match access {
            Access::Local => confinement.offline(),
            Access::Network | Access::Registries(_) => confinement,
        }
    }

    fn permits(&self, load: Load) -> Arc<Semaphore> {
        let Load::Network(server) = load else {
            return Arc::clone(&self.rendering);
        };
        let mut fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        let permits = fetching.entry(server);
        Arc::clone(permits.or_insert_with(|| Arc::new(Semaphore::new(MAX_FETCHES_PER_SERVER))))
    }

    /// Returns the deadline of one run. It is shorter than that of the entry, so that a hanging chart fails
    /// alone.
    fn run_deadline(&self) -> Duration {
        self.settings.deadline * 3 / 4
    }

    fn run_error(&self, error: RunError, program: &Path, command: String) -> HelmError {
        match error {
            RunError::TimedOut { deadline, .. } => HelmError::TimedOut {
                program: program.display().to_string(),
                command,
                after: deadline,
                deadline: self.settings.deadline,
            },
            RunError::TooMuchOutput { limit, .. } => HelmError::TooLong { command, limit },
            RunError::Io { source, .. } => HelmError::Start {
                program: program.to_owned(),
                source,
            },
            _ => HelmError::Start {
                program: program.to_owned(),
                source: io::ErrorKind::NotFound.into(),
            },
        }
    }
}
