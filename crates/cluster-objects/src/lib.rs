//! Kubernetes objects in the output of `kubectl get`: their images, owners and nodes.
//!
//! # The problem
//!
//! `kubectl get pods,deployments,… -A -o json` prints one document for a whole cluster, often more than
//! 100 MB. An image can stand in a dozen places of an object, its digest in the status, and the name of the
//! workload in another object. This crate reads such a stream object by object in bounded memory.
//!
//! ```
//! use cluster_objects::{Role, read_objects};
//!
//! let stream = r#"{"apiVersion": "v1", "kind": "List", "items": [{
//!     "apiVersion": "v1", "kind": "Pod",
//!     "metadata": {"namespace": "shop", "name": "web-1"},
//!     "spec": {"nodeName": "n1", "containers": [{"name": "web", "image": "quay.io/shop/web:v1"}]}
//! }]}"#;
//! let mut found = Vec::new();
//! read_objects(stream.as_bytes(), &mut |object| found.push(object))?;
//! assert_eq!(found[0].images[0].image.repository.full(), "quay.io/shop/web");
//! assert_eq!(found[0].images[0].place, "spec.containers[0].image");
//! assert!(matches!(&found[0].role, Role::Pod(pod) if pod.node.as_deref() == Some("n1")));
//! # Ok::<(), cluster_objects::ReadError>(())
//! ```
//!
//! # Invariants
//!
//! - Pure: a reader in, objects out. No file, network or clock.
//! - The memory is that of one object of at most [`MAX_OBJECT_BYTES`], however long a list is.
//! - Input that is cut off, or is not the output of `kubectl get -o json|yaml`, is an error with its line.
//! - Text in a place for images that is not the name of an image is part of the object, as
//!   [`InvalidImage`].

mod container_settings;
mod controller;
mod custom_object;
mod document_item;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod image_use;
mod json_stream;
mod known_kind;
mod manifest;
mod node;
mod object;
mod object_reader;
mod pod;
mod read_error;
mod unread_fields;
mod yaml_stream;

pub use controller::Controller;
pub use image_use::{ImageUse, InvalidImage};
pub use node::{Node, NodeImage};
pub use object::{Object, Role};
pub use object_reader::read_objects;
pub use pod::Pod;
pub use read_error::{MAX_OBJECT_BYTES, ReadError};
