//! The kinds with known fields.

/// The kind of an object that has known fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KnownKind {
    /// A pod.
    Pod,
    /// A node.
    Node,
    /// A `PodTemplate`.
    PodTemplate,
    /// A kind with a template of pods in its specification.
    Workload,
}

impl KnownKind {
    /// Returns the kind of an object; `None` for custom resources and other kinds.
    pub(crate) fn new(kind: &str, api_version: &str) -> Option<Self> {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        match (group, kind) {
            ("", "Pod") => Some(Self::Pod),
            ("", "Node") => Some(Self::Node),
            ("", "PodTemplate") => Some(Self::PodTemplate),
            ("", "ReplicationController")
            | ("apps" | "extensions", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
            | ("batch", "Job" | "CronJob") => Some(Self::Workload),
            _ => None,
        }
    }
}
