//! The application of the demo, and the cluster that runs it.

use serde_json::{Value, json};

/// Returns the manifests of the application, with the images of the upstream registry.
pub(super) fn manifests(upstream: &str) -> String {
    format!(
        "\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: shop}}
spec:
  template:
    spec:
      containers:
      - name: server
        image: {upstream}/web/server:6
      - name: proxy
        image: {upstream}/web/proxy:2.2
---
apiVersion: batch/v1
kind: CronJob
metadata: {{name: cleanup, namespace: shop}}
spec:
  jobTemplate:
    spec:
      template:
        spec:
          containers:
          - name: shell
            image: {upstream}/tools/shell:v1.0.0
"
    )
}

/// Returns the objects of a cluster, as `kubectl get -o json` prints them. All images are from the mirror
/// except one.
pub(super) fn cluster(upstream: &str, mirror: &str) -> Value {
    let template = |images: &[String]| {
        let containers = images.iter().map(|image| json!({"image": image}));
        json!({"spec": {"containers": containers.collect::<Vec<_>>()}})
    };
    let web = [
        format!("{mirror}/mirrored/web/server:6"),
        format!("{upstream}/web/proxy:2.2"),
    ];
    let cleanup = [format!("{mirror}/mirrored/tools/shell:v1.0.0")];
    json!({
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "web", "namespace": "shop"},
                "spec": {"template": template(&web)},
            },
            {
                "apiVersion": "batch/v1",
                "kind": "CronJob",
                "metadata": {"name": "cleanup", "namespace": "shop"},
                "spec": {"jobTemplate": {"spec": {"template": template(&cleanup)}}},
            },
        ],
    })
}
