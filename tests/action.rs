//! The scripts behind `action.yml`, run as a GitHub runner runs them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use testkit::FileServer;

use crate::environment::{
    CommandOutput, TestEnvironment, block, file_mode, path_with_mirror, repository_root,
    send_signal,
};

/// An environment with the directories and files of a job.
fn job() -> TestEnvironment {
    let environment = TestEnvironment::new().with_env("PATH", &path_with_mirror());
    let runner_temp = environment.path("runner-temp");
    fs::create_dir(&runner_temp).unwrap();
    let output = environment.path("output");
    let path = environment.path("path");
    environment
        .with_env("RUNNER_TEMP", runner_temp.to_str().unwrap())
        .with_env("GITHUB_OUTPUT", output.to_str().unwrap())
        .with_env("GITHUB_PATH", path.to_str().unwrap())
}

fn run_script(
    environment: &TestEnvironment,
    script: &str,
    variables: &[(&str, &str)],
) -> CommandOutput {
    let mut command =
        environment.command_for(repository_root().join(".github/action").join(script));
    let command = command.envs(variables.iter().copied());
    CommandOutput::new(command.output().unwrap())
}

/// Puts a script of that name first in PATH.
fn with_script_in_path(environment: TestEnvironment, name: &str, script: &str) -> TestEnvironment {
    let directory = environment.install_script("bin", name, &format!("#!/bin/bash\n{script}\n"));
    let path = format!("{}:{}", directory.display(), path_with_mirror());
    environment.with_env("PATH", &path)
}

#[test]
fn run_passes_each_argument_line_verbatim() {
    let environment = with_script_in_path(job(), "mirror", r#"printf '<%s>' "$@""#);
    let args = "--match\nquay.io/*\n\n  $(touch pwned) `touch pwned`  \n\"; touch pwned; \"\r\n";
    let set = [("COMMAND", "sync"), ("ARGS", args)];
    let output = run_script(&environment, "run", &set).exits(0);
    assert_eq!(
        output.stdout,
        "<sync><--match><quay.io/*><$(touch pwned) `touch pwned`><\"; touch pwned; \">"
    );
    assert!(!environment.path("pwned").exists());
    assert_eq!(environment.read("output"), "exit-code=0\n");
}

#[test]
fn run_removes_credentials_after_the_command() {
    let environment = with_script_in_path(
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
    let output = run_script(&environment, "run", &set).exits(0);
    // robot:s3 cret, me:other
    for stored in ["cm9ib3Q6czMgY3JldA==", "bWU6b3RoZXI="] {
        assert!(output.stdout.contains(stored), "{}", output.stdout);
    }
    assert!(
        output.stderr.contains("no credentials for none.io"),
        "{}",
        output.stderr
    );
    // Neither the arguments nor the environment of the command have them.
    let seen = environment.read("login") + &output.stdout + &output.stderr;
    assert!(!seen.contains("s3 cret"), "{seen}");
    let left_over = fs::read_dir(environment.path("runner-temp")).unwrap();
    assert_eq!(left_over.count(), 0);
}

#[test]
fn run_writes_exit_code_and_result_to_files() {
    let environment = job();
    environment.write("images-list", "wrong\n");
    let set = [
        ("COMMAND", "lint"),
        ("ARGS", "--output\njson"),
        ("OUTPUT_FILE", "problems.json"),
    ];
    let output = run_script(&environment, "run", &set).exits(1);
    assert_eq!(output.stdout, "");
    let problems = environment.read_json("problems.json");
    assert_eq!(problems["problems"][0]["line"], 1);
    assert_eq!(environment.read("output"), "exit-code=1\n");
}

#[test]
fn run_writes_no_result_through_a_link_of_the_checkout() {
    let environment = job();
    let workspace = environment.path("").display().to_string();
    environment.write("images-list", "a r.io/a 1\n");
    let outside = environment.home().join("profile");
    fs::write(&outside, "old").unwrap();
    std::os::unix::fs::symlink(&outside, environment.path("result")).unwrap();
    std::os::unix::fs::symlink("../home", environment.path("out")).unwrap();
    let run = |file: &str| {
        let set = [
            ("COMMAND", "lint"),
            ("OUTPUT_FILE", file),
            ("GITHUB_WORKSPACE", workspace.as_str()),
        ];
        run_script(&environment, "run", &set)
    };
    let absolute = environment.path("result").display().to_string();
    for file in ["result", "out/profile", "./out/../home/profile", &absolute] {
        let output = run(file).exits(2);
        let want = "::error::the output file is behind a symbolic link of the checkout\n";
        assert_eq!(output.stderr, want, "{file}");
    }
    assert_eq!(fs::read_to_string(&outside).unwrap(), "old");
    run("new").exits(0);
    run(outside.to_str().unwrap()).exits(0);
    assert_eq!(environment.read("new"), "1 row, no problems\n");
}

#[test]
fn run_forwards_the_interrupt_of_a_canceled_job() {
    let environment = with_script_in_path(
        job(),
        "mirror",
        "trap 'echo interrupted; exit 130' TERM; echo ready; for _ in {1..100}; do sleep 0.05; done",
    );
    let mut command = environment.command_for(repository_root().join(".github/action/run"));
    let command = command.env("COMMAND", "sync").stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    send_signal(&child, "INT");
    assert_eq!(lines.next().unwrap().unwrap(), "interrupted");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(environment.read("output"), "exit-code=130\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn install_requires_a_matching_checksum_of_the_release() {
    let binary = b"#!/bin/sh\necho mirror 9.9.9\n".to_vec();
    let environment = job();
    environment.write("asset", &binary);
    let sum = environment.command_for("sha256sum").arg("asset").output();
    let sum = CommandOutput::new(sum.unwrap()).stdout;
    let sum = sum.split(' ').next().unwrap();
    let asset = format!("mirror-v9.9.9-linux-{}", std::env::consts::ARCH);
    let directory = "owner/name/releases/download/v9.9.9";
    let zeros = "0".repeat(64);
    let right = format!("x={zeros} {asset}={sum}");
    let wrong = format!("{asset}={zeros}");
    let other = format!("mirror-v9.9.8-linux-{}={zeros}", std::env::consts::ARCH);
    // SHA256SUMS, the checksum in the workflow, those in the action, and whether the release is
    // installed.
    let table = [
        (format!("{sum}  {asset}\n"), "", "", true),
        (format!("{zeros}  x\n{sum} *{asset}\n"), "", "", true),
        (format!("{zeros}  {asset}\n"), "", "", false),
        (format!("{sum}  other-{asset}\n"), "", "", false),
        (format!("{sum}  {asset}\n"), &zeros, "", false),
        (format!("{zeros}  {asset}\n"), sum, "", true),
        (format!("{sum}  {asset}\n"), "", &wrong, false),
        (format!("{zeros}  {asset}\n"), "", &right, true),
        (format!("{sum}  {asset}\n"), "", &other, true),
        (format!("{sum}  {asset}\n"), &zeros, &right, false),
    ];
    for (sums, checksum, pinned, installed) in table {
        let environment = job();
        let releases = tempfile::tempdir().unwrap();
        let release = releases.path().join(directory);
        fs::create_dir_all(&release).unwrap();
        fs::write(release.join(&asset), &binary).unwrap();
        fs::write(release.join("SHA256SUMS"), &sums).unwrap();
        let server = FileServer::start(releases.path()).await;
        let set = [
            ("VERSION", "v9.9.9"),
            ("REPOSITORY", "owner/name"),
            ("CHECKSUM", checksum),
            ("RELEASE_CHECKSUMS", pinned),
            ("GITHUB_SERVER_URL", &server.url()),
        ];
        let output = block(|| run_script(&environment, "install", &set));
        let binary = environment.path("runner-temp/mirror-v9.9.9/mirror");
        assert_eq!(
            binary.exists(),
            installed,
            "{sums} {checksum} {pinned}: {output:?}"
        );
        if installed {
            assert_eq!(output.exits(0).stdout, "mirror 9.9.9\n");
            assert_eq!(file_mode(&binary), 0o755);
            let on_path = format!("{}\n", binary.parent().unwrap().display());
            assert_eq!(environment.read("path"), on_path);
        } else {
            let output = output.exits(1);
            assert!(output.stderr.contains("::error::"), "{}", output.stderr);
            assert!(!environment.path("path").exists());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn install_requires_the_attestation_of_the_release() {
    let asset = format!("mirror-v9.9.9-linux-{}", std::env::consts::ARCH);
    let releases = tempfile::tempdir().unwrap();
    let release = releases.path().join("owner/name/releases/download/v9.9.9");
    fs::create_dir_all(&release).unwrap();
    fs::write(release.join(&asset), "#!/bin/sh\n").unwrap();
    let sum = job()
        .command_for("sha256sum")
        .arg(release.join(&asset))
        .output();
    let sum = CommandOutput::new(sum.unwrap()).stdout;
    let pinned = format!("{asset}={}", sum.split(' ').next().unwrap());
    let server = FileServer::start(releases.path()).await;
    let verify = "attestation verify ASSET --repo owner/name --source-ref refs/tags/v9.9.9 --signer-workflow owner/name/.github/workflows/release.yml\n";
    // The exit code of gh, its token, and whether the release is installed.
    for (code, token, called, installed) in [
        ("0", "x", true, true),
        ("1", "x", true, false),
        ("1", "", false, true),
    ] {
        let gh = format!(
            "[[ $3 != --help ]] || exit 0; printf '%s\\n' \"${{*/\"$3\"/ASSET}}\" >>calls; exit {code}"
        );
        let environment = with_script_in_path(job(), "gh", &gh);
        let set = [
            ("VERSION", "v9.9.9"),
            ("REPOSITORY", "owner/name"),
            ("RELEASE_CHECKSUMS", &pinned),
            ("GH_TOKEN", token),
            ("GITHUB_SERVER_URL", &server.url()),
        ];
        let output = block(|| run_script(&environment, "install", &set));
        assert_eq!(output.code, Some(i32::from(!installed)), "{output:?}");
        let calls = fs::read_to_string(environment.path("calls")).unwrap_or_default();
        assert_eq!(calls, if called { verify } else { "" });
        if !installed {
            let want = format!(
                "::error::cannot install mirror: the attestation of {asset} is not that of release v9.9.9 of owner/name\n"
            );
            assert_eq!(output.stderr, want);
        }
    }
}

#[test]
fn release_pins_its_binaries_in_the_action() {
    let environment = job();
    let action = fs::read_to_string(repository_root().join("action.yml")).unwrap();
    environment.write("action.yml", &action);
    let [one, two] = ["1", "2"].map(|digit| digit.repeat(64));
    environment.write(
        "SHA256SUMS",
        format!("{one}  mirror-v9.9.9-linux-aarch64\n{two}  mirror-v9.9.9-linux-x86_64\n{two}  mirror-v9.9.9.cdx.json\n"),
    );
    let script = repository_root().join("scripts/pin-release");
    let pin = || {
        let mut command = environment.command_for(&script);
        command.args(["SHA256SUMS", "action.yml"]);
        CommandOutput::new(command.output().unwrap())
    };
    // A second run replaces the checksums.
    for _ in 0..2 {
        pin().exits(0);
        let want = format!(
            "        RELEASE_CHECKSUMS: \"mirror-v9.9.9-linux-aarch64={one} mirror-v9.9.9-linux-x86_64={two}\""
        );
        let pinned = environment.read("action.yml");
        let changed = pinned
            .lines()
            .zip(action.lines())
            .filter(|(now, old)| now != old);
        assert_eq!(changed.map(|(now, _)| now).collect::<Vec<_>>(), [want]);
        assert_eq!(pinned.lines().count(), action.lines().count());
    }
    for sums in ["", "1234  mirror-v9.9.9-linux-x86_64\n"] {
        environment.write("SHA256SUMS", sums);
        pin().exits(1);
    }
    let release = fs::read_to_string(repository_root().join(".github/workflows/release.yml"));
    let call = "scripts/pin-release dist/SHA256SUMS action.yml\n";
    assert!(release.unwrap().contains(call));
}

#[test]
fn install_reports_the_cause_of_a_failure() {
    let table = [
        (vec![("VERSION", "latest")], "invalid release"),
        (vec![("VERSION", "v1/../..")], "invalid release"),
        (vec![("VERSION", "v1.0.0")], "no repository for release"),
        (
            vec![("VERSION", "v1\n::add-mask::e\r\n")],
            "invalid release 'v1 ::add-mask::e  '",
        ),
    ];
    for (set, want) in table {
        let output = run_script(&job(), "install", &set).exits(1);
        assert!(output.stderr.contains(want), "{set:?}: {}", output.stderr);
    }
    let environment = with_script_in_path(job(), "cargo", "echo broken >&2; exit 101");
    let output = run_script(&environment, "install", &[]).exits(1);
    assert!(
        output.stderr.contains("cargo build failed"),
        "{}",
        output.stderr
    );
    assert!(!environment.path("path").exists());
}

#[test]
fn install_builds_the_source_once_without_a_version() {
    let cargo = r#"
        while [[ $1 != --target-dir ]]; do printf '%s ' "$1" >>calls; shift; done
        mkdir -p "$2/release"
        printf '#!/bin/sh\necho built\n' >"$2/release/mirror""#;
    let environment = with_script_in_path(job(), "cargo", cargo);
    for _ in 0..2 {
        let output = run_script(&environment, "install", &[("VERSION", "")]).exits(0);
        assert_eq!(output.stdout, "built\n");
    }
    let calls = environment.read("calls");
    assert_eq!(calls.matches("build --release").count(), 1, "{calls}");
    assert!(calls.contains("--locked"), "{calls}");
    let mut command = environment.command_for(repository_root().join(".github/action/install"));
    let output = CommandOutput::new(command.arg("--where").output().unwrap()).exits(0);
    let directory = environment.read("path");
    let directory = directory.lines().next().unwrap();
    assert!(
        output
            .stdout
            .starts_with(&format!("directory={directory}\n")),
        "{output:?}"
    );
}

#[test]
fn install_has_one_cache_key_per_source_tree() {
    let environment = job();
    let cache_location = |root: &std::path::Path| {
        let mut command = environment.command_for(root.join(".github/action/install"));
        let output = command.arg("--where").output().unwrap();
        CommandOutput::new(output).exits(0).stdout
    };
    let here = cache_location(&repository_root());
    assert!(
        here.starts_with("directory=/") && here.contains("\nkey=mirror-linux-"),
        "{here}"
    );
    assert_eq!(here, cache_location(&repository_root()));
    let other = environment.path("other");
    fs::create_dir_all(other.join("crates")).unwrap();
    fs::create_dir_all(other.join(".github/action")).unwrap();
    for file in ["Cargo.toml", "Cargo.lock", ".github/action/install"] {
        fs::copy(repository_root().join(file), other.join(file)).unwrap();
    }
    let before = cache_location(&other);
    fs::write(other.join("crates/new.rs"), "").unwrap();
    assert_ne!(before, cache_location(&other));
    assert_ne!(before, here);
}
