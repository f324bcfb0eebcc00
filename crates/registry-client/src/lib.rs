//! Container registries over HTTP: manifests as exact bytes, blobs streamed
//! with their digest checked, tags, referrers.
//!
//! # The problem
//!
//! A mirror runs unattended against registries of other people, with write
//! credentials to one's own. It must not send a request too many (Docker Hub
//! counts manifests), not trust a byte, get through 429s, expiring tokens and
//! broken connections, and never show a credential to a host it is not for.
//!
//! ```no_run
//! use registry_client::credentials::{CredentialSources, CredentialStore, Helpers};
//! use registry_client::registries_conf::RegistriesConf;
//! use registry_client::trust::Trust;
//! use registry_client::{Client, HeaderValue};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let tag: image_name::Tag = "1.36".parse()?;
//! let sources = CredentialSources { files: Vec::new(), helpers: Helpers::new("/usr/bin") };
//! let client = Client::builder()
//!     .user_agent(HeaderValue::from_static("example/1.0"))
//!     .oauth_client_id("example")
//!     .registries_conf(RegistriesConf::parse("")?)
//!     .credentials(CredentialStore::new(sources))
//!     .trust(Trust::new(None, vec!["/etc/containers/certs.d".into()]))
//!     .build();
//! let image = "busybox:1.36".parse()?;
//! for repository in client.sources(&image)? {
//!     if let Some(head) = repository.head_manifest(&tag).await? {
//!         println!("{repository} has {}", head.digest);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Invariants
//!
//! - Every request goes through one loop (`transport`): the host's limit and
//!   pauses, authentication, redirects, retries. Nothing else waits or retries.
//! - Only the types of `image-name` become segments of a path. A request that carries our
//!   credentials goes below `/v2/NAME/` of the repository that it was made for, and a write
//!   goes where the client's [`WritePolicy`] allows; anything else is refused before it is
//!   sent ([`Error::NotSent`]).
//! - Content is checked against its digest before its last byte is handed on.
//! - Credentials go to the host they are stored for and to the token realm it
//!   names over the same or better transport security; a redirect to another
//!   host gets none, nor does an API that is no registry's ([`HostApi`],
//!   [`VendorRepository`]). They are in no error, no log and no `Debug`.
//! - Nothing is read from the environment; the caller passes paths and texts.
//!
//! # What is whose
//!
//! References, digests, descriptors, platforms and media types are those of
//! `oci-client` and `oci-spec`. The transport is ours, on `reqwest`: that of
//! `oci-client` 0.18 does not check the digest of a blob that it streams into
//! an upload, pings before each request, asks for one token sixteen times
//! where sixteen requests need it, and turns every error of the referrers API
//! into an empty list. `http-auth` reads challenges, `httpdate` dates, `toml`
//! registries.conf. Auth files and helpers are ours, because no crate does
//! podman's longest-path lookup over several files with identity tokens.

mod activity;
mod auth;
mod blob;
mod capabilities;
mod client;
mod client_builder;
mod connection_failure;
pub mod credentials;
mod digest;
mod endpoint;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod host_api;
mod manifest;
mod paging;
mod probe_gate;
mod redact;
mod referrers;
pub mod registries_conf;
mod repository;
mod security;
mod tags;
mod transport;
pub mod trust;
mod vendor_api;
mod write_policy;

pub use activity::{Activity, HostActivity};
pub use auth::Access;
pub use blob::{
    Blob, BlobReader, Mount, TransferError, TransferSide, UploadSession, transfer_blob,
};
pub use capabilities::Support;
pub use client::{Client, manifest_reference};
pub use client_builder::ClientBuilder;
pub use connection_failure::{ConnectionFailure, TlsFailure};
pub use digest::sha256_digest;
pub use error::{Error, ErrorCode, StatusError, TimeoutPhase};
pub use host_api::HostApi;
pub use http::HeaderValue;
pub use manifest::{Content, Manifest, ManifestError, ManifestHead, Put, is_index_type};
pub use referrers::Referrers;
pub use repository::Repository;
pub use tags::TagList;
pub use transport::{BufferedResponse, InFlightRequest, RetryPolicy, Stage, Timeouts};
pub use vendor_api::{Existence, MAX_SINGLE_TAG_REQUESTS, VendorRepository};
pub use write_policy::{ReadOnly, Write, WritePolicy, WriteTarget};
