//! Charts, rendered by the real helm.

use testkit::processes::Distribution;
use testkit::{Chart, program, push_chart};

use crate::environment::TestEnvironment;

fn environment() -> TestEnvironment {
    TestEnvironment::new().with_env("HELM", program("helm").to_str().unwrap())
}

fn chart() -> Chart {
    Chart::new("web", "1.2.3")
        .values("image: {repository: quay.io/org/web, tag: v1}\nextra: {image: 'quay.io/org/extra:v1'}\nsub: {image: {tag: v7}}\n")
        .pod("web", "\"{{ .Values.image.repository }}:{{ .Values.image.tag }}\"")
        .file(
            "templates/test.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\nspec: {containers: [{name: t, image: 'busybox:1.36'}]}\n",
        )
        .file(
            "templates/monitor.yaml",
            "{{ if .Capabilities.APIVersions.Has \"monitoring.coreos.com/v1\" }}\napiVersion: v1\nkind: Pod\nmetadata: {name: m, namespace: {{ .Release.Namespace }}}\nspec: {containers: [{name: m, image: 'quay.io/org/monitor:{{ .Release.Namespace }}1'}]}\n{{ end }}\n",
        )
        .file("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 0.1.0\n")
        .file("charts/sub/values.yaml", "image: {repository: quay.io/org/sub, tag: v1}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn directory_package_and_registry_give_the_same_images() {
    let environment = environment();
    let written = chart().write(&environment.path(""));
    let package = chart().package(&environment.path(""), &[]).await;
    let registry = Distribution::new().start().await;
    push_chart(&package, &format!("oci://{}/charts", registry.host())).await;
    let expected = "quay.io/org/extra:v1\nquay.io/org/sub:v7\nquay.io/org/web:v2\n";
    environment.write("prod.yaml", "image: {tag: v2}\n");
    for source in [
        written.display().to_string(),
        package.display().to_string(),
        format!("oci://{}/charts/web", registry.host()),
    ] {
        let line = format!("images {source} --values prod.yaml --names");
        let output = environment.mirror(&line).exits(0);
        assert_eq!(output.stdout, expected, "{source}");
        let left_out = "1 left out: only a Helm test hook uses it";
        assert!(output.stderr.contains(left_out), "{}", output.stderr);
    }
    let rest = "images web --set image.tag=v3 --api-versions monitoring.coreos.com/v1 --namespace prod --tests --rendered --names";
    let output = environment.mirror(rest).exits(0);
    assert_eq!(
        output.stdout,
        "busybox:1.36\nquay.io/org/monitor:prod1\nquay.io/org/web:v3\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn chart_that_does_not_render_is_a_problem() {
    let environment = environment();
    Chart::new("bad", "1.0.0")
        .pod("a", "{{ fail \"set a value\" }}")
        .write(&environment.path(""));
    let output = environment.mirror("images bad").exits(1);
    assert!(output.stderr.contains("set a value"), "{}", output.stderr);
    assert!(
        output.stderr.contains("the sources name no image"),
        "{}",
        output.stderr
    );
}
