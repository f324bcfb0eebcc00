//! The real `helm` program: run without a shell, in a home of its own, within a deadline.
//!
//! What is fetched is fetched once in a run, however many entries want it: one `index.yaml` for
//! each chart repository, one package for each chart and range of versions. Everything after that
//! reads the package and no network.
//!
//! # What helm gets to see
//!
//! `PATH`, the proxies' variables and the certificates' (`SSL_CERT_FILE`, `SSL_CERT_DIR`). Its
//! homes, its `HOME` and its temporary files are in [`HelmSettings::scratch`]; nothing named `HELM_*` or
//! `KUBECONFIG` comes through, so neither plugins nor repositories nor a cluster of the user's take
//! part. Credentials for private charts in registries come from
//! [`HelmSettings::registry_config`] alone, a file as `docker login` writes it; where there is one,
//! `HOME` is the user's, since the credential helpers that it may name look there.

mod call;
mod environment;
mod error;
mod images;
mod once;
mod packages;
mod process;
mod program;
mod rendered;
mod retrieve;

pub use environment::VARIABLES;
pub use error::HelmError;
pub use program::{Helm, HelmSettings};
pub(crate) use retrieve::{Place, retrieve};
