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
