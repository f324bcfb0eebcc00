//! A client for container registries: manifests as exact bytes, blobs streamed with a digest check,
//! tags, referrers.
//!
//! # The problem
//!
//! A mirror runs unattended. It reads third-party registries, and has credentials with write access to
//! its own. It must not send needless requests (Docker Hub rate-limits manifest requests), and must not
//! trust unchecked content. It continues after 429, expired tokens and broken connections. It never
//! sends a credential to another host.
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
//! - Path segments come only from the types of `image-name`. A request with credentials goes below
//!   `/v2/NAME/` of its own repository, and the client's [`WritePolicy`] allows every write. Any other
//!   request fails before it is sent ([`Error::NotSent`]).
//! - The digest of content is checked before its last byte is returned.
//! - Credentials go to their host, and to the token realm that it names over the same or better
//!   transport security. Redirects to another host and APIs outside the distribution specification
//!   ([`HostApi`], [`VendorRepository`]) receive none. Only the creation and the description of a
//!   repository ([`Client::create_repository`]) and deletions send credentials to a vendor's API, for one
//!   repository that the [`WritePolicy`] allows, and follow no redirect. Errors, logs and `Debug` contain none.
//! - The environment is not read, except for the certificates of the system (`SSL_CERT_FILE`,
//!   `SSL_CERT_DIR`); the caller passes paths and texts.
//!
//! # Limits and retries
//!
//! Every attempt waits for a permit of its host, for the end of a pause, and for the circuit breaker. One
//! function handles each failed attempt: it retries after a backoff, pauses the host (`Retry-After`), or
//! returns the error ([`RetryPolicy`]). Six loops use it:
//!
//! | loop | unit that is repeated |
//! | --- | --- |
//! | requests with a whole response | the request |
//! | token requests | the request |
//! | downloads ([`BlobReader`]) | the rest of the blob, with `Range` |
//! | deletions ([`Repository::delete_manifest`]) | the check of the digest and the deletion |
//! | uploads in chunks | the missing bytes of a chunk |
//! | [`transfer_blob`] | the whole upload, with a new session |
//!
//! Each counts its own attempts. A transfer repeats after its chunks have used up theirs, within
//! [`RetryPolicy::max_elapsed`].
//!
//! # Dependencies
//!
//! References, digests and media types are those of `oci-client` and `oci-spec`; descriptors and platforms
//! are parsed here, because those of `oci-spec` require fields that a copy does not need.
//! The transport is built on `reqwest`. That of `oci-client` 0.18 does not check the digest of a blob
//! that it streams into an upload, pings before each request, requests one token for each of sixteen
//! concurrent requests, and turns every error of the referrers API into an empty list. Auth files and
//! credential helpers are implemented here, because no crate supports the longest-path lookup of podman
//! over several files with identity tokens.

mod activity;
mod api_check;
mod auth;
mod blob;
mod capabilities;
mod certificate;
mod client;
mod client_builder;
mod connection_failure;
pub mod credentials;
mod digest;
mod document_memory;
mod endpoint;
mod error;
mod error_body;
mod exact_keys;
mod failed_probes;
mod fair_share;
mod foreign_layer;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod host_api;
mod local_error;
mod lock;
mod manifest;
mod paging;
mod probe_gate;
mod proxies;
mod quota_window;
mod rate_limit;
mod redact;
mod referrers;
pub mod registries_conf;
mod registry;
mod repository;
mod repository_creation;
mod repository_deletion;
mod security;
mod sent_secrets;
mod served;
mod source_path;
mod status_error;
mod tags;
mod timeout_phase;
mod transport;
pub mod trust;
mod unescape;
mod vendor_api;
mod vendor_operation;
mod write_policy;

pub use activity::{Activity, HostActivity};
pub use api_check::{ApiCheck, ApiScheme, CredentialCheck, TlsInfo};
pub use auth::Access;
pub use blob::{
    Blob, BlobReader, BlobTransfer, ExpectedRead, Mount, SharedReads, TransferError,
    TransferMonitor, TransferSide, UploadSession, transfer_blob,
};
pub use capabilities::Support;
pub use certificate::CertificateInfo;
pub use client::{Client, manifest_reference};
pub use client_builder::ClientBuilder;
pub use connection_failure::{ConnectionFailure, TlsFailure};
pub use digest::{ContentHasher, sha256_digest};
pub use document_memory::MemoryReservation;
pub use error::{Error, StatusError};
pub use error_body::ErrorCode;
pub use fair_share::{FairPermit, FairShare};
pub use host_api::HostApi;
pub use http::HeaderValue;
pub use local_error::LocalError;
pub use manifest::{
    Content, Deletion, Descriptor, DescriptorPlatform, ImageConfig, Manifest, ManifestError,
    ManifestHead, Put, is_index_type,
};
pub use proxies::{Proxies, ProxyError, ProxyVariables};
pub use quota_window::QuotaWindow;
pub use rate_limit::RateLimit;
pub use redact::{redact_urls, url as redacted_url};
pub use referrers::{ReferrerList, Referrers, TagSchema};
pub use registry::{RateLimitCheck, Registry, UploadsOnly};
pub use repository::Repository;
pub use reqwest::Body;
pub use sent_secrets::{cut_sent_secrets, record_sent_secret};
pub use source_path::source_path;
pub use tags::{Listing, TagList, TagLists};
pub use timeout_phase::TimeoutPhase;
pub use transport::{
    BufferedResponse, HostLimits, InFlightRequest, InProcessRegistry, MinimumRate, RetryPolicy,
    Stage, Timeouts,
};
pub use transport::{HostPulls, PullReservation};
pub use vendor_api::{
    AwsCredentials, Creation, CreationApi, CreationError, DeletionApi, DeletionError, Existence,
    HostToken, MAX_DESCRIPTION, MAX_SINGLE_TAG_REQUESTS, VendorCredentials, VendorDeletion,
    VendorRepository,
};
pub use write_policy::{ReadOnly, Write, WritePolicy, WriteTarget};
