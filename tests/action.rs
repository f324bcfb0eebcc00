//! The scripts behind action.yml, run as a runner runs them.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Stdio;

use testkit::program;

use crate::environment::{Finished, TestEnvironment, mode_of};
use crate::wrappers::{search_path, top};

/// A job's folder and files.
fn job() -> TestEnvironment {
    let environment = TestEnvironment::new().with("PATH", &search_path());
    let temporary = environment.path("runner-temp");
    fs::create_dir(&temporary).unwrap();
    let output = environment.path("output");
    let path = environment.path("path");
    environment
        .with("RUNNER_TEMP", temporary.to_str().unwrap())
        .with("GITHUB_OUTPUT", output.to_str().unwrap())
        .with("GITHUB_PATH", path.to_str().unwrap())
}

fn run(environment: &TestEnvironment, script: &str, variables: &[(&str, &str)]) -> Finished {
    let mut command = environment.program(top().join(".github/action").join(script));
    let command = command.envs(variables.iter().copied());
    Finished::of(command.output().unwrap())
}

/// A program of that name before all others.
fn with_fake(environment: TestEnvironment, name: &str, script: &str) -> TestEnvironment {
    let folder = environment.executable("bin", name, &format!("#!/bin/bash\n{script}\n"));
    let path = format!("{}:{}", folder.display(), search_path());
    environment.with("PATH", &path)
}

#[test]
fn arguments_arrive_as_they_are() {
    let environment = with_fake(job(), "mirror", r#"printf '<%s>' "$@""#);
    let args = "--match\nquay.io/*\n\n  $(touch pwned) `touch pwned`  \n\"; touch pwned; \"\r\n";
    let set = [("COMMAND", "sync"), ("ARGS", args)];
    let done = run(&environment, "run", &set).exits(0);
    assert_eq!(
        done.stdout,
        "<sync><--match><quay.io/*><$(touch pwned) `touch pwned`><\"; touch pwned; \">"
    );
    assert!(!environment.path("pwned").exists());
    assert_eq!(environment.read("output"), "exit-code=0\n");
}

#[test]
fn credentials_last_as_long_as_the_command() {
    let environment = with_fake(
        job(),
        "mirror",
        &format!(
            r#"if [[ $1 == login ]]; then printf '%s\n' "$@" >>login; exec '{}' "$@"; fi
            cat "${{@: -1}}"; env | grep --invert-match {}"#,
            env!("CARGO_BIN_EXE_mirror"),
            testkit::CANARY
        ),
    );
    let credentials = "r.io robot s3 cret\n\n  q.io me other \n none.io  \n";
    let set = [("COMMAND", "sync"), ("CREDENTIALS", credentials)];
    let done = run(&environment, "run", &set).exits(0);
    // robot:s3 cret, me:other
    for stored in ["cm9ib3Q6czMgY3JldA==", "bWU6b3RoZXI="] {
        assert!(done.stdout.contains(stored), "{}", done.stdout);
    }
    assert!(
        done.stderr.contains("no credentials for none.io"),
        "{}",
        done.stderr
    );
    // Not as arguments, and not in the command's environment.
    let everywhere = environment.read("login") + &done.stdout + &done.stderr;
    assert!(!everywhere.contains("s3 cret"), "{everywhere}");
    let left = fs::read_dir(environment.path("runner-temp")).unwrap();
    assert_eq!(left.count(), 0);
}

#[test]
fn the_exit_code_and_the_result_are_handed_on() {
    let environment = job();
    environment.write("images-list", "wrong\n");
    let set = [
        ("COMMAND", "lint"),
        ("ARGS", "--output\njson"),
        ("OUTPUT_FILE", "problems.json"),
    ];
    let done = run(&environment, "run", &set).exits(1);
    assert_eq!(done.stdout, "");
    let problems = environment.read("problems.json");
    let problems: serde_json::Value = serde_json::from_str(&problems).unwrap();
    assert_eq!(problems["problems"][0]["line"], 1);
    assert_eq!(environment.read("output"), "exit-code=1\n");
}

#[test]
fn a_cancelled_job_interrupts_the_command() {
    let environment = with_fake(
        job(),
        "mirror",
        "trap 'echo interrupted; exit 130' TERM; echo ready; for _ in {1..100}; do sleep 0.05; done",
    );
    let mut command = environment.program(top().join(".github/action/run"));
    let command = command.env("COMMAND", "sync").stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    let pid = child.id().to_string();
    let sent = environment
        .program(program("kill"))
        .args(["-INT", &pid])
        .status();
    assert!(sent.unwrap().success());
    assert_eq!(lines.next().unwrap().unwrap(), "interrupted");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(environment.read("output"), "exit-code=130\n");
}

/// Serves files by the end of their URL, for as long as the test lasts.
fn serve(files: Vec<(String, Vec<u8>)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut head = BufReader::new(connection.try_clone().unwrap()).lines();
            let request = head.next().unwrap().unwrap();
            while head.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            let url = request.split(' ').nth(1).unwrap_or_default();
            let found = files.iter().find(|(name, _)| url == *name);
            let (status, body) = match found {
                Some((_, body)) => ("200 OK", &body[..]),
                None => ("404 Not Found", &b""[..]),
            };
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            connection.write_all(head.as_bytes()).unwrap();
            connection.write_all(body).unwrap();
        }
    });
    format!("http://{address}")
}

#[test]
fn a_release_is_installed_if_its_checksum_is_right() {
    let binary = b"#!/bin/sh\necho mirror 9.9.9\n".to_vec();
    let environment = job();
    environment.write("asset", &binary);
    let sum = environment.program("sha256sum").arg("asset").output();
    let sum = Finished::of(sum.unwrap()).stdout;
    let sum = sum.split(' ').next().unwrap();
    let asset = format!("mirror-v9.9.9-linux-{}", std::env::consts::ARCH);
    let folder = "/owner/name/releases/download/v9.9.9";
    let zeros = "0".repeat(64);
    // What SHA256SUMS says, what the workflow says, whether it is installed.
    let table = [
        (format!("{sum}  {asset}\n"), "", true),
        (format!("{zeros}  x\n{sum} *{asset}\n"), "", true),
        (format!("{zeros}  {asset}\n"), "", false),
        (format!("{sum}  other-{asset}\n"), "", false),
        (format!("{sum}  {asset}\n"), &zeros, false),
        (format!("{zeros}  {asset}\n"), sum, true),
    ];
    for (sums, checksum, installed) in table {
        let environment = job();
        let server = serve(vec![
            (format!("{folder}/{asset}"), binary.clone()),
            (format!("{folder}/SHA256SUMS"), sums.clone().into_bytes()),
        ]);
        let set = [
            ("VERSION", "v9.9.9"),
            ("REPOSITORY", "owner/name"),
            ("CHECKSUM", checksum),
            ("GITHUB_SERVER_URL", &server),
        ];
        let done = run(&environment, "install", &set);
        let binary = environment.path("runner-temp/mirror-v9.9.9/mirror");
        assert_eq!(binary.exists(), installed, "{sums} {checksum}: {done:?}");
        if installed {
            assert_eq!(done.exits(0).stdout, "mirror 9.9.9\n");
            assert_eq!(mode_of(&binary), 0o755);
            let on_path = format!("{}\n", binary.parent().unwrap().display());
            assert_eq!(environment.read("path"), on_path);
        } else {
            let done = done.exits(1);
            assert!(done.stderr.contains("::error::"), "{}", done.stderr);
            assert!(!environment.path("path").exists());
        }
    }
}

#[test]
fn what_cannot_be_installed_says_why() {
    let table = [
        (vec![("VERSION", "latest")], "is no release"),
        (vec![("VERSION", "v1/../..")], "is no release"),
        (vec![("VERSION", "v1.0.0")], "of which repository"),
    ];
    for (set, want) in table {
        let done = run(&job(), "install", &set).exits(1);
        assert!(done.stderr.contains(want), "{set:?}: {}", done.stderr);
    }
    let environment = with_fake(job(), "cargo", "echo broken >&2; exit 101");
    let done = run(&environment, "install", &[]).exits(1);
    assert!(
        done.stderr.contains("cargo build failed"),
        "{}",
        done.stderr
    );
    assert!(!environment.path("path").exists());
}

#[test]
fn without_a_release_the_source_is_built_once() {
    let cargo = r#"
        while [[ $1 != --target-dir ]]; do printf '%s ' "$1" >>calls; shift; done
        mkdir -p "$2/release"
        printf '#!/bin/sh\necho built\n' >"$2/release/mirror""#;
    let environment = with_fake(job(), "cargo", cargo);
    for _ in 0..2 {
        let done = run(&environment, "install", &[("VERSION", "")]).exits(0);
        assert_eq!(done.stdout, "built\n");
    }
    let calls = environment.read("calls");
    assert_eq!(calls.matches("build").count(), 1, "{calls}");
    assert!(calls.contains("--locked"), "{calls}");
    let mut command = environment.program(top().join(".github/action/install"));
    let done = Finished::of(command.arg("--where").output().unwrap()).exits(0);
    let folder = environment.read("path");
    let folder = folder.lines().next().unwrap();
    assert!(
        done.stdout.starts_with(&format!("folder={folder}\n")),
        "{done:?}"
    );
}

#[test]
fn a_cache_has_a_key_for_each_source() {
    let environment = job();
    let whereabouts = |top: &std::path::Path| {
        let mut command = environment.program(top.join(".github/action/install"));
        let done = command.arg("--where").output().unwrap();
        Finished::of(done).exits(0).stdout
    };
    let here = whereabouts(&top());
    assert!(
        here.starts_with("folder=/") && here.contains("\nkey=mirror-linux-"),
        "{here}"
    );
    assert_eq!(here, whereabouts(&top()));
    let other = environment.path("other");
    fs::create_dir_all(other.join("crates")).unwrap();
    fs::create_dir_all(other.join(".github/action")).unwrap();
    for file in ["Cargo.toml", "Cargo.lock", ".github/action/install"] {
        fs::copy(top().join(file), other.join(file)).unwrap();
    }
    let without = whereabouts(&other);
    fs::write(other.join("crates/new.rs"), "").unwrap();
    assert_ne!(without, whereabouts(&other));
    assert_ne!(without, here);
}
