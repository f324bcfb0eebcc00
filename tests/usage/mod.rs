//! `mirror usage`

mod input;
mod registry;
mod scale;
mod statuses;

use serde_json::{Value, json};

/// A pod in JSON: owner, image, running digest, node.
pub(crate) fn pod(name: &str, image: &str, running: Option<&str>, node: &str) -> Value {
    let id = running.map(|digest| format!("r.io/any@{digest}"));
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": "shop", "name": name},
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": image}]},
        "status": {"containerStatuses": [{"name": "c", "image": image, "imageID": id}]},
    })
}

/// A node in JSON.
pub(crate) fn node(name: &str, architecture: &str, images: &[&[&str]]) -> Value {
    let images: Vec<_> = images
        .iter()
        .map(|names| json!({"names": names, "sizeBytes": 1}))
        .collect();
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
        "status": {"nodeInfo": {"architecture": architecture, "operatingSystem": "linux"}, "images": images},
    })
}

/// The output of `kubectl get -o json`.
pub(crate) fn list(items: &[Value]) -> String {
    json!({"apiVersion": "v1", "items": items, "kind": "List"}).to_string()
}

/// Returns the status of an image in the JSON document.
pub(crate) fn status<'a>(document: &'a Value, image: &str) -> &'a str {
    image_of(document, image)["status"].as_str().unwrap()
}

/// Returns an image of the JSON document.
pub(crate) fn image_of<'a>(document: &'a Value, image: &str) -> &'a Value {
    let images = document["images"].as_array().unwrap();
    let found = images.iter().find(|found| found["image"] == image);
    assert!(found.is_some(), "{image} is not in {document:#}");
    found.unwrap()
}
