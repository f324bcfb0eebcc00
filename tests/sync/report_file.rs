//! The file of `--report`.

use std::fs;
use std::os::unix::fs::symlink;

use crate::environment::TestEnvironment;

#[test]
fn a_report_is_not_written_through_a_link_of_the_checkout() {
    let environment = TestEnvironment::new();
    environment.write("images-list", "a r.io/a 1\n");
    environment.commit_first(&["images-list"]);
    let outside = environment.home().join("profile");
    fs::write(&outside, "old").unwrap();
    symlink(&outside, environment.path("report.json")).unwrap();
    symlink("../home", environment.path("out")).unwrap();
    environment.write("merged.json", r#"{"summary": {}, "rows": []}"#);
    let top = environment.path("").canonicalize().unwrap();
    for command in [
        "sync --match none --report",
        "copy a r.io/a --report",
        "report merge merged.json --report",
    ] {
        for (file, link) in [("report.json", "report.json"), ("out/profile", "out")] {
            let output = environment.mirror(&format!("{command} {file}")).exits(2);
            let link = top.join(link);
            let want = format!(
                "error: cannot write {file}: {} is a symbolic link in the checkout\n",
                link.display()
            );
            assert!(output.stderr.contains(&want), "{}", output.stderr);
        }
    }
    assert_eq!(fs::read_to_string(outside).unwrap(), "old");
    environment
        .mirror("sync --match none --allow-empty --report ../home/report.json")
        .exits(0);
}

/// If the run is killed, the report of an earlier run does not pass for its own.
#[test]
fn an_earlier_report_is_emptied_before_the_run() {
    let environment = TestEnvironment::new();
    environment.write("images-list", "127.0.0.1:1/a 127.0.0.1:1/b 1\n");
    let old = r#"{"summary": {}, "rows": []}"#;
    for command in [
        "sync",
        "compare",
        "lock",
        "copy 127.0.0.1:1/a 127.0.0.1:1/b",
    ] {
        environment.write("report.json", old);
        // The registries.conf is read after the check of the file.
        let line = format!("{command} --report report.json --registries-conf missing.conf");
        environment.mirror(&line).exits(2);
        assert_eq!(environment.read("report.json"), "", "{command}");
        environment.mirror("report merge report.json").exits(2);
        environment.write("report.json", old);
        let line = format!("{command} --report .");
        let output = environment.mirror(&line).exits(2);
        let want = "cannot write .: Is a directory";
        assert!(output.stderr.contains(want), "{}", output.stderr);
    }
    // Its input may be its output.
    environment
        .mirror("sync --match none --allow-empty --report report.json")
        .exits(0);
    environment
        .mirror("report merge report.json --report report.json")
        .exits(0);
    assert_ne!(environment.read("report.json"), "");
}
