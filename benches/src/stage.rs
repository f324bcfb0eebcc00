//! The two registries of a work.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use testkit::processes::{Distribution, RegistryProcess, Storage, Version};

use crate::corpus::{Corpus, Tagged};
use crate::failure::Failure;
use crate::relay::Relay;
use crate::work::{Size, State, Work};

/// A source with everything in it, and what destinations begin with.
pub(crate) struct Stage {
    pub(crate) work: Work,
    pub(crate) corpus: Corpus,
    pub(crate) source: RegistryProcess,
    /// Holds the files of the source before the new rows came.
    before: TempDir,
}

/// A registry that clients reach over a wire.
pub(crate) struct Wired {
    pub(crate) registry: RegistryProcess,
    wire: Wire,
}

/// The way to a registry.
#[derive(Debug)]
pub(crate) enum Wire {
    /// None: loopback as it is.
    Direct(String),
    /// With a round trip.
    Relayed(Relay),
}

impl Stage {
    /// Starts a source and fills it.
    pub(crate) async fn set(work: Work, size: Size) -> Result<Self, Failure> {
        eprintln!("bench: making {}", work.title());
        let source = distribution().storage(Storage::Files).start().await;
        let before = tempfile::tempdir().map_err(Failure::io("create a folder"))?;
        let files = source.directory().join("storage");
        let copy = async || match work {
            // Destinations of what is big only ever begin empty.
            Work::Big => Ok(()),
            Work::Small | Work::Multi | Work::Rows => {
                let mut command = Command::new("cp");
                command.arg("-R").arg(&files).arg(before.path());
                let status = command.status().map_err(Failure::io("run cp"))?;
                match status.success() {
                    true => Ok(()),
                    false => Err(Failure::Wrong(format!("cp: {status}"))),
                }
            }
        };
        let corpus = Corpus::push(work, size, &source.host(), copy).await?;
        Ok(Self {
            work,
            corpus,
            source,
            before,
        })
    }

    /// The rows of the list in a state.
    pub(crate) fn rows(&self, state: State) -> Vec<&Tagged> {
        let new = match state {
            State::Cold | State::Warm => &[][..],
            State::Incremental => &self.corpus.new,
        };
        self.corpus.old.iter().chain(new).collect()
    }

    /// A destination as it is before a run.
    pub(crate) async fn destination(&self, state: State, ms: u64) -> Result<Wired, Failure> {
        let registry = match state {
            State::Cold => distribution().storage(Storage::Files),
            State::Warm | State::Incremental => distribution().files_of(self.files_before()),
        };
        let registry = registry.start().await;
        let wire = Wire::to(&registry, ms).await?;
        Ok(Wired { registry, wire })
    }

    fn files_before(&self) -> PathBuf {
        self.before.path().join("storage")
    }
}

impl Wired {
    /// The `HOST:PORT` that clients are given.
    pub(crate) fn host(&self) -> String {
        self.wire.host()
    }
}

impl Wire {
    /// A way to a registry with a round trip of so many milliseconds.
    pub(crate) async fn to(registry: &RegistryProcess, ms: u64) -> Result<Self, Failure> {
        match ms {
            0 => Ok(Self::Direct(registry.host())),
            _ => {
                let round_trip = Duration::from_millis(ms);
                let relay = Relay::start(registry.address(), round_trip).await?;
                Ok(Self::Relayed(relay))
            }
        }
    }

    /// The `HOST:PORT` that clients are given.
    pub(crate) fn host(&self) -> String {
        match self {
            Self::Direct(host) => host.clone(),
            Self::Relayed(relay) => relay.address().to_string(),
        }
    }
}

fn distribution() -> Distribution {
    Distribution::new().version(Version::V3)
}
