//! Runs of real shell scripts.
#![expect(clippy::unwrap_used, reason = "functions of the tests fail like tests")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use program_runner::{KeptStderr, Program, RunError, find};

fn shell(script: &str) -> Program {
    let shell = Program::new("/bin/sh").args(["-c", script]);
    shell
        .env("PATH", "/usr/bin:/bin")
        .deadline(Duration::from_secs(60))
}

#[tokio::test]
async fn output_has_status_stdout_and_a_part_of_stderr() {
    use KeptStderr::{First, Last};
    // Script, part of stderr, code, stdout, stderr.
    let table: [(&str, KeptStderr, i32, &str, &str); 7] = [
        (
            "echo out; echo err >&2; exit 3",
            Last(16),
            3,
            "out\n",
            "err\n",
        ),
        ("cat", Last(16), 0, "input", ""),
        // The input is larger than a pipe, and nothing reads it.
        ("exec 0<&-; echo done", Last(16), 0, "done\n", ""),
        ("echo 123456789 >&2", First(4), 0, "", "1234"),
        ("echo 123456789 >&2", Last(4), 0, "", "789\n"),
        // Larger than a pipe.
        (
            "yes | head -c 200000 >&2; echo end >&2",
            Last(6),
            0,
            "",
            "y\nend\n",
        ),
        (
            "yes | head -c 200000 >&2; echo end >&2",
            First(4),
            0,
            "",
            "y\ny\n",
        ),
    ];
    for (script, part, code, stdout, stderr) in table {
        let program = shell(script).stdin(b"input".to_vec()).keep_stderr(part);
        let output = program.run().await.unwrap();
        assert_eq!(output.status.code(), Some(code), "{script}");
        assert_eq!(*output.stdout, stdout.as_bytes(), "{script}");
        assert_eq!(*output.stderr, stderr.as_bytes(), "{script}");
    }
}

#[tokio::test]
async fn large_input_need_not_be_read() {
    let program = shell("echo done").stdin(vec![b'x'; 1 << 20]);
    let output = program.run().await.unwrap();
    assert_eq!(*output.stdout, b"done\n");
}

#[tokio::test]
async fn the_environment_and_the_arguments_are_exactly_those_given() {
    let program = Program::new("/usr/bin/env")
        .env("NAME", "old")
        .envs([("NAME", "a value")]);
    let output = program.run().await.unwrap();
    assert_eq!(*output.stdout, b"NAME=a value\n");

    let arguments = [
        "-c",
        "printf '%s|' \"$@\"",
        "sh",
        "$(id)",
        "a b",
        "",
        "*",
        "-x",
    ];
    let output = Program::new("/bin/sh").args(arguments).run().await.unwrap();
    assert_eq!(*output.stdout, b"$(id)|a b||*|-x|");

    let inherits = shell("test -n \"$CARGO_MANIFEST_DIR\"");
    let output = inherits.inherit_environment().run().await.unwrap();
    assert!(output.successful().is_ok());
}

#[tokio::test]
async fn a_program_runs_in_its_directory() {
    let directory = tempfile::tempdir().unwrap();
    let output = shell("pwd -P")
        .current_dir(directory.path())
        .run()
        .await
        .unwrap();
    let real = directory.path().canonicalize().unwrap();
    assert_eq!(*output.stdout, format!("{}\n", real.display()).as_bytes());
}

#[tokio::test]
async fn failures_are_typed() {
    let failed = shell("echo why >&2; exit 2")
        .run()
        .await
        .unwrap()
        .successful();
    let message = failed.unwrap_err().to_string();
    assert_eq!(message, "/bin/sh failed (exit status: 2): why");
    let killed = shell("kill -9 $$").run().await.unwrap().successful();
    assert!(matches!(killed, Err(RunError::Failed { .. })), "{killed:?}");
    let missing = Program::new("/nonexistent/program").run().await;
    assert!(
        matches!(missing, Err(RunError::NotFound { .. })),
        "{missing:?}"
    );
    let directory = Program::new("/tmp").run().await;
    assert!(
        matches!(directory, Err(RunError::Io { .. })),
        "{directory:?}"
    );
    let endless = shell("exec yes").max_stdout(100_000).run().await;
    let message = endless.unwrap_err().to_string();
    assert_eq!(message, "/bin/sh wrote more than 100000 bytes");
    let exact = shell("printf 1234").max_stdout(4).run().await;
    assert!(exact.is_ok());
}

/// Returns true if a process runs. A killed process that its parent has not reaped does not run.
fn is_running(process: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/stat", process.trim()));
    status.is_ok_and(|status| !status.contains(") Z "))
}

/// A script that starts another program, and writes the number of both.
const STARTS_ANOTHER: &str = "sleep 600 & echo $! $$ >numbers.new; mv numbers.new numbers; wait";

async fn wait_until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn no_process_is_left(directory: &Path) {
    let numbers = fs::read_to_string(directory.join("numbers")).unwrap();
    for number in numbers.split_whitespace() {
        // The kernel ends a killed process a moment later.
        wait_until(|| !is_running(number)).await;
    }
}

#[tokio::test]
async fn the_whole_process_group_is_killed_at_the_deadline() {
    let directory = tempfile::tempdir().unwrap();
    // Long enough for the script to begin on a busy machine.
    let program = shell(STARTS_ANOTHER).deadline(Duration::from_secs(3));
    let ended = program.current_dir(directory.path()).run().await;
    assert!(matches!(ended, Err(RunError::TimedOut { .. })), "{ended:?}");
    no_process_is_left(directory.path()).await;
}

#[tokio::test]
async fn the_whole_process_group_is_killed_when_the_run_is_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let numbers = directory.path().join("numbers");
    let run = shell(STARTS_ANOTHER).current_dir(directory.path()).run();
    tokio::select! {
        ended = run => panic!("{ended:?}"),
        () = wait_until(|| numbers.exists()) => {}
    }
    no_process_is_left(directory.path()).await;
}

#[tokio::test]
async fn a_process_that_is_left_behind_at_a_regular_end_lives_on() {
    let directory = tempfile::tempdir().unwrap();
    let script = "sleep 600 >/dev/null 2>&1 & echo $!";
    let output = shell(script)
        .current_dir(directory.path())
        .run()
        .await
        .unwrap();
    let number = String::from_utf8(output.stdout.to_vec()).unwrap();
    assert!(is_running(&number));
    let killed = shell(&format!("kill {number}")).run().await.unwrap();
    assert!(killed.successful().is_ok());
}

#[test]
fn programs_are_found_in_absolute_directories_only() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    for (directory, mode) in [("first", 0o644), ("second", 0o755)] {
        fs::create_dir(at(directory)).unwrap();
        let program = at(directory).join("tool");
        fs::write(&program, "").unwrap();
        fs::set_permissions(program, fs::Permissions::from_mode(mode)).unwrap();
    }
    fs::create_dir_all(at("third/tool")).unwrap();
    let [first, second, third] =
        ["first", "second", "third"].map(|name| at(name).display().to_string());
    let up = "../".repeat(32);
    let table = [
        (format!("{third}:{first}:{second}"), true),
        (format!("{third}:{first}"), false),
        (format!("{up}{}", second.trim_start_matches('/')), false),
        (String::new(), false),
    ];
    for (search_path, is_found) in table {
        let found = find(OsStr::new(&search_path), "tool");
        let want = is_found.then(|| at("second/tool"));
        assert_eq!(found, want, "{search_path}");
    }
}
