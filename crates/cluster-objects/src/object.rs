//! Objects of a cluster.

use crate::controller::Controller;
use crate::image_use::{ImageUse, InvalidImage};
use crate::node::Node;
use crate::pod::Pod;

/// An object of a cluster with its images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The kind, such as `Deployment`.
    pub kind: String,
    /// The namespace; `None` for an object without one.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// The controller in the owner references.
    pub controller: Option<Controller>,
    /// The part that the object has in the cluster.
    pub role: Role,
    /// The images.
    pub images: Vec<ImageUse>,
    /// Text in places for images that is not the name of an image.
    pub invalid: Vec<InvalidImage>,
}

/// The part that an object has in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// A pod.
    Pod(Pod),
    /// A workload of Kubernetes, which has a template of pods.
    Workload {
        /// The architectures that the template requires of nodes; empty if it requires none.
        architectures: Vec<String>,
        /// It wants no pods now: scaled to zero, suspended or finished.
        is_idle: bool,
    },
    /// A node.
    Node(Node),
    /// Any other object, such as a custom resource.
    Other,
}
