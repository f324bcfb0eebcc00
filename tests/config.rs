//! `mirror config`

use serde_json::{Value, json};

use crate::environment::TestEnvironment;

fn setting(document: &Value, name: &str) -> Value {
    let settings = document["settings"].as_array().unwrap();
    let found = settings.iter().find(|setting| setting["name"] == name);
    let Some(found) = found else {
        return Value::Null;
    };
    json!([found["value"], found["origin"]])
}

#[test]
fn config_names_the_origin_of_every_setting() {
    let token = concat!("gh", testkit::canary!(""));
    let environment = TestEnvironment::new()
        .with_env("IMAGES_FILE", "daily,weekly")
        .with_env("DEST_ORG_OVERRIDE", "test")
        .with_env("GITHUB_TOKEN", token);
    let line = "config --jobs 8 --insecure a:1,b:2 --output json";
    let document = environment.mirror(line).exits(0).json();
    let table = [
        ("images-list", json!(["daily,weekly", "IMAGES_FILE"])),
        ("config", json!(["config.json (not found)", "default"])),
        ("jobs", json!(["8", "option"])),
        ("insecure", json!(["a:1,b:2", "option"])),
        ("max-wait", json!(["5m", "default"])),
        ("cert-dir", json!([null, "unset"])),
        ("DEST_ORG_OVERRIDE", json!(["test", "environment"])),
        ("GITHUB_TOKEN", json!(["(set)", "environment"])),
        ("TAGS", Value::Null),
    ];
    for (name, want) in table {
        assert_eq!(setting(&document, name), want, "{name}: {document}");
    }
    let text = environment.mirror("config").exits(0).stdout;
    assert!(
        text.lines()
            .any(|line| line.starts_with("jobs ") && line.ends_with("default")),
        "{text}"
    );
}
