//! The parts of an object that are read. Unknown fields are skipped without being kept.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// An object, or a list of objects.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest<'a> {
    pub(crate) kind: Option<String>,
    pub(crate) api_version: Option<String>,
    #[serde(borrow)]
    pub(crate) metadata: Option<Metadata<'a>>,
    #[serde(borrow)]
    pub(crate) spec: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) status: Option<&'a RawValue>,
    /// The template of a `PodTemplate`.
    #[serde(borrow)]
    pub(crate) template: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) items: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata<'a> {
    pub(crate) name: Option<String>,
    pub(crate) generate_name: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) labels: Option<Labels>,
    #[serde(borrow)]
    pub(crate) owner_references: Option<Vec<OwnerReference<'a>>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Labels {
    /// Set on the pods of a deployment. Their ReplicaSet is `DEPLOYMENT-HASH`.
    #[serde(rename = "pod-template-hash")]
    pub(crate) pod_template_hash: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct OwnerReference<'a> {
    pub(crate) kind: String,
    pub(crate) name: String,
    #[serde(borrow)]
    pub(crate) controller: Option<Word<'a>>,
}

/// A scalar. Those of YAML arrive as text.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Word<'a> {
    Bool(bool),
    Number(u64),
    Text(#[serde(borrow)] Cow<'a, str>),
}

impl Word<'_> {
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Self::Bool(value) => *value,
            Self::Number(_) => false,
            Self::Text(text) => text == "true",
        }
    }

    pub(crate) fn number(&self) -> Option<u64> {
        match self {
            Self::Bool(_) => None,
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

/// The specification of a workload.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkloadSpec<'a> {
    #[serde(borrow)]
    pub(crate) replicas: Option<Word<'a>>,
    #[serde(borrow)]
    pub(crate) suspend: Option<Word<'a>>,
    #[serde(borrow)]
    pub(crate) template: Option<PodTemplate<'a>>,
    /// The template of a `CronJob`.
    #[serde(borrow)]
    pub(crate) job_template: Option<JobTemplate<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct JobTemplate<'a> {
    #[serde(borrow)]
    pub(crate) spec: Option<JobSpec<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct JobSpec<'a> {
    #[serde(borrow)]
    pub(crate) template: Option<PodTemplate<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PodTemplate<'a> {
    #[serde(borrow)]
    pub(crate) spec: Option<PodSpec<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodSpec<'a> {
    pub(crate) node_name: Option<String>,
    #[serde(borrow)]
    pub(crate) containers: Option<Vec<Container<'a>>>,
    #[serde(borrow)]
    pub(crate) init_containers: Option<Vec<Container<'a>>>,
    #[serde(borrow)]
    pub(crate) ephemeral_containers: Option<Vec<Container<'a>>>,
    pub(crate) volumes: Option<Vec<Volume>>,
    #[serde(borrow)]
    pub(crate) node_selector: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) affinity: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Container<'a> {
    pub(crate) name: Option<String>,
    pub(crate) image: Option<String>,
    #[serde(borrow)]
    pub(crate) env: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) args: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) command: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Volume {
    pub(crate) image: Option<ImageVolume>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ImageVolume {
    pub(crate) reference: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodStatus {
    pub(crate) container_statuses: Option<Vec<ContainerStatus>>,
    pub(crate) init_container_statuses: Option<Vec<ContainerStatus>>,
    pub(crate) ephemeral_container_statuses: Option<Vec<ContainerStatus>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ContainerStatus {
    pub(crate) name: Option<String>,
    #[serde(rename = "imageID")]
    pub(crate) image_id: Option<String>,
}

/// The status of a workload.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkloadStatus {
    pub(crate) completion_time: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeStatus<'a> {
    pub(crate) node_info: Option<NodeInfo>,
    #[serde(borrow)]
    pub(crate) images: Option<Vec<StoredImage<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeInfo {
    pub(crate) architecture: Option<String>,
    pub(crate) operating_system: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredImage<'a> {
    pub(crate) names: Option<Vec<String>>,
    #[serde(borrow)]
    pub(crate) size_bytes: Option<Word<'a>>,
}
