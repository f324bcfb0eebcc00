//! `mirror retrieve-tags` where helm does not come back.

use serde_json::json;
use testkit::Chart;

use crate::environment::TestEnvironment;

#[test]
fn a_chart_that_hangs_does_not_take_the_others_with_it() {
    let environment = TestEnvironment::new();
    let helm = environment.executable(
        "bin",
        "helm",
        &format!(
            "#!/bin/sh\nfor last; do :; done\ncase \"$1 $last\" in\n\
             template*/slow) exec sleep 600;;\n*) exec '{}' \"$@\";;\nesac\n",
            testkit::program("helm").display()
        ),
    );
    let environment = environment.with("HELM", helm.join("helm").to_str().unwrap());
    for (name, image) in [("slow", "a.example/slow:1"), ("web", "a.example/web:1")] {
        let chart = Chart::new(name, "1.0.0").pod(name, image);
        chart.write(&environment.path(""));
    }
    environment.write("images-list", "");
    environment.write(
        "config.json",
        r#"{"x": {"versionSource": "helm-directory:.", "helmCharts": {"slow": {}, "web": {}}}}"#,
    );
    let done = environment
        .mirror("retrieve-tags --deadline 8s -v")
        .exits(1);
    assert_eq!(
        done.json(),
        json!({"x": {"full_images": ["a.example/web:1"]}})
    );
    let said = "template` did not end within 6 s of the deadline of 8 s and was stopped";
    assert!(done.stderr.contains("x: chart slow: "), "{}", done.stderr);
    assert!(done.stderr.contains(said), "{}", done.stderr);
    // What each run of helm took, for those who wonder.
    assert!(
        done.stderr.contains("DEBUG helm template: "),
        "{}",
        done.stderr
    );
}
