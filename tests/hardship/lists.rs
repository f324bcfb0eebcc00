//! Lists as they come, and results that cannot be written.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use embedded_registry::images::{Platform, sample_image};
use embedded_registry::{Registry, RunningRegistry};
use serde_json::Value;

use super::watched::run;
use crate::environment::{Finished, TestEnvironment};

async fn registry(names: &[&str]) -> RunningRegistry {
    let registry = Registry::new().access_log(1_000).start().await.unwrap();
    for name in names {
        let image = sample_image(name, 1, &[Platform::linux("amd64")], 1).unwrap();
        image.push(&registry, name, Some("1"));
    }
    registry
}

#[tokio::test(flavor = "multi_thread")]
async fn several_lists_of_any_form_are_one() {
    let (source, target) = (registry(&["a", "b", "c", "d"]).await, registry(&[]).await);
    let (from, to) = (source.host(), target.host());
    let environment = TestEnvironment::new();
    let crlf = format!("# comment\r\n{from}/a {to}/a 1\r\n\r\n{from}/b\t{to}/b   1\r\n");
    let unended = format!("// comment\n{from}/c {to}/c 1");
    environment.write("crlf", &crlf);
    environment.write("unended", &unended);
    environment.write("last", format!("{from}/d {to}/d 1\n"));
    let line = "sync --output json --images-list crlf,unended --images-list last";
    let done = run(&environment, line).await.exits(0);
    assert_eq!(done.json()["summary"]["copied"], 4);
    assert_eq!(target.repositories(), ["a", "b", "c", "d"]);
    for name in target.repositories() {
        assert_eq!(target.tags(&name), ["1"], "no byte of the line's end");
    }
    assert_eq!(environment.read("crlf"), crlf);
    assert_eq!(environment.read("unended"), unended);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_row_ends_it_before_anything_is_sent() {
    let (source, target) = (registry(&["a"]).await, registry(&[]).await);
    let (from, to) = (source.host(), target.host());
    let fine = format!("{from}/a {to}/a 1");
    let environment = TestEnvironment::new();
    environment.write("fine", format!("{fine}\n"));
    let wrong = [
        format!("{from}/a {to}/a"),
        format!("{from}/a {to}/a 1 more"),
        format!("{from}/UPPER {to}/a 1"),
        format!("{from}/a {to}/a not/a/tag"),
        format!("{from}/a {to}/a sha256:short"),
    ];
    for row in wrong {
        environment.write("wrong", format!("{fine}\n\n{row}\n{fine}2\n"));
        let line = "sync --output json --images-list fine,wrong --report report.json";
        let document = run(&environment, line).await.exits(2).json();
        let problem = &document["problems"][0];
        let place = (problem["file"].as_str(), problem["line"].as_u64());
        assert_eq!(place, (Some("wrong"), Some(3)), "{row}: {document}");
        assert!(document["error"]["message"].is_string(), "{document}");
    }
    // No UTF-8, and no list at all.
    environment.write("wrong", b"\xff\xfe a b\n");
    for line in ["--images-list fine,wrong", "--images-list fine,gone"] {
        let line = format!("sync --output json {line}");
        let document = run(&environment, &line).await.exits(2).json();
        assert!(document["error"]["message"].is_string(), "{document}");
    }
    assert_eq!(source.requests(), [], "something was asked");
    assert_eq!(target.requests(), [], "something was asked");
    assert_eq!(environment.files(), ["fine", "wrong"]);
}

/// Root writes into read-only folders too, but not into these.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_cannot_be_written_is_known_before_the_copying() {
    let (source, target) = (registry(&["a"]).await, registry(&[]).await);
    let environment = TestEnvironment::new();
    let list = format!("{}/a {}/a 1\n", source.host(), target.host());
    environment.write("images-list", list);
    let mut folders = vec!["/proc", "no-such-folder", "images-list"];
    fs::create_dir(environment.path("read-only")).unwrap();
    let mut mode = fs::metadata(environment.path("read-only"))
        .unwrap()
        .permissions();
    mode.set_readonly(true);
    fs::set_permissions(environment.path("read-only"), mode).unwrap();
    if fs::write(environment.path("read-only/probe"), "").is_err() {
        folders.push("read-only");
    }
    for folder in folders {
        let line = format!("sync --output json --report {folder}/report.json");
        let done = run(&environment, &line).await.exits(2);
        let document = done.json();
        let message = document["error"]["message"].as_str().unwrap();
        let file = format!("{folder}/report.json");
        assert!(message.contains(&file), "{message}");
    }
    assert_eq!(source.requests(), [], "something was asked");
    assert_eq!(target.repositories(), [""; 0]);
}

/// `mirror sync | head -c 1`
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_leaves_stops_no_copying() {
    let (source, target) = (registry(&["a", "b"]).await, registry(&[]).await);
    let (from, to) = (source.host(), target.host());
    let environment = TestEnvironment::new();
    environment.write(
        "images-list",
        format!("{from}/a {to}/a 1\n{from}/b {to}/b 1\n{from}/gone {to}/gone 1\n"),
    );
    for (form, code) in [("json", 1), ("text", 1)] {
        target.clear();
        let mut command = environment.command();
        command.args(["sync", "--report", "report.json", "--output", form]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let mut stderr = String::new();
        let wait = move || {
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut stderr)
                .unwrap();
            let code = child.wait().unwrap().code();
            Finished::read(code, String::new(), stderr)
        };
        let done = tokio::task::spawn_blocking(wait).await.unwrap().exits(code);
        assert!(!done.stderr.contains("pipe"), "{}", done.stderr);
        assert_eq!(target.repositories(), ["a", "b"], "{form}");
        let report: Value = serde_json::from_str(&environment.read("report.json")).unwrap();
        assert_eq!(report["summary"]["copied"], 2, "{form}");
    }
}
