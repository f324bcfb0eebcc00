//! The `helm` program, run without a shell, with an isolated home and a deadline.
//!
//! A run fetches each `index.yaml` and each package once, however many entries use it. All other
//! commands read the package and need no network.
//!
//! # Environment
//!
//! helm receives `PATH`, the proxy variables and the certificate variables (`SSL_CERT_FILE`,
//! `SSL_CERT_DIR`). Its homes, `HOME` and temporary files are in [`HelmSettings::scratch`]. `HELM_*` and
//! `KUBECONFIG` are removed, so that no plugin, repository or cluster of the user takes part.
//! Credentials for private registries come from [`HelmSettings::registry_config`] only, a file in the
//! format of `docker login`. Only `helm pull` receives it, and with it the `HOME` of the user: credential
//! helpers look there. Commands without network receive `PATH` only.
//!
//! With [`HelmSettings::confiner`], helm writes nothing outside of the scratch directory.

mod chart_files;
mod environment;
mod error;
mod helm_command;
mod package_cache;
mod packages;
mod program;
mod rendered_chart;

pub use environment::VARIABLES;
pub use error::HelmError;
pub(crate) use package_cache::ChartVersion;
pub use program::{Helm, HelmSettings};
pub use rendered_chart::DEFAULT_KUBE_VERSION;
#[cfg(test)]
pub(crate) use rendered_chart::Manifests;
pub(crate) use rendered_chart::{RenderedChart, check_chart_directory};
