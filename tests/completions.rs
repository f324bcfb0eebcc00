//! `mirror completions` and `mirror man-pages`

use crate::environment::TestEnvironment;

#[test]
fn completions_name_the_commands_and_are_accepted_by_the_shell() {
    let environment = TestEnvironment::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let line = format!("completions {shell}");
        let script = environment.mirror(&line).exits(0).stdout;
        assert!(script.contains("retrieve-tags"), "{shell}: {script}");
        let document = environment.mirror(&format!("{line} --output json")).json();
        assert_eq!(document["script"], script.as_str(), "{shell}");
    }
    let script = environment.mirror("completions bash").stdout;
    environment.write("completions", script);
    let line = "source ./completions && COMP_WORDS=(mirror add-) COMP_CWORD=1 && \
                _mirror mirror add- mirror && printf '%s' \"${COMPREPLY[*]}\"";
    let completed = environment.stdout_of("bash", &["-euc", line]);
    assert_eq!(completed, "add-tag");
}

#[test]
fn man_pages_has_a_page_for_each_command() {
    let environment = TestEnvironment::new();
    std::fs::create_dir(environment.path("man1")).unwrap();
    let written = environment.mirror("man-pages man1").exits(0).stdout;
    for page in ["mirror.1", "mirror-sync.1", "mirror-report-merge.1"] {
        let path = format!("man1/{page}");
        assert!(written.contains(&path), "{written}");
        let text = environment.read(&path);
        assert!(text.contains(".SH SYNOPSIS"), "{page}: {text}");
    }
    let missing = environment.mirror("man-pages gone").exits(2);
    assert!(
        missing.stderr.contains("gone/mirror.1"),
        "{}",
        missing.stderr
    );
}
