//! The scripts with the old names, run as jobs run them: directly and through make.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use embedded_registry::images::{Platform, sample_image};
use embedded_registry::{Registry, RunningRegistry};
use testkit::GitRepository;

use crate::environment::{Finished, TestEnvironment};

/// The top of the repository.
pub(crate) fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A PATH with the binary before everything else.
pub(crate) fn search_path() -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_mirror")).parent().unwrap();
    format!("{}:/usr/local/bin:/usr/bin:/bin", binary.display())
}

/// How a job calls a script.
#[derive(Debug, Clone, Copy)]
enum Caller {
    Shell,
    Make,
}

const CALLERS: [Caller; 2] = [Caller::Shell, Caller::Make];

/// A folder with the scripts and the Makefile, as a checkout has them.
fn checkout() -> TestEnvironment {
    let environment = TestEnvironment::new().with("PATH", &search_path());
    for name in ["scripts", "Makefile"] {
        symlink(top().join(name), environment.path(name)).unwrap();
    }
    environment
}

impl Caller {
    fn command(self, environment: &TestEnvironment, script: &str, set: &[(&str, &str)]) -> Command {
        match self {
            Self::Shell => {
                let mut command = environment.program(format!("scripts/{script}"));
                command.envs(set.iter().copied());
                command
            }
            Self::Make => {
                let mut command = environment.program("make");
                let words = set.iter().map(|(name, value)| format!("{name}={value}"));
                command.args(["--no-print-directory", script]).args(words);
                command
            }
        }
    }

    fn run(self, environment: &TestEnvironment, script: &str, set: &[(&str, &str)]) -> Finished {
        Finished::of(self.command(environment, script, set).output().unwrap())
    }

    /// make has one code for every failure.
    fn code(self, code: i32) -> i32 {
        match self {
            Self::Make if code != 0 => 2,
            _ => code,
        }
    }
}

async fn registry() -> RunningRegistry {
    let registry = Registry::new().start().await.unwrap();
    let platforms = [Platform::linux("amd64"), Platform::linux("arm64")];
    for (seed, tag) in (1..).zip(["1.6.1", "1.6.9", "1.6.10"]) {
        let image = sample_image("a", seed, &platforms, 1).unwrap();
        image.push(&registry, "source/a", Some(tag));
    }
    registry
}

fn row(registry: &RunningRegistry, tag: &str) -> String {
    let host = registry.host();
    format!("{host}/source/a {host}/copies/a {tag}\n")
}

#[test]
fn make_without_a_target_only_says_what_there_is() {
    let environment = checkout();
    let done = Finished::of(environment.program("make").output().unwrap()).exits(0);
    for script in [
        "add-full-image-wrapper.sh",
        "add-tag-to-existing-image.sh",
        "check-new-images-exist.sh",
        "compare.sh",
        "image-mirror.sh",
        "sort-images-list.sh",
    ] {
        assert!(done.stdout.contains(script), "{script}: {}", done.stdout);
    }
}

#[test]
fn sort_images_list_sorts() {
    for caller in CALLERS {
        let environment = checkout();
        environment.write("images-list", "# head\na r.io/a 1.10\na r.io/a 1.9\n");
        caller
            .run(&environment, "sort-images-list.sh", &[])
            .exits(0);
        let sorted = "# head\na r.io/a 1.9\na r.io/a 1.10\n";
        assert_eq!(environment.read("images-list"), sorted, "{caller:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn image_mirror_writes_the_tags_per_architecture() {
    for caller in CALLERS {
        let registry = registry().await;
        let environment = checkout();
        environment.write("daily", row(&registry, "1.6.1"));
        let set = [("IMAGES_FILE", "daily"), ("DEST_ORG_OVERRIDE", "other")];
        caller.run(&environment, "image-mirror.sh", &set).exits(0);
        for tag in ["1.6.1", "1.6.1-amd64", "1.6.1-arm64"] {
            assert!(
                registry.tagged("other/a", tag).is_some(),
                "{caller:?} {tag}"
            );
        }
        assert!(registry.tagged("copies/a", "1.6.1").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn image_mirror_and_compare_take_a_file_or_standard_input() {
    let registry = registry().await;
    let environment = checkout();
    environment.write("given", row(&registry, "1.6.1"));
    environment.write("piped", row(&registry, "1.6.9"));
    let run = |script: &str, given: &[&str]| {
        let mut command = Caller::Shell.command(&environment, script, &[]);
        let piped = std::fs::File::open(environment.path("piped")).unwrap();
        let command = command.args(given).stdin(Stdio::from(piped));
        Finished::of(command.output().unwrap())
    };
    run("compare.sh", &["given"]).exits(1);
    let done = run("image-mirror.sh", &["given", "--no-referrers"]).exits(0);
    assert!(!done.stdout.contains("1.6.9"), "{}", done.stdout);
    run("compare.sh", &["given", "--arch-tags"]).exits(0);
    run("compare.sh", &[]).exits(1);
    run("image-mirror.sh", &[]).exits(0);
    run("compare.sh", &[]).exits(0);
    run("image-mirror.sh", &["gone"]).exits(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn compare_finds_what_is_missing() {
    for caller in CALLERS {
        let registry = registry().await;
        let environment = checkout();
        environment.write("daily", row(&registry, "1.6.1"));
        let set = [("IMAGES_FILE", "daily")];
        let done = caller.run(&environment, "compare.sh", &set);
        let done = done.exits(caller.code(1));
        assert!(done.stdout.contains("1 missing"), "{}", done.stdout);
    }
}

#[test]
fn image_mirror_logs_in_as_the_variables_say() {
    for caller in CALLERS {
        let environment = checkout().with_no_auth_files();
        let environment = environment.with("DOCKER_PASSWORD", testkit::canary!("s3 cret "));
        environment.write("empty", "# nothing yet\n");
        let set = [
            ("DOCKER_REGISTRY", "r.io"),
            ("DOCKER_USERNAME", "robot"),
            ("IMAGES_FILE", "empty"),
        ];
        caller.run(&environment, "image-mirror.sh", &set).exits(0);
        let stored = environment.home().join(".docker/config.json");
        let stored = std::fs::read_to_string(stored).unwrap();
        // robot:s3 cret, and the mark
        assert!(stored.contains("cm9ib3Q6czMgY3JldC"), "{stored}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_added_and_those_there_are_passed_over() {
    let table = |host: &str| {
        let source = format!("{host}/source/a");
        let full = format!("{source}:1.6.10,{source}:1.6.1");
        [
            (
                "add-tag-to-existing-image.sh",
                vec![
                    ("IMAGES", source),
                    ("TAGS", "1.6.10,1.6.1".to_owned()),
                    // Left behind by another step of the job.
                    ("FULL_IMAGES", "nowhere/b:1".to_owned()),
                ],
            ),
            (
                "add-full-image-wrapper.sh",
                vec![("FULL_IMAGES", full), ("TAGS", "2".to_owned())],
            ),
        ]
    };
    let registry = registry().await;
    for (script, set) in table(&registry.host()) {
        let set: Vec<_> = set
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        for caller in CALLERS {
            let environment = checkout();
            let before = row(&registry, "1.6.9");
            environment.write("images-list", &before);
            caller.run(&environment, script, &set).exits(0);
            let want = ["1.6.1", "1.6.9", "1.6.10"]
                .map(|tag| row(&registry, tag))
                .concat();
            assert_eq!(environment.read("images-list"), want, "{caller:?} {script}");
            // All of it is there now.
            caller.run(&environment, script, &set).exits(0);
            assert_eq!(environment.read("images-list"), want, "{caller:?} {script}");
        }
        let environment = checkout();
        let done = Caller::Shell.run(&environment, script, &[]).exits(2);
        assert!(done.stderr.contains("IMAGES"), "{}", done.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_images_are_looked_for() {
    let registry = registry().await;
    for caller in CALLERS {
        let mut environment = checkout();
        for (name, value) in GitRepository::environment() {
            environment = environment.with(name, value);
        }
        let git = |args: &[&str]| {
            let done = environment.program("git").args(args).output().unwrap();
            Finished::of(done).exits(0).stdout.trim().to_owned()
        };
        environment.write("images-list", row(&registry, "1.6.1"));
        git(&["init", "--quiet", "--initial-branch=main"]);
        git(&["add", "images-list"]);
        git(&["commit", "--quiet", "--message", "first"]);
        git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
        let run = |set: &[(&str, &str)]| caller.run(&environment, "check-new-images-exist.sh", set);
        environment.write(
            "images-list",
            row(&registry, "1.6.1") + &row(&registry, "1.6.9"),
        );
        run(&[]).exits(0);
        let gone = row(&registry, "1.6.1") + &row(&registry, "1.7");
        environment.write("images-list", gone);
        let done = run(&[]).exits(caller.code(1));
        assert!(done.stdout.contains("1.7"), "{}", done.stdout);

        // Committed on the main branch itself: only Drone's variables tell what it was before.
        let before = git(&["rev-parse", "HEAD"]);
        git(&["commit", "--quiet", "--all", "--message", "second"]);
        git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
        run(&[]).exits(0);
        run(&[("DRONE", "true"), ("DRONE_COMMIT_BEFORE", &before)]).exits(caller.code(1));
    }
}
