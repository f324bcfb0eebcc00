//! Bundles and catalogs as images of a real registry with passwords.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use embedded_registry::images::{Format, Image, Layer, Platform};
use testkit::processes::{Distribution, RegistryProcess, Version};
use testkit::push::Pusher;

use crate::environment::{CommandOutput, TestEnvironment, auth_file};

const USER: &str = "reader";
const PASSWORD: &str = testkit::canary!("re@d:");

struct Bundles {
    registry: RegistryProcess,
    environment: TestEnvironment,
}

impl Bundles {
    async fn new() -> Self {
        let environment = TestEnvironment::new();
        let registry = Distribution::new()
            .version(Version::V3)
            .htpasswd(USER, PASSWORD);
        let registry = registry.start().await;
        environment.write(
            "auth.json",
            auth_file(&[(&registry.host(), USER, PASSWORD)]),
        );
        Self {
            registry,
            environment,
        }
    }

    /// Pushes an image whose last layer has these files, below a layer of other files.
    async fn push(&self, name: &str, labels: &[(&str, &str)], files: &[(&str, &str)]) -> String {
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (*path, text.as_bytes()))
            .collect();
        let mut image = Image::new(Format::Oci, Platform::linux("amd64"))
            .layer(Layer::random(1, 100_000).unwrap())
            .layer(Layer::files(&files).unwrap());
        for (label, value) in labels {
            image = image.label(label, value);
        }
        let pusher = Pusher::new(&self.registry.host()).basic(USER, PASSWORD);
        pusher.bundle(&image.build(), name, Some("v1")).await;
        format!("{}/{name}:v1", self.registry.host())
    }

    fn run(&self, line: &str) -> CommandOutput {
        self.environment
            .mirror(&format!("{line} --authfile auth.json"))
    }

    fn images(&self, line: &str, exit: i32) -> (Vec<String>, String) {
        let output = self.run(&format!("images {line} --names")).exits(exit);
        let lines = output.stdout.lines().map(str::to_owned);
        (lines.collect(), output.stderr)
    }
}

const CSV: &str = "\
apiVersion: operators.coreos.com/v1alpha1
kind: ClusterServiceVersion
metadata: {name: op.v1, annotations: {alm-examples: '[{\"image\": \"quay.io/o/example:v1\"}]'}}
spec:
  relatedImages: [{name: operand, image: 'quay.io/o/operand:v1'}]
  install: {spec: {deployments: [{spec: {template: {spec: {containers: [{name: op, image: 'quay.io/o/op:v1', env: [{name: RELATED_IMAGE_AGENT, value: 'quay.io/o/agent:v1'}]}]}}}}]}}
";

#[tokio::test(flavor = "multi_thread")]
async fn olm_and_plain_bundles_name_their_images() {
    let bundles = Bundles::new().await;
    let labels = [
        (
            "operators.operatorframework.io.bundle.mediatype.v1",
            "registry+v1",
        ),
        (
            "operators.operatorframework.io.bundle.manifests.v1",
            "manifests/",
        ),
    ];
    let files = [
        ("manifests/op.clusterserviceversion.yaml", CSV),
        (
            "metadata/annotations.yaml",
            "annotations: {image: 'quay.io/o/not:v1'}\n",
        ),
    ];
    let olm = bundles.push("olm", &labels, &files).await;
    let (found, _) = bundles.images(&olm, 0);
    let mut expected = vec![
        olm.clone(),
        "quay.io/o/agent:v1".to_owned(),
        "quay.io/o/op:v1".to_owned(),
        "quay.io/o/operand:v1".to_owned(),
    ];
    expected.sort();
    assert_eq!(found, expected);
    let places = bundles.run(&format!("images {olm}")).exits(0);
    let place = format!(
        "{olm} manifests/op.clusterserviceversion.yaml:5: ClusterServiceVersion/op.v1: spec.relatedImages[0].image"
    );
    assert!(places.stdout.contains(&place), "{}", places.stdout);
    let pod = "kind: Pod\nspec: {containers: [{name: a, image: 'quay.io/p/a:v1'}]}\n";
    let plain = bundles
        .push("plain", &[], &[("manifests/pod.yaml", pod)])
        .await;
    assert_eq!(
        bundles.images(&plain, 0).0,
        [plain, "quay.io/p/a:v1".to_owned()]
    );
    let other = bundles.push("other", &[], &[("etc/pod.yaml", pod)]).await;
    let (found, stderr) = bundles.images(&other, 1);
    assert_eq!(found, [""; 0]);
    assert!(
        stderr.contains("no YAML or JSON file in /manifests"),
        "{stderr}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn catalog_gives_the_heads_of_its_channels() {
    let bundles = Bundles::new().await;
    let catalog = r#"{"schema": "olm.package", "name": "etcd", "defaultChannel": "stable"}
{"schema": "olm.channel", "package": "etcd", "name": "stable", "entries": [{"name": "e.v1"}, {"name": "e.v2", "replaces": "e.v1"}]}
{"schema": "olm.channel", "package": "etcd", "name": "alpha", "entries": [{"name": "e.v3"}]}
{"schema": "olm.bundle", "package": "etcd", "name": "e.v1", "image": "quay.io/e/b:v1"}
{"schema": "olm.bundle", "package": "etcd", "name": "e.v2", "image": "quay.io/e/b:v2", "relatedImages": [{"name": "x", "image": "quay.io/e/x:v2"}]}
{"schema": "olm.bundle", "package": "etcd", "name": "e.v3", "image": "quay.io/e/b:v3"}
"#;
    let label = [(
        "operators.operatorframework.io.index.configs.v1",
        "/configs",
    )];
    let files = [
        ("configs/etcd/catalog.json", catalog),
        ("configs/.indexignore", "x"),
    ];
    let image = bundles.push("catalog", &label, &files).await;
    let found = |line: &str| {
        let (mut found, _) = bundles.images(&format!("{image} {line}"), 0);
        found.retain(|name| *name != image);
        found.join(" ")
    };
    assert_eq!(found(""), "quay.io/e/b:v2 quay.io/e/x:v2");
    assert_eq!(found("--package etcd:alpha"), "quay.io/e/b:v3");
    assert_eq!(
        found("--package etcd --all-versions"),
        "quay.io/e/b:v1 quay.io/e/b:v2 quay.io/e/x:v2"
    );
    let (_, stderr) = bundles.images(&format!("{image} --package nothing"), 1);
    assert!(
        stderr.contains("has no package `nothing`: it has etcd"),
        "{stderr}"
    );
    let old = [(
        "operators.operatorframework.io.index.database.v1",
        "/database/index.db",
    )];
    let old = bundles.push("old", &old, &[("database/x.yaml", "")]).await;
    let (_, stderr) = bundles.images(&old, 1);
    assert!(stderr.contains("opm migrate"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn carvel_bundle_names_its_images_and_those_of_nested_bundles() {
    let bundles = Bundles::new().await;
    let label = [("dev.carvel.imgpkg.bundle", "true")];
    let lock = |image: &str| {
        format!(
            "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n- image: {image}\n"
        )
    };
    let app = bundles.push("app", &[], &[("etc/a", "a")]).await;
    let by_digest = |image: &str| {
        let digest = bundles.run(&format!("digest {image}")).exits(0).stdout;
        format!("{}@{}", image.trim_end_matches(":v1"), digest.trim())
    };
    let app = by_digest(&app);
    let inner = bundles
        .push("inner", &label, &[(".imgpkg/images.yml", &lock(&app))])
        .await;
    let inner = by_digest(&inner);
    let outer = bundles
        .push("outer", &label, &[(".imgpkg/images.yml", &lock(&inner))])
        .await;
    let (mut found, _) = bundles.images(&outer, 0);
    found.sort();
    let mut expected = vec![app, inner, outer];
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_are_a_problem_of_the_source() {
    let bundles = Bundles::new().await;
    let image = bundles
        .push("a", &[], &[("manifests/a.yaml", "a: 1\n")])
        .await;
    bundles.environment.write("auth.json", "{}");
    let (found, stderr) = bundles.images(&image, 4);
    assert_eq!(found, [""; 0]);
    assert!(stderr.contains("401"), "{stderr}");
}

/// A pull secret of Kubernetes, as `kubectl get secret -o yaml` prints it.
#[tokio::test(flavor = "multi_thread")]
async fn pull_secret_is_an_auth_file() {
    let bundles = Bundles::new().await;
    let pod = "kind: Pod\nspec: {containers: [{name: a, image: 'quay.io/p/a:v1'}]}\n";
    let image = bundles.push("a", &[], &[("manifests/a.yaml", pod)]).await;
    let encoded = BASE64_STANDARD.encode(bundles.environment.read("auth.json"));
    let secret = format!(
        "apiVersion: v1\nkind: Secret\ndata:\n  .dockerconfigjson: {encoded}\ntype: kubernetes.io/dockerconfigjson\n"
    );
    bundles.environment.write("auth.json", secret);
    assert_eq!(bundles.images(&image, 0).0.len(), 2);
}

/// The same bundle as an image layout and as an archive.
#[tokio::test(flavor = "multi_thread")]
async fn bundle_in_a_file_names_its_images() {
    let bundles = Bundles::new().await;
    let pod = "kind: Pod\nspec: {containers: [{name: a, image: 'quay.io/p/a:v1'}]}\n";
    let image = bundles.push("a", &[], &[("manifests/a.yaml", pod)]).await;
    for (to, from) in [
        ("oci:layout:v1", "layout"),
        ("oci:layout:v1", "oci:layout:v1"),
        ("oci-archive:a.tar:v1", "a.tar"),
        ("docker-archive:d.tar:a:v1", "d.tar"),
    ] {
        bundles.run(&format!("copy {image} {to}")).exits(0);
        assert_eq!(bundles.images(from, 0).0, ["quay.io/p/a:v1"], "{from}");
    }
}
