//! The owners of pods.

use std::collections::HashMap;

use cluster_objects::{Controller, Object, Role};
use serde::Serialize;

/// Kinds that other objects create for each version or run. Their controller is the owner.
const INTERMEDIATE: [&str; 3] = ["ReplicaSet", "Job", "ReplicationController"];

/// An object that owns pods, or uses images itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Owner {
    /// The namespace; `null` for an object without one.
    pub(super) namespace: Option<String>,
    /// The kind, such as `Deployment`.
    pub(super) kind: String,
    /// The name.
    pub(super) name: String,
}

/// The controllers of ReplicaSets and jobs of one cluster.
#[derive(Debug, Default)]
pub(super) struct Owners {
    /// From the objects themselves.
    read: HashMap<Owner, Controller>,
    /// From the labels of pods, for ReplicaSets that were not read.
    labeled: HashMap<Owner, Controller>,
}

impl Owner {
    fn new(object: &Object, controller: &Controller) -> Self {
        Self {
            // Nodes control static pods and have no namespace.
            namespace: object
                .namespace
                .clone()
                .filter(|_| controller.kind != "Node"),
            kind: controller.kind.clone(),
            name: controller.name.clone(),
        }
    }
}

impl Owners {
    /// Records the controllers that an object names. Returns the direct owner of its images: the controller
    /// of a pod, or the object itself.
    pub(super) fn record(&mut self, object: &Object) -> Owner {
        let own = Owner {
            namespace: object.namespace.clone(),
            kind: object.kind.clone(),
            name: object.name.clone(),
        };
        let Some(controller) = &object.controller else {
            return own;
        };
        let owner = Owner::new(object, controller);
        if let Role::Pod(pod) = &object.role {
            if let Some(deployment) = &pod.deployment
                && !self.labeled.contains_key(&owner)
            {
                self.labeled.insert(owner.clone(), deployment.clone());
            }
            return owner;
        }
        if INTERMEDIATE.contains(&own.kind.as_str()) {
            self.read.insert(own.clone(), controller.clone());
        }
        own
    }

    /// Returns the owner behind ReplicaSets and jobs.
    pub(super) fn resolve(&self, owner: &Owner) -> Owner {
        let mut owner = owner.clone();
        // A chain longer than this is a circle.
        for _ in 0..4 {
            if !INTERMEDIATE.contains(&owner.kind.as_str()) {
                break;
            }
            let found = self.read.get(&owner).or_else(|| self.labeled.get(&owner));
            let Some(controller) = found else { break };
            owner.kind.clone_from(&controller.kind);
            owner.name.clone_from(&controller.name);
        }
        owner
    }
}

/// `NAMESPACE/KIND/NAME`.
impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        write!(f, "{}/{}", self.kind, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(stream: &str) -> Vec<Object> {
        let mut objects = Vec::new();
        cluster_objects::read_objects(stream.as_bytes(), &mut |object| objects.push(object))
            .unwrap();
        objects
    }

    #[test]
    fn owner_is_behind_replica_sets_and_jobs() {
        let pod = |owner: &str, labels: &str| {
            format!(
                "--- {{apiVersion: v1, kind: Pod, metadata: {{namespace: n, name: p, labels: {{{labels}}}, ownerReferences: [{{{owner}, controller: true}}]}}, spec: {{}}}}\n"
            )
        };
        let set = "--- {apiVersion: apps/v1, kind: ReplicaSet, metadata: {namespace: n, name: web-1, ownerReferences: [{kind: Deployment, name: web, controller: true}]}, spec: {}}\n";
        let rollout = "--- {apiVersion: apps/v1, kind: ReplicaSet, metadata: {namespace: n, name: web-1, ownerReferences: [{kind: Rollout, name: web, controller: true}]}, spec: {}}\n";
        let job = "--- {apiVersion: batch/v1, kind: Job, metadata: {namespace: n, name: c-1, ownerReferences: [{kind: CronJob, name: c, controller: true}]}, spec: {}}\n";
        let table = [
            (
                pod("kind: ReplicaSet, name: web-1", "") + set,
                "n/Deployment/web",
            ),
            (
                pod("kind: ReplicaSet, name: web-1", ""),
                "n/ReplicaSet/web-1",
            ),
            (
                pod("kind: ReplicaSet, name: web-1", "pod-template-hash: '1'"),
                "n/Deployment/web",
            ),
            (
                pod("kind: ReplicaSet, name: web-1", "pod-template-hash: '1'") + rollout,
                "n/Rollout/web",
            ),
            (pod("kind: Job, name: c-1", "") + job, "n/CronJob/c"),
            (pod("kind: StatefulSet, name: db", ""), "n/StatefulSet/db"),
            (pod("kind: Node, name: n1", ""), "Node/n1"),
            (
                "--- {apiVersion: v1, kind: Pod, metadata: {namespace: n, name: p}, spec: {}}\n"
                    .to_owned(),
                "n/Pod/p",
            ),
        ];
        for (stream, expected) in table {
            let mut owners = Owners::default();
            let direct: Vec<_> = objects(&stream)
                .iter()
                .map(|object| owners.record(object))
                .collect();
            assert_eq!(owners.resolve(&direct[0]).to_string(), expected, "{stream}");
        }
    }
}
