//! Pods and templates of pods.

use std::collections::HashMap;

use image_name::Digest;
use serde_json::Value;

use crate::container_settings::SettingsCache;
use crate::controller::Controller;
use crate::image_use::{FoundImages, running_digest};
use crate::manifest::{Container, ContainerStatus, PodSpec, PodStatus};

/// The labels of the architecture of a node, the deprecated one last.
const ARCHITECTURE_LABELS: [&str; 2] = ["kubernetes.io/arch", "beta.kubernetes.io/arch"];

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// The node that it runs on; `None` before it is scheduled.
    pub node: Option<String>,
    /// The deployment, from the label that the ReplicaSet's name ends in.
    pub deployment: Option<Controller>,
}

/// The digests that run, by the name of the container.
type RunningDigests = HashMap<String, Digest>;

/// The containers of a field of a pod, and the digests that they run.
type ContainerField<'a> = (&'static str, &'a Option<Vec<Container<'a>>>, RunningDigests);

/// Adds the images of a pod or of a template at `path`.
pub(crate) fn add_images(
    found: &mut FoundImages,
    path: &str,
    (spec, status): (&PodSpec<'_>, PodStatus),
    settings: &mut SettingsCache,
) {
    let fields: [ContainerField<'_>; 3] = [
        (
            "containers",
            &spec.containers,
            running(status.container_statuses),
        ),
        (
            "initContainers",
            &spec.init_containers,
            running(status.init_container_statuses),
        ),
        (
            "ephemeralContainers",
            &spec.ephemeral_containers,
            running(status.ephemeral_container_statuses),
        ),
    ];
    for (field, containers, mut running) in fields {
        for (container, at) in containers.iter().flatten().zip(0usize..) {
            let place = format!("{path}.{field}[{at}]");
            let name = container.name.as_deref().unwrap_or_default();
            let image = container.image.as_deref().unwrap_or_default();
            found.add(image, format!("{place}.image"), running.remove(name));
            settings.add_images(found, &place, container);
        }
    }
    for (volume, at) in spec.volumes.iter().flatten().zip(0usize..) {
        let image = volume.image.as_ref();
        if let Some(reference) = image.and_then(|image| image.reference.as_deref()) {
            let place = format!("{path}.volumes[{at}].image.reference");
            found.add(reference, place, None);
        }
    }
}

fn running(statuses: Option<Vec<ContainerStatus>>) -> RunningDigests {
    let statuses = statuses.into_iter().flatten();
    let digests = statuses.filter_map(|status| {
        let digest = running_digest(status.image_id.as_deref()?)?;
        Some((status.name?, digest))
    });
    digests.collect()
}

/// Returns the architectures that a template requires of nodes; none if it requires none.
pub(crate) fn required_architectures(spec: &PodSpec<'_>) -> Vec<String> {
    let parse = |raw: Option<&serde_json::value::RawValue>| -> Value {
        let text = raw.map(serde_json::value::RawValue::get);
        let text = text.filter(|text| text.contains("kubernetes.io/arch"));
        text.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    };
    let selector = parse(spec.node_selector);
    let selected = ARCHITECTURE_LABELS
        .iter()
        .filter_map(|label| selector[*label].as_str());
    let mut architectures: Vec<String> = selected.map(str::to_owned).collect();
    let affinity = parse(spec.affinity);
    let terms = &affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
    for term in terms.as_array().into_iter().flatten() {
        for expression in term["matchExpressions"].as_array().into_iter().flatten() {
            let key = expression["key"].as_str().unwrap_or_default();
            if ARCHITECTURE_LABELS.contains(&key) && expression["operator"] == "In" {
                let values = expression["values"].as_array().into_iter().flatten();
                architectures.extend(values.filter_map(Value::as_str).map(str::to_owned));
            }
        }
    }
    architectures.sort();
    architectures.dedup();
    architectures
}
