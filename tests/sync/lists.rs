//! List files in every form, reports that cannot be written, and a closed stdout.

use std::fs;

use crate::environment::{TestEnvironment, output_of, registry_with, spawn_piped};

#[tokio::test(flavor = "multi_thread")]
async fn sync_reads_several_lists_with_any_line_endings() {
    let (source, destination) = (
        registry_with(&["a:1", "b:1", "c:1", "d:1"]).await,
        registry_with(&[]).await,
    );
    let (from, to) = (source.host(), destination.host());
    let environment = TestEnvironment::new();
    let crlf = format!("# comment\r\n{from}/a {to}/a 1\r\n\r\n{from}/b\t{to}/b   1\r\n");
    let without_newline = format!("// comment\n{from}/c {to}/c 1");
    environment.write("crlf", &crlf);
    environment.write("without-newline", &without_newline);
    environment.write("last", format!("{from}/d {to}/d 1\n"));
    let line = "sync --output json --images-list crlf,without-newline --images-list last";
    let output = environment.mirror(line).exits(0);
    assert_eq!(output.json()["summary"]["copied"], 4);
    assert_eq!(destination.repositories(), ["a", "b", "c", "d"]);
    for name in destination.repositories() {
        assert_eq!(
            destination.tags(&name),
            ["1"],
            "no carriage return in the tag"
        );
    }
    assert_eq!(environment.read("crlf"), crlf);
    assert_eq!(environment.read("without-newline"), without_newline);
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_row_stops_sync_before_any_request() {
    let (source, destination) = (registry_with(&["a:1"]).await, registry_with(&[]).await);
    let (from, to) = (source.host(), destination.host());
    let valid = format!("{from}/a {to}/a 1");
    let environment = TestEnvironment::new();
    environment.write("valid", format!("{valid}\n"));
    let invalid = [
        format!("{from}/a {to}/a"),
        format!("{from}/a {to}/a 1 more"),
        format!("{from}/UPPER {to}/a 1"),
        format!("{from}/a {to}/a not/a/tag"),
        format!("{from}/a {to}/a sha256:short"),
    ];
    for row in invalid {
        environment.write("invalid", format!("{valid}\n\n{row}\n{valid}2\n"));
        let line = "sync --output json --images-list valid,invalid --report report.json";
        let document = environment.mirror(line).exits(2).json();
        let problem = &document["problems"][0];
        let location = (problem["file"].as_str(), problem["line"].as_u64());
        assert_eq!(location, (Some("invalid"), Some(3)), "{row}: {document}");
        assert!(document["error"]["message"].is_string(), "{document}");
    }
    // A list that is not UTF-8, and a missing list.
    environment.write("invalid", b"\xff\xfe a b\n");
    for line in ["--images-list valid,invalid", "--images-list valid,gone"] {
        let line = format!("sync --output json {line}");
        let document = environment.mirror(&line).exits(2).json();
        assert!(document["error"]["message"].is_string(), "{document}");
    }
    assert_eq!(source.requests(), [], "a request was sent");
    assert_eq!(destination.requests(), [], "a request was sent");
    assert_eq!(environment.file_names(), ["invalid", "valid"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unwritable_report_stops_sync_before_any_request() {
    let (source, destination) = (registry_with(&["a:1"]).await, registry_with(&[]).await);
    let environment = TestEnvironment::new();
    let list = format!("{}/a {}/a 1\n", source.host(), destination.host());
    environment.write("images-list", list);
    let mut directories = vec!["/proc", "no-such-directory", "images-list"];
    // Root can write to a read-only directory: include it only if this user cannot.
    fs::create_dir(environment.path("read-only")).unwrap();
    let mut mode = fs::metadata(environment.path("read-only"))
        .unwrap()
        .permissions();
    mode.set_readonly(true);
    fs::set_permissions(environment.path("read-only"), mode).unwrap();
    if fs::write(environment.path("read-only/probe"), "").is_err() {
        directories.push("read-only");
    }
    for directory in directories {
        let line = format!("sync --output json --report {directory}/report.json");
        let output = environment.mirror(&line).exits(2);
        let document = output.json();
        let message = document["error"]["message"].as_str().unwrap();
        let file = format!("{directory}/report.json");
        let expected = format!("cannot write {file}");
        assert!(message.starts_with(&expected), "{message}");
    }
    assert_eq!(source.requests(), [], "a request was sent");
    assert_eq!(destination.repositories(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_stdout_does_not_stop_sync() {
    let (source, destination) = (
        registry_with(&["a:1", "b:1"]).await,
        registry_with(&[]).await,
    );
    let (from, to) = (source.host(), destination.host());
    let environment = TestEnvironment::new();
    environment.write(
        "images-list",
        format!("{from}/a {to}/a 1\n{from}/b {to}/b 1\n{from}/gone {to}/gone 1\n"),
    );
    for form in ["json", "text"] {
        destination.clear();
        let mut command = environment.mirror_command();
        command.args(["sync", "--report", "report.json", "--output", form]);
        let mut child = spawn_piped(&mut command);
        drop(child.stdout.take());
        let output = output_of(child).exits(1);
        assert!(!output.stderr.contains("pipe"), "{}", output.stderr);
        assert_eq!(destination.repositories(), ["a", "b"], "{form}");
        let report = environment.read_json("report.json");
        assert_eq!(report["summary"]["copied"], 2, "{form}");
    }
}
