//! Every place of an object where an image can stand.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use cluster_objects::{Object, Role, read_objects};

const A: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// An object in YAML, and its images as `PLACE IMAGE [RUNNING]`. `§` stands for a digest.
struct Case {
    name: &'static str,
    object: &'static str,
    images: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case {
        name: "containers of a pod",
        object: "
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: n}
spec:
  initContainers: [{name: i, image: r.io/init:1}]
  containers: [{name: c, image: nginx}, {name: d, image: 'r.io/d:1@§'}]
  ephemeralContainers: [{name: e, image: r.io/debug@§}]
",
        images: &[
            "spec.containers[0].image docker.io/library/nginx",
            "spec.containers[1].image r.io/d:1@§",
            "spec.initContainers[0].image r.io/init:1",
            "spec.ephemeralContainers[0].image r.io/debug@§",
        ],
    },
    Case {
        name: "image volume",
        object: "
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers: [{name: c, image: r.io/c:1}]
  volumes: [{name: m, image: {reference: 'r.io/model:7', pullPolicy: Always}}, {name: e, emptyDir: {}}]
",
        images: &[
            "spec.containers[0].image r.io/c:1",
            "spec.volumes[0].image.reference r.io/model:7",
        ],
    },
    Case {
        name: "imageID of each kind of container, in the forms of the runtimes",
        object: "
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  initContainers: [{name: i, image: r.io/i:1}]
  containers: [{name: c, image: r.io/c:1}, {name: d, image: r.io/d:1}, {name: x, image: r.io/x:1}]
  ephemeralContainers: [{name: e, image: r.io/e:1}]
status:
  initContainerStatuses: [{name: i, imageID: 'docker-pullable://r.io/i@§'}]
  containerStatuses:
  - {name: x, image: 'sha256:abc', imageID: 'docker://§'}
  - {name: d, image: r.io/d:1, imageID: '§'}
  - {name: c, image: r.io/c:1, imageID: 'r.io/c@§'}
  ephemeralContainerStatuses: [{name: e, imageID: 'r.io/e@§'}]
",
        images: &[
            "spec.containers[0].image r.io/c:1 §",
            "spec.containers[1].image r.io/d:1",
            "spec.containers[2].image r.io/x:1",
            "spec.initContainers[0].image r.io/i:1 §",
            "spec.ephemeralContainers[0].image r.io/e:1 §",
        ],
    },
    Case {
        name: "images that an operator gets by variables and arguments",
        object: "
apiVersion: apps/v1
kind: Deployment
metadata: {name: operator}
spec:
  template:
    spec:
      containers:
      - name: manager
        image: r.io/operator:1
        env:
        - {name: RELATED_IMAGE_SERVER, value: 'r.io/server@§'}
        - {name: PLUGIN_IMAGE, value: 'r.io/plugin:v3'}
        - {name: SIDECAR, value: 'r.io/other:v3'}
        - {name: HOST, value: 'r.io:443'}
        args: [--reloader-image=r.io/reloader:v0.7, --v=2]
",
        images: &[
            "spec.template.spec.containers[0].image r.io/operator:1",
            "spec.template.spec.containers[0].env[0].value of RELATED_IMAGE_SERVER r.io/server@§",
            "spec.template.spec.containers[0].env[1].value of PLUGIN_IMAGE r.io/plugin:v3",
            "spec.template.spec.containers[0].env[2].value of SIDECAR r.io/other:v3",
            "spec.template.spec.containers[0].args r.io/reloader:v0.7",
        ],
    },
    Case {
        name: "Deployment",
        object: "{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {replicas: 0, template: {spec: {containers: [{name: c, image: 'r.io/c:1'}]}}}}",
        images: &["spec.template.spec.containers[0].image r.io/c:1"],
    },
    Case {
        name: "ReplicaSet",
        object: "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: x}, spec: {template: {spec: {containers: [{name: c, image: 'r.io/c:1'}]}}}}",
        images: &["spec.template.spec.containers[0].image r.io/c:1"],
    },
    Case {
        name: "StatefulSet with an init container",
        object: "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: x}, spec: {template: {spec: {initContainers: [{name: c, image: 'r.io/c:1'}]}}}}",
        images: &["spec.template.spec.initContainers[0].image r.io/c:1"],
    },
    Case {
        name: "DaemonSet with an image volume",
        object: "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: x}, spec: {template: {spec: {volumes: [{name: v, image: {reference: 'r.io/v:1'}}]}}}}",
        images: &["spec.template.spec.volumes[0].image.reference r.io/v:1"],
    },
    Case {
        name: "ReplicationController",
        object: "{apiVersion: v1, kind: ReplicationController, metadata: {name: x}, spec: {template: {spec: {containers: [{name: c, image: 'r.io/c:1'}]}}}}",
        images: &["spec.template.spec.containers[0].image r.io/c:1"],
    },
    Case {
        name: "Job",
        object: "{apiVersion: batch/v1, kind: Job, metadata: {name: x}, spec: {template: {spec: {containers: [{name: c, image: 'r.io/c:1'}]}}}}",
        images: &["spec.template.spec.containers[0].image r.io/c:1"],
    },
    Case {
        name: "CronJob",
        object: "{apiVersion: batch/v1, kind: CronJob, metadata: {name: x}, spec: {suspend: true, jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: 'r.io/c:1'}]}}}}}}",
        images: &["spec.jobTemplate.spec.template.spec.containers[0].image r.io/c:1"],
    },
    Case {
        name: "PodTemplate",
        object: "{apiVersion: v1, kind: PodTemplate, metadata: {name: x}, template: {spec: {containers: [{name: c, image: 'r.io/c:1'}]}}}",
        images: &["template.spec.containers[0].image r.io/c:1"],
    },
    Case {
        name: "custom resource with a template of pods and an image without a tag",
        object: "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: x}, spec: {template: {spec: {containers: [{name: c, image: r.io/c}]}}}}",
        images: &["spec.template.spec.containers[0].image r.io/c"],
    },
    Case {
        name: "custom resources with keys for images",
        object: "
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: x}
spec:
  image: quay.io/prometheus/prometheus:v2.55.0
  thanos: {baseImage: 'quay.io/thanos/thanos:v0.36.0@§'}
  sidecar: {image: {repository: r.io/side, tag: v1}}
",
        images: &[
            "spec.image quay.io/prometheus/prometheus:v2.55.0",
            "spec.thanos.baseImage quay.io/thanos/thanos:v0.36.0@§",
            "spec.sidecar.image r.io/side:v1",
        ],
    },
    Case {
        name: "Job of another API group",
        object: "{apiVersion: batch.volcano.sh/v1alpha1, kind: Job, metadata: {name: x}, spec: {tasks: [{template: {spec: {containers: [{name: c, image: 'r.io/c:1'}]}}}]}}",
        images: &["spec.tasks[0].template.spec.containers[0].image r.io/c:1"],
    },
    Case {
        name: "relatedImages of a ClusterServiceVersion",
        object: "
apiVersion: operators.coreos.com/v1alpha1
kind: ClusterServiceVersion
metadata: {name: x}
spec:
  relatedImages: [{name: server, image: 'r.io/server@§'}]
",
        images: &["spec.relatedImages[0].image r.io/server@§"],
    },
    Case {
        name: "YAML in a config map",
        object: "{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: {pod.yaml: \"spec:\\n  image: r.io/worker:v2\\n\"}}",
        images: &["data.\"pod.yaml\" > spec.image r.io/worker:v2"],
    },
    Case {
        name: "the last applied configuration, which may be old",
        object: "
apiVersion: example.org/v1
kind: Thing
metadata:
  name: x
  annotations: {kubectl.kubernetes.io/last-applied-configuration: '{\"spec\":{\"image\":\"r.io/old:v1\"}}'}
spec: {image: 'r.io/new:v2'}
",
        images: &["spec.image r.io/new:v2"],
    },
    Case {
        name: "definition of a custom resource, which has examples only",
        object: "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: x}, spec: {image: 'r.io/example:v1'}}",
        images: &[],
    },
    Case {
        name: "a pod whose fields have other types",
        object: "{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {containers: {image: 'r.io/odd:v1'}}}",
        images: &["spec.containers.image r.io/odd:v1"],
    },
];

fn read(text: &str) -> Vec<Object> {
    let mut objects = Vec::new();
    let count = read_objects(text.as_bytes(), &mut |object| objects.push(object)).unwrap();
    assert_eq!(count, objects.len() as u64, "{text}");
    objects
}

fn images(object: &Object) -> Vec<String> {
    let images = object.images.iter().map(|found| {
        let tag = found.image.tag.as_ref().map(|tag| format!(":{tag}"));
        let digest = found
            .image
            .digest
            .as_ref()
            .map(|digest| format!("@{digest}"));
        let running = found.running.as_ref().map(|digest| format!(" {digest}"));
        let parts = [tag, digest, running].map(Option::unwrap_or_default);
        let line = format!(
            "{} {}{}",
            found.place,
            found.image.repository.full(),
            parts.concat()
        );
        line.replace(A, "§")
    });
    images.collect()
}

#[test]
fn image_is_found_in_every_place_in_yaml_and_json() {
    for case in CASES {
        // A document that begins with a brace is read as JSON.
        let yaml = format!("---\n{}", case.object.replace('§', A));
        let json = extraction::json_from_yaml(&yaml).unwrap();
        for (text, format) in [(&yaml, "YAML"), (&json, "JSON")] {
            let objects = read(text);
            assert_eq!(objects.len(), 1, "{}", case.name);
            assert_eq!(
                images(&objects[0]),
                case.images,
                "{} in {format}",
                case.name
            );
            assert_eq!(objects[0].invalid, [], "{}", case.name);
        }
    }
}

#[test]
fn text_that_names_no_image_is_part_of_the_object() {
    let pod = "--- {apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {containers: [{name: c, image: 'MyImage:Latest'}, {name: d, image: ''}]}}";
    let objects = read(pod);
    assert_eq!(objects[0].images, []);
    let invalid = &objects[0].invalid[0];
    assert_eq!(
        (&*invalid.text, &*invalid.place),
        ("MyImage:Latest", "spec.containers[0].image")
    );
    assert_eq!(objects[0].invalid.len(), 1);
}

#[test]
fn roles_have_what_the_cluster_reports() {
    let stream = "---
{apiVersion: v1, kind: Node, metadata: {name: n1}, status: {nodeInfo: {architecture: arm64, operatingSystem: linux},
  images: [{names: ['r.io/pause@sha256:1', 'r.io/pause:3.10'], sizeBytes: 320000}, {names: null}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web-6d4-x, namespace: n, labels: {pod-template-hash: 6d4},
  ownerReferences: [{kind: Other, name: o}, {kind: ReplicaSet, name: web-6d4, controller: true}]}, spec: {nodeName: n1}}
---
{apiVersion: batch/v1, kind: CronJob, metadata: {name: c}, spec: {suspend: true, jobTemplate: {spec: {template: {spec: {
  nodeSelector: {kubernetes.io/arch: arm64}}}}}}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {replicas: 0, template: {spec: {affinity: {nodeAffinity: {
  requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [
  {key: kubernetes.io/arch, operator: In, values: [s390x, amd64]}]}]}}}}}}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {template: {spec: {}}}, status: {completionTime: '2026-01-01T00:00:00Z'}}
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: s}, spec: {replicas: 2, template: {spec: {}}}}
";
    let objects = read(stream);
    let Role::Node(node) = &objects[0].role else {
        panic!()
    };
    assert_eq!((&*node.os, &*node.architecture), ("linux", "arm64"));
    assert_eq!(
        node.images[0].names,
        ["r.io/pause@sha256:1", "r.io/pause:3.10"]
    );
    assert_eq!((node.images[0].bytes, node.images.len()), (320_000, 2));
    let Role::Pod(pod) = &objects[1].role else {
        panic!()
    };
    assert_eq!(pod.node.as_deref(), Some("n1"));
    assert_eq!(pod.deployment.as_ref().unwrap().name, "web");
    assert_eq!(objects[1].controller.as_ref().unwrap().kind, "ReplicaSet");
    let workload = |at: usize| match &objects[at].role {
        Role::Workload {
            architectures,
            is_idle,
        } => (architectures.join(","), *is_idle),
        other => panic!("{other:?}"),
    };
    assert_eq!(workload(2), ("arm64".to_owned(), true));
    assert_eq!(workload(3), ("amd64,s390x".to_owned(), true));
    assert_eq!(workload(4), (String::new(), true));
    assert_eq!(workload(5), (String::new(), false));
}
