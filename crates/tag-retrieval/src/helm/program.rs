//! The program, and what all its runs share.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use program_runner::{Program, RunError};
use tokio::sync::Semaphore;
use tracing::debug;

use super::call::{Call, Load};
use super::environment;
use super::error::{HelmError, stderr_line};
use super::package_cache::PackageCache;
use crate::url_credentials::without_credentials;

/// How many runs may wait for one server at once. They need little of this machine, and a server
/// that hangs must hold neither those that render nor those that wait for another.
const FETCHING: usize = 16;

/// The most that a run may write. The biggest charts there are render to some MiB.
const MOST: usize = 64 * 1024 * 1024;

/// What `mirror` has to say of helm.
#[derive(Clone)]
pub struct HelmSettings {
    /// Where it is; `None` where there is none, which is an error only once an entry needs it.
    pub program: Option<PathBuf>,
    /// The environment of this process, of which helm gets to see a few variables.
    pub environment: Vec<(OsString, OsString)>,
    /// Credentials for charts in registries, as `docker login` writes them.
    pub registry_config: Option<PathBuf>,
    /// An empty folder that lives as long as the run: charts and indexes are kept there.
    pub scratch: PathBuf,
    /// How long an entry has. One run may take three quarters of it.
    pub deadline: Duration,
    /// How many may render at once; at least one does. The number of cores, for example.
    pub processes: usize,
}

impl fmt::Debug for HelmSettings {
    /// Without the environment, in which there may be secrets.
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

/// The helm program with what was fetched so far, shared by all entries of a run.
#[derive(Debug)]
pub struct Helm {
    settings: HelmSettings,
    /// By the server.
    fetching: Mutex<HashMap<String, Arc<Semaphore>>>,
    rendering: Arc<Semaphore>,
    folders: AtomicUsize,
    pub(super) packages: PackageCache,
}

impl Helm {
    /// Nothing is run or looked for yet.
    pub fn new(settings: HelmSettings) -> Self {
        let processes = settings.processes.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            settings,
            fetching: Mutex::default(),
            rendering: Arc::new(Semaphore::new(processes)),
            folders: AtomicUsize::new(0),
            packages: PackageCache::default(),
        }
    }

    /// Returns true if there is a helm at all.
    ///
    /// # Errors
    ///
    /// [`HelmError::Missing`], which says how to get one.
    pub fn check(&self) -> Result<(), HelmError> {
        self.settings
            .program
            .as_ref()
            .map(drop)
            .ok_or(HelmError::Missing)
    }

    /// Creates a directory for one fetched chart or index.
    pub(super) fn new_directory(&self, of: &str) -> Result<PathBuf, HelmError> {
        let number = self.folders.fetch_add(1, Ordering::Relaxed);
        let folder = self.settings.scratch.join(format!("{of}-{number}"));
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Runs helm and gives what it wrote to stdout.
    pub(super) async fn run(&self, call: Call<'_>) -> Result<String, HelmError> {
        let program = self.settings.program.as_ref().ok_or(HelmError::Missing)?;
        let home = call.home.unwrap_or(&self.settings.scratch);
        std::fs::create_dir_all(home.join("tmp"))?;
        let registry_config = self.settings.registry_config.as_deref();
        let environment = environment::of_home(&self.settings.environment, registry_config, home);
        let mut run = Program::new(program)
            .args(&call.arguments)
            .envs(environment)
            .deadline(self.longest_run())
            .max_stdout(MOST);
        if let Some(input) = &call.input {
            run = run.stdin(input.expose().as_bytes().to_vec());
        }
        let permits = self.permits(call.load);
        // The semaphores are never closed; each holder has the deadline of its run.
        let permit = permits.acquire().await;
        let started = Instant::now();
        let ended = run.run().await;
        drop(permit);
        let command = without_credentials(&call.command);
        debug!("helm {command}: {} ms", started.elapsed().as_millis());
        let finished = match ended {
            Ok(finished) => finished,
            Err(error) => return Err(self.unfinished(error, program, command)),
        };
        if !finished.status.success() {
            let stderr = stderr_line(&finished.stderr);
            return Err(HelmError::Failed { command, stderr });
        }
        Ok(String::from_utf8_lossy(&finished.stdout).into_owned())
    }

    fn permits(&self, load: Load) -> Arc<Semaphore> {
        let Load::Network(server) = load else {
            return Arc::clone(&self.rendering);
        };
        let mut fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        let of_server = fetching.entry(server);
        Arc::clone(of_server.or_insert_with(|| Arc::new(Semaphore::new(FETCHING))))
    }

    /// Less than an entry has: a chart that hangs fails alone, what the entry's
    /// others gave stands.
    fn longest_run(&self) -> Duration {
        self.settings.deadline * 3 / 4
    }

    fn unfinished(&self, error: RunError, program: &Path, command: String) -> HelmError {
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
