//! The cost of `mirror usage` by the number of pods, from JSON and from YAML.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::error::BenchError;
use crate::machine;
use crate::measure::{self, Cost};

/// Rows of the list.
const ROWS: u64 = 2_000;
/// Images of the cluster.
const IMAGES: u64 = 400;
/// The image that all pods have.
const PROXY: &str = "registry.example.com/mirror/proxy";
/// Pods of each workload.
const REPLICAS: u64 = 5;
/// Pods on each node.
const PODS_OF_NODE: u64 = 17;
/// Architectures of the nodes.
const ARCHITECTURES: [&str; 3] = ["amd64", "arm64", "s390x"];

/// Compares clusters with these numbers of pods with a list. Returns a table.
///
/// # Errors
///
/// If a run fails.
pub(crate) async fn measure(sizes: &[u64], mirror: &Path) -> Result<String, BenchError> {
    let mut text = format!(
        "Measured on: {}. {IMAGES} images of {ROWS} rows, {PODS_OF_NODE} pods on a node, {} \
         architectures; `usage --output json`.\n\n\
         | pods | format | MiB | wall s | CPU s | peak MiB |\n\
         | ---: | --- | ---: | ---: | ---: | ---: |\n",
        machine::describe(),
        ARCHITECTURES.len()
    );
    let directory = tempfile::tempdir().map_err(BenchError::io("create a directory"))?;
    let rows: String = (0..ROWS)
        .map(|at| format!("quay.io/acme/app-{at} registry.example.com/mirror/app-{at} v1\n"))
        .collect();
    let write = std::fs::write(directory.path().join("images-list"), rows);
    write.map_err(BenchError::io("write the list"))?;
    for pods in sizes {
        for format in ["json", "yaml"] {
            let name = format!("cluster.{format}");
            let path = directory.path().join(&name);
            write_cluster(&path, *pods, format == "yaml")
                .map_err(BenchError::io("write the cluster"))?;
            let bytes = path.metadata().map_or(0, |metadata| metadata.len());
            let cost = run(mirror, directory.path(), &name).await?;
            let _ = writeln!(
                text,
                "| {pods} | {format} | {} | {:.2} | {:.2} | {:.0} |",
                bytes / 1_048_576,
                cost.wall.as_secs_f64(),
                cost.cpu.as_secs_f64(),
                cost.memory as f64 / 1_048_576.0,
            );
        }
    }
    Ok(text)
}

async fn run(mirror: &Path, directory: &Path, name: &str) -> Result<Cost, BenchError> {
    let mut command = Command::new(mirror);
    command.args(["usage", name, "--output=json"]);
    command.current_dir(directory);
    let ran = measure::run(command, directory).await?;
    let images = serde_json::from_str::<Value>(&ran.stdout)
        .ok()
        .and_then(|document| document["summary"]["images"].as_u64());
    if !ran.status.success() || images.is_none_or(|images| images == 0) {
        return Err(BenchError::Program {
            program: "mirror".to_owned(),
            output: format!("{}; {images:?} images", ran.failure()),
        });
    }
    Ok(ran.cost)
}

/// Writes the objects as kubectl does.
fn write_cluster(path: &Path, pods: u64, is_yaml: bool) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let start = match is_yaml {
        true => "apiVersion: v1\nitems:\n",
        false => "{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n",
    };
    file.write_all(start.as_bytes())?;
    let nodes = pods.div_ceil(PODS_OF_NODE).max(1);
    let pods = (0..pods).map(|at| pod(at, nodes));
    let objects = pods.chain((0..nodes).map(node));
    for (object, at) in objects.zip(0u64..) {
        if is_yaml {
            let mut text = String::new();
            write_yaml(&mut text, &json!([object]), 0);
            file.write_all(text.as_bytes())?;
            continue;
        }
        if at > 0 {
            file.write_all(b",\n")?;
        }
        serde_json::to_writer_pretty(&mut file, &object)?;
    }
    let end = match is_yaml {
        true => "kind: List\nmetadata:\n  resourceVersion: \"\"\n",
        false => "\n    ],\n    \"kind\": \"List\"\n}\n",
    };
    file.write_all(end.as_bytes())?;
    file.flush()
}

fn pod(at: u64, nodes: u64) -> Value {
    let (app, image) = (at / REPLICAS, image_of(at));
    let name = format!("app-{app}-7f9c5d-{at:05}");
    let mounts = mounts();
    let conditions = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
        .map(|kind| json!({"lastProbeTime": null, "lastTransitionTime": "2026-01-01T00:00:00Z", "status": "True", "type": kind}));
    let status = |name: &str, image: &str, number: u64| {
        json!({
            "containerID": format!("containerd://{number:064x}"), "image": format!("{image}:v1"),
            "imageID": format!("{image}@sha256:{number:064x}"), "lastState": {}, "name": name, "ready": true,
            "restartCount": 0, "started": true, "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
            "volumeMounts": mounts,
        })
    };
    let app_image = format!("registry.example.com/mirror/app-{image}");
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "annotations": {"checksum/config": format!("{at:064x}"), "prometheus.io/scrape": "true"},
            "creationTimestamp": "2026-01-01T00:00:00Z", "generateName": format!("app-{app}-7f9c5d-"),
            "labels": {"app.kubernetes.io/name": format!("app-{app}"), "pod-template-hash": "7f9c5d"},
            "name": name, "namespace": format!("team-{}", app % 50),
            "ownerReferences": [{"apiVersion": "apps/v1", "blockOwnerDeletion": true, "controller": true, "kind": "ReplicaSet", "name": format!("app-{app}-7f9c5d"), "uid": format!("{at:036x}")}],
            "resourceVersion": at.to_string(), "uid": format!("{at:036x}"),
        },
        "spec": spec(at, nodes),
        "status": {
            "conditions": conditions,
            "containerStatuses": [status("app", &app_image, image), status("proxy", PROXY, IMAGES)],
            "hostIP": "10.0.0.1", "phase": "Running", "podIP": "10.1.0.1", "qosClass": "Burstable",
            "startTime": "2026-01-01T00:00:00Z",
        },
    })
}

fn image_of(at: u64) -> u64 {
    at / REPLICAS % IMAGES
}

fn mounts() -> Value {
    json!([
        {"mountPath": "/etc/app", "name": "config", "readOnly": true},
        {"mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "name": "kube-api-access", "readOnly": true},
    ])
}

fn spec(at: u64, nodes: u64) -> Value {
    let (app, image) = (at / REPLICAS, image_of(at));
    let probe = |path: &str| json!({"failureThreshold": 3, "httpGet": {"path": path, "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10, "successThreshold": 1, "timeoutSeconds": 1});
    let mounts = mounts();
    let app_image = format!("registry.example.com/mirror/app-{image}");
    json!({
        "containers": [
            {
                "args": ["--config=/etc/app/config.yaml", "--listen=:8080"],
                "env": [
                    {"name": "POD_IP", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}},
                    {"name": "URL", "value": format!("https://team-{}.example.com/", app % 50)},
                ],
                "image": format!("{app_image}:v1"), "imagePullPolicy": "IfNotPresent",
                "livenessProbe": probe("/healthz"), "name": "app",
                "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
                "readinessProbe": probe("/ready"),
                "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "256Mi"}},
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": true},
                "terminationMessagePath": "/dev/termination-log", "volumeMounts": mounts,
            },
            {"image": format!("{PROXY}:v1"), "name": "proxy", "resources": {}, "volumeMounts": mounts},
        ],
        "dnsPolicy": "ClusterFirst", "nodeName": format!("node-{}", at % nodes), "restartPolicy": "Always",
        "serviceAccountName": "default",
        "tolerations": [
            {"effect": "NoExecute", "key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 300},
            {"effect": "NoExecute", "key": "node.kubernetes.io/unreachable", "operator": "Exists", "tolerationSeconds": 300},
        ],
        "volumes": [
            {"configMap": {"defaultMode": 420, "name": format!("app-{app}")}, "name": "config"},
            {"name": "kube-api-access", "projected": {"defaultMode": 420, "sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt"}},
                {"downwardAPI": {"items": [{"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}, "path": "namespace"}]}},
            ]}},
        ],
    })
}

fn node(at: u64) -> Value {
    let images = (0..50).map(|image| (at + image) % IMAGES).map(|image| {
        let name = format!("registry.example.com/mirror/app-{image}");
        json!({"names": [format!("{name}@sha256:{image:064x}"), format!("{name}:v1")], "sizeBytes": 58_000_000})
    });
    let architecture = ARCHITECTURES[usize::try_from(at).unwrap_or_default() % ARCHITECTURES.len()];
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": format!("node-{at}")},
        "status": {
            "images": images.collect::<Vec<_>>(),
            "nodeInfo": {"architecture": architecture, "operatingSystem": "linux"},
        },
    })
}

/// Writes a value in block style, as kubectl does: a list stands in the column of its key.
fn write_yaml(text: &mut String, value: &Value, column: usize) {
    let indentation = " ".repeat(column);
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let _ = write!(text, "{indentation}{key}:");
                match value {
                    Value::Array(list) if !list.is_empty() => {
                        text.push('\n');
                        write_yaml(text, value, column);
                    }
                    Value::Object(map) if !map.is_empty() => {
                        text.push('\n');
                        write_yaml(text, value, column + 2);
                    }
                    scalar => {
                        let _ = writeln!(text, " {scalar}");
                    }
                }
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for item in list {
                let mut inner = String::new();
                write_yaml(&mut inner, item, column + 2);
                let _ = write!(text, "{indentation}- {}", inner.trim_start());
            }
        }
        scalar => {
            let _ = writeln!(text, "{indentation}{scalar}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_is_in_block_style() {
        let value = json!([{"a": [{"b": 1, "c": {"d": "x"}}, "y"], "e": {}, "f": null}]);
        let mut text = String::new();
        write_yaml(&mut text, &value, 0);
        let expected = "- a:\n  - b: 1\n    c:\n      d: \"x\"\n  - \"y\"\n  e: {}\n  f: null\n";
        assert_eq!(text, expected);
    }
}
