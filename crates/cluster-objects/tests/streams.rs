//! Streams as kubectl and people write them, whole and damaged.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::io::{self, Read};

use cluster_objects::{ReadError, read_objects};
use proptest::prelude::*;

/// A reader that returns at most `step` bytes at once.
struct Slow<'a> {
    text: &'a [u8],
    step: usize,
}

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.step.min(buffer.len()).min(self.text.len());
        let (now, later) = self.text.split_at(length);
        buffer[..length].copy_from_slice(now);
        self.text = later;
        Ok(length)
    }
}

fn names(text: &str, step: usize) -> Result<Vec<String>, ReadError> {
    let mut names = Vec::new();
    let reader = Slow {
        text: text.as_bytes(),
        step,
    };
    read_objects(reader, &mut |object| {
        names.push(format!("{}/{}", object.kind, object.name));
    })?;
    Ok(names)
}

/// The list that `kubectl get -o json` prints, with text that a naive cut would stumble over.
const JSON: &str = r#"{
    "apiVersion": "v1",
    "items": [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "annotations": {"x": "} ] \" \\", "items": "[{}]"}}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b"}, "spec": {"containers": [{"image": "r.io/a:1"}], "items": [{}]}}
    ],
    "kind": "List",
    "metadata": {"resourceVersion": ""}
}
"#;

const YAML: &str = "apiVersion: v1
items:
- apiVersion: v1
  kind: ConfigMap
  metadata:
    name: a
  data:
    list: |
      items:
      - apiVersion: v1

      - x
- apiVersion: v1
  kind: Pod
  metadata:
    name: b
kind: List
metadata:
  resourceVersion: \"\"
";

#[test]
fn objects_are_found_however_the_reads_are_cut() {
    let indented = YAML.replace("- apiVersion: v1\n  kind", "-\n  apiVersion: v1\n  kind");
    let pod_list = r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}"#;
    let nested = r#"{"kind":"List","items":[{"kind":"List","items":[{"kind":"Pod","metadata":{"name":"a"}}]},{"kind":"Pod","metadata":{"name":"b"}}]}"#;
    let several = "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"}}\n{\"kind\":\"Pod\",\"metadata\":{\"name\":\"b\"}}\n";
    let table: [(&str, &[&str]); 9] = [
        (JSON, &["Pod/a", "Pod/b"]),
        (YAML, &["ConfigMap/a", "Pod/b"]),
        (&indented, &["ConfigMap/a", "Pod/b"]),
        (pod_list, &["Pod/a", "Pod/b"]),
        (nested, &["Pod/a", "Pod/b"]),
        (several, &["Pod/a", "Pod/b"]),
        (
            "\u{feff}{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"}}",
            &["Pod/a"],
        ),
        (
            "# x\n---\nkind: Pod\nmetadata: {name: a}\n---\n\n---\n{kind: Pod, metadata: {name: b}}\n...\n",
            &["Pod/a", "Pod/b"],
        ),
        (r#"{"apiVersion":"v1","items":[],"kind":"List"}"#, &[]),
    ];
    for (text, expected) in table {
        for step in [1, 2, 3, 7, 64, usize::MAX] {
            assert_eq!(names(text, step).unwrap(), expected, "{step}: {text}");
        }
    }
}

/// Text that is not a whole stream of objects, and a part of the error.
fn damaged() -> Vec<(String, &'static str)> {
    let before_kind = YAML.find("kind: List").unwrap();
    let large = format!("{{\"kind\": \"Pod\", \"x\": \"{}\"}}", "x".repeat(17 << 20));
    let cut = "ends within the object that begins here";
    let fixed = [
        ("", "is empty"),
        (" \n ", "is empty"),
        (&JSON[..JSON.len() - 4], cut),
        (&JSON[..100], "line 4: ends within the object"),
        (&YAML[..before_kind], cut),
        (
            "NAME  READY\nweb-1  1/1\n",
            "line 1: is not a Kubernetes object",
        ),
        (
            "error: You must be logged in\n",
            "is not a Kubernetes object: it has no `kind`",
        ),
        (
            "{\"kind\": \"Pod\"} x",
            "line 1: is not valid JSON: unexpected `x`",
        ),
        (
            "{\"kind\": \"Pod\"}\n}",
            "line 2: is not valid JSON: unexpected `}`",
        ),
        (
            "{\"kind\": \"Pod\",\n \"metadata\" {}}",
            "line 2: is not valid JSON",
        ),
        (
            "{\"items\": [{\"kind\": \"Pod\"} {\"kind\": \"Pod\"}]}",
            "line 1: is not valid JSON",
        ),
        (
            "{\"items\": [{\"kind\": \"Pod\"}, 1]}",
            "line 1: is not valid JSON",
        ),
        (
            "[{\"kind\": \"Pod\"}]",
            "is not a Kubernetes object: it is an array",
        ),
        ("{}", "is not a Kubernetes object: it has no `kind`"),
        ("a: [\n", "line 1: is not valid YAML"),
        ("kind: Pod\n---\nb: &x [*x]\n", "line 2: is not valid YAML"),
    ];
    let mut damaged: Vec<_> = fixed
        .iter()
        .map(|(text, error)| ((*text).to_owned(), *error))
        .collect();
    damaged.push((
        large,
        "line 1: is larger than the limit of 16 MiB for an object",
    ));
    damaged
}

#[test]
fn damaged_and_foreign_text_is_an_error_with_its_line() {
    for (text, message) in damaged() {
        let start: String = text.chars().take(80).collect();
        for step in [1000, usize::MAX] {
            let error = names(&text, step).expect_err(&start).to_string();
            assert!(error.contains(message), "{start}: {error}");
        }
    }
    let error = read_objects(&b"\xff\xfe{\0"[..], &mut |_| {}).unwrap_err();
    assert_eq!(error.to_string(), "is UTF-16 text");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_objects(&bytes[..], &mut |_| {}).ok();
    }

    #[test]
    fn a_cut_stream_is_never_complete(end in 1..JSON.trim_end().len()) {
        prop_assert!(names(&JSON[..end], 5).is_err());
    }
}
