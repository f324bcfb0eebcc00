//! Nodes.

use crate::manifest::NodeStatus;

/// A node of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// The operating system, such as `linux`; empty if the node does not report it.
    pub os: String,
    /// The architecture, such as `arm64`; empty if the node does not report it.
    pub architecture: String,
    /// The images in its storage. The kubelet reports the 50 largest by default.
    pub images: Vec<NodeImage>,
}

/// An image in the storage of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeImage {
    /// Its names, with tags and with digests.
    pub names: Vec<String>,
    /// Its size on the node.
    pub bytes: u64,
}

impl Node {
    pub(crate) fn new(status: NodeStatus<'_>) -> Self {
        let info = status.node_info;
        let (os, architecture) = match info {
            Some(info) => (info.operating_system, info.architecture),
            None => (None, None),
        };
        let images = status.images.into_iter().flatten().map(|image| NodeImage {
            names: image.names.unwrap_or_default(),
            bytes: image.size_bytes.and_then(|size| size.number()).unwrap_or(0),
        });
        Self {
            os: os.unwrap_or_default(),
            architecture: architecture.unwrap_or_default(),
            images: images.collect(),
        }
    }
}
