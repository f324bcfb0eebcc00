//! Files and directories.

use crate::environment::TestEnvironment;

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: web
        image: nginx:1.27
      - name: side
        image: quay.io/org/side:v1
";

/// Returns the first word of each line.
fn names(stdout: &str) -> Vec<&str> {
    let lines = stdout.lines();
    lines
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

#[test]
fn images_have_file_and_line() {
    let environment = TestEnvironment::new();
    environment.write("deploy.yaml", DEPLOYMENT);
    environment.write(
        "compose.yaml",
        "services:\n  db: {image: 'postgres:${PG:-16}'}\n  app: {build: .}\n",
    );
    environment.write(".env", "PG=17\n");
    environment.write("Dockerfile", "FROM golang:1.23 AS build\nFROM build\n");
    let output = environment
        .mirror("images deploy.yaml compose.yaml Dockerfile")
        .exits(0);
    assert_eq!(
        output.stdout,
        "golang:1.23  Dockerfile:1: FROM\n\
         nginx:1.27  deploy.yaml:9: Deployment/web: spec.template.spec.containers[0].image\n\
         postgres:17  compose.yaml:2: services.db.image\n\
         quay.io/org/side:v1  deploy.yaml:11: Deployment/web: spec.template.spec.containers[1].image\n"
    );
    assert!(output.stderr.contains("4 images"), "{}", output.stderr);
    let directory = environment.mirror("images . --names").exits(0);
    assert_eq!(
        directory.stdout,
        "golang:1.23\nnginx:1.27\npostgres:17\nquay.io/org/side:v1\n"
    );
    let json = environment
        .mirror("images deploy.yaml --output json")
        .exits(0)
        .json();
    assert_eq!(json["images"][0]["source"], "docker.io/library/nginx");
    assert_eq!(json["images"][0]["places"][0]["line"], 9);
}

#[test]
fn kustomization_changes_the_images_of_its_resources() {
    let environment = TestEnvironment::new();
    std::fs::create_dir_all(environment.path("base")).unwrap();
    std::fs::create_dir_all(environment.path("prod")).unwrap();
    environment.write("base/kustomization.yaml", "resources: [deploy.yaml]\n");
    environment.write("base/deploy.yaml", DEPLOYMENT);
    environment.write(
        "prod/kustomization.yaml",
        "resources: [../base]\nimages: [{name: nginx, newName: r.io/nginx, newTag: '1.28'}]\n",
    );
    let output = environment.mirror("images prod").exits(0);
    assert_eq!(
        names(&output.stdout),
        ["quay.io/org/side:v1", "r.io/nginx:1.28"]
    );
    assert!(
        output.stdout.contains("base/deploy.yaml:9: "),
        "{}",
        output.stdout
    );
    environment.write(
        "prod/kustomization.yaml",
        "resources: [../base, https://r.io/x.yaml]\n",
    );
    let output = environment.mirror("images prod").exits(1);
    assert!(
        output
            .stderr
            .contains("prod/kustomization.yaml:1: `https://r.io/x.yaml` is remote"),
        "{}",
        output.stderr
    );
    assert_eq!(names(&output.stdout), ["nginx:1.27", "quay.io/org/side:v1"]);
}

#[test]
fn unreadable_parts_are_problems_and_missing_sources_are_errors() {
    let environment = TestEnvironment::new();
    environment.write(
        "compose.yaml",
        "services:\n  a: {image: 'a/b:$TAG'}\n  c: {image: c}\n",
    );
    environment.write("prose.md", "Nothing to see, really.\n");
    let output = environment.mirror("images compose.yaml prose.md").exits(1);
    assert_eq!(names(&output.stdout), ["c:latest"]);
    assert!(
        output
            .stderr
            .contains("compose.yaml:2: services.a.image: the variable TAG has no value"),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("prose.md: its format is not known"),
        "{}",
        output.stderr
    );
    let fixed = environment
        .mirror("images compose.yaml --variable TAG=9")
        .exits(0);
    assert_eq!(names(&fixed.stdout), ["a/b:9", "c:latest"]);
    let missing = environment.mirror("images gone.yaml ./gone").exits(2);
    assert!(
        missing.stderr.contains("gone.yaml: no such file") && missing.stderr.contains("./gone"),
        "{}",
        missing.stderr
    );
}

#[test]
fn suspects_and_image_paths_complete_the_result() {
    let environment = TestEnvironment::new();
    environment.write(
        "engine.yaml",
        "kind: Engine\nspec:\n  parts: [{ref: 'org/part:1.2'}]\n  other: org/other:3.4\n",
    );
    let plain = environment.mirror("images engine.yaml --suspects").exits(0);
    assert_eq!(names(&plain.stdout), ["suspect", "suspect"]);
    assert!(plain.stdout.contains("engine.yaml:4: "), "{}", plain.stdout);
    let line = "images engine.yaml --suspects --image-path Engine:spec.parts[*].ref";
    let found = environment.mirror(line).exits(0);
    assert_eq!(names(&found.stdout), ["org/part:1.2", "suspect"]);
    let wrong = environment
        .mirror("images engine.yaml --image-path spec.none")
        .exits(1);
    assert!(
        wrong
            .stderr
            .contains("no document has a value at the image path `spec.none`"),
        "{}",
        wrong.stderr
    );
}
