//! `helm-directory`.

use testkit::Chart;

use crate::bench::{Bench, chart, config, images, origin};

#[tokio::test]
async fn chart_is_rendered_with_its_unpacked_subcharts() {
    let directory = tempfile::tempdir().unwrap();
    let sub = "apiVersion: v2\nname: sub\nversion: 0.1.0\n";
    Chart::new("web", "1.0.0")
        .metadata("dependencies:\n- name: sub\n  version: 0.1.0\n  repository: http://127.0.0.1:1/\n")
        .pod("web", "example.com/web:1")
        .file("charts/sub/Chart.yaml", sub)
        .file("charts/sub/templates/sub.yaml", "kind: Pod\nmetadata: {name: sub}\nspec:\n  containers:\n  - image: example.com/sub:1.10\n")
        .write(directory.path());
    let retrieved = Bench::new()
        .directory(directory.path(), [chart("web")])
        .await
        .unwrap();
    assert_eq!(
        images(&retrieved),
        ["example.com/sub:1.10", "example.com/web:1"]
    );
    assert_eq!(origin(&retrieved, "example.com/sub").0, "1.0.0");
    assert!(retrieved.failures.is_empty(), "{:?}", retrieved.failures);
}

#[tokio::test]
async fn missing_subchart_is_named_in_the_error() {
    let directory = tempfile::tempdir().unwrap();
    Chart::new("web", "1.0.0")
        .metadata(
            "dependencies:\n- name: sub\n  version: 0.1.0\n  repository: http://127.0.0.1:1/\n",
        )
        .pod("web", "example.com/web:1")
        .write(directory.path());
    let error = Bench::new()
        .directory(directory.path(), [chart("web")])
        .await
        .unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("helm dependency build") && error.contains("sub"),
        "{error}"
    );
}

#[tokio::test]
async fn directory_without_a_chart_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("web")).unwrap();
    let error = Bench::new()
        .directory(directory.path(), [chart("web")])
        .await
        .unwrap_err();
    let expected = format!("{} is not a chart", directory.path().join("web").display());
    assert!(error.to_string().contains(&expected), "{error}");
}

#[tokio::test]
async fn values_never_become_options_or_shell_code() {
    let directory = tempfile::tempdir().unwrap();
    let trap = directory.path().join("trapped");
    let image = "example.com/{{ .Values.b }}:{{ len .Values.a }}";
    Chart::new("web", "1.0.0")
        .pod("web", image)
        .write(directory.path());
    let value = format!("$(touch {0});`touch {0}`", trap.display());
    let touch = format!("a={value}");
    let mut web = chart("web");
    web.configs = vec![config(
        "c",
        &[&touch, "b=x", "--post-renderer=/bin/false"],
        None,
    )];
    let retrieved = Bench::new()
        .directory(directory.path(), [web])
        .await
        .unwrap();
    assert_eq!(
        images(&retrieved),
        [format!("example.com/x:{}", value.len())]
    );
    assert!(!trap.exists());
}
