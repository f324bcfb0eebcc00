//! The two registries of a measurement.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use testkit::certificates::Authority;
use testkit::processes::{Distribution, RegistryProcess, Storage, Version};

use crate::corpus::{Corpus, TaggedImage};
use crate::error::BenchError;
use crate::relay::Relay;
use crate::tls_front::TlsFront;
use crate::workload::{Size, State, Workload};

/// A source registry with all images, and the files that destinations start with.
pub(crate) struct Testbed {
    pub(crate) work: Workload,
    pub(crate) corpus: Corpus,
    pub(crate) source: RegistryProcess,
    /// Signs the certificates of connections over TLS.
    pub(crate) authority: Option<Authority>,
    /// The files of the source without the new rows.
    old_files: TempDir,
}

/// The network between clients and a registry. By default it is that of this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Network {
    pub(crate) round_trip_ms: u64,
    /// The maximum rate to the registry, `None` for any.
    pub(crate) megabytes_per_second: Option<u64>,
}

/// A destination registry and the connection to it.
pub(crate) struct Destination {
    pub(crate) registry: RegistryProcess,
    pub(crate) link: Link,
}

/// The connection between clients and a registry.
#[derive(Debug)]
pub(crate) enum Link {
    /// Loopback without a relay.
    Direct(String),
    /// A relay that adds a round trip.
    Relayed(Relay),
    /// nginx with TLS, behind a relay where there is a round trip.
    Tls(Box<TlsFront>),
}

impl Testbed {
    /// Starts a source registry and fills it.
    pub(crate) async fn start(work: Workload, size: Size, tls: bool) -> Result<Self, BenchError> {
        eprintln!("bench: creating {}", work.title());
        let source = distribution().storage(Storage::Files).start().await;
        let old_files = tempfile::tempdir().map_err(BenchError::io("create a directory"))?;
        let files = source.directory().join("storage");
        let copy = async || match work {
            // Destinations of large images always start empty.
            Workload::Big => Ok(()),
            Workload::Small | Workload::Multi | Workload::Rows => {
                let mut command = Command::new("cp");
                command.arg("-R").arg(&files).arg(old_files.path());
                let status = command.status().map_err(BenchError::io("run cp"))?;
                match status.success() {
                    true => Ok(()),
                    false => Err(BenchError::Wrong(format!("cp: {status}"))),
                }
            }
        };
        let corpus = Corpus::push(work, size, &source.host(), copy).await?;
        Ok(Self {
            work,
            corpus,
            source,
            authority: tls.then(|| Authority::new("bench")),
            old_files,
        })
    }

    /// Returns the rows of the list for a state.
    pub(crate) fn rows(&self, state: State) -> Vec<&TaggedImage> {
        let new = match state {
            State::Cold | State::Warm => &[][..],
            State::Incremental => &self.corpus.new,
        };
        self.corpus.old.iter().chain(new).collect()
    }

    /// Starts a destination with the content for a state.
    pub(crate) async fn destination(
        &self,
        state: State,
        network: Network,
    ) -> Result<Destination, BenchError> {
        let registry = match state {
            State::Cold => distribution().storage(Storage::Files),
            State::Warm | State::Incremental => distribution().files_of(self.files_before()),
        };
        let registry = registry.start().await;
        let link = self.link(&registry, network).await?;
        Ok(Destination { registry, link })
    }

    /// Creates a connection to a registry.
    pub(crate) async fn link(
        &self,
        registry: &RegistryProcess,
        network: Network,
    ) -> Result<Link, BenchError> {
        if let Some(authority) = &self.authority {
            let front = TlsFront::start(registry, authority, network.round_trip_ms).await?;
            return Ok(Link::Tls(Box::new(front)));
        }
        if network == Network::default() {
            return Ok(Link::Direct(registry.host()));
        }
        let round_trip = Duration::from_millis(network.round_trip_ms);
        let rate = network.megabytes_per_second.map(|rate| rate * 1_000_000);
        let relay = Relay::start(registry.address(), round_trip, rate).await?;
        Ok(Link::Relayed(relay))
    }

    fn files_before(&self) -> PathBuf {
        self.old_files.path().join("storage")
    }
}

impl Destination {
    /// Returns the `HOST:PORT` for clients.
    pub(crate) fn host(&self) -> String {
        self.link.host()
    }
}

impl Link {
    /// Returns the `HOST:PORT` for clients.
    pub(crate) fn host(&self) -> String {
        match self {
            Self::Direct(host) => host.clone(),
            Self::Relayed(relay) => relay.address().to_string(),
            Self::Tls(front) => front.host().to_owned(),
        }
    }

    /// Returns the nginx of a connection over TLS.
    pub(crate) fn tls(&self) -> Option<&TlsFront> {
        match self {
            Self::Tls(front) => Some(front),
            Self::Direct(_) | Self::Relayed(_) => None,
        }
    }
}

fn distribution() -> Distribution {
    Distribution::new().version(Version::V3)
}
