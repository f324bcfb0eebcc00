//! The wrapper scripts with the names of the old mirror, run directly and through make.

use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use embedded_registry::images::{Platform, sample_image};
use embedded_registry::{Registry, RunningRegistry};
use testkit::GitRepository;

use crate::environment::{CommandOutput, TestEnvironment, path_with_mirror, repository_root};

/// The way a job starts a script.
#[derive(Debug, Clone, Copy)]
enum Caller {
    Shell,
    Make,
}

const CALLERS: [Caller; 2] = [Caller::Shell, Caller::Make];

/// A working directory with the scripts and the Makefile of a checkout.
fn checkout() -> TestEnvironment {
    let environment = TestEnvironment::new().with_env("PATH", &path_with_mirror());
    for name in ["scripts", "Makefile"] {
        symlink(repository_root().join(name), environment.path(name)).unwrap();
    }
    environment
}

impl Caller {
    fn command(
        self,
        environment: &TestEnvironment,
        script: &str,
        variables: &[(&str, &str)],
    ) -> Command {
        match self {
            Self::Shell => {
                let mut command = environment.command_for(format!("scripts/{script}"));
                command.envs(variables.iter().copied());
                command
            }
            Self::Make => {
                let mut command = environment.command_for("make");
                let arguments = variables
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"));
                command
                    .args(["--no-print-directory", script])
                    .args(arguments);
                command
            }
        }
    }

    fn run(
        self,
        environment: &TestEnvironment,
        script: &str,
        variables: &[(&str, &str)],
    ) -> CommandOutput {
        CommandOutput::new(
            self.command(environment, script, variables)
                .output()
                .unwrap(),
        )
    }

    /// The exit code: make exits with 2 for every failure.
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
fn make_without_a_target_prints_the_targets() {
    let environment = checkout();
    let output = CommandOutput::new(environment.command_for("make").output().unwrap()).exits(0);
    for script in [
        "add-full-image-wrapper.sh",
        "add-tag-to-existing-image.sh",
        "check-new-images-exist.sh",
        "compare.sh",
        "image-mirror.sh",
        "sort-images-list.sh",
    ] {
        assert!(
            output.stdout.contains(script),
            "{script}: {}",
            output.stdout
        );
    }
}

#[test]
fn sort_images_list_sorts_the_list() {
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
async fn wrapper_of_add_tag_sorts_the_list_and_add_tag_warns() {
    let registry = registry().await;
    let r = registry.host();
    let unsorted = row(&registry, "1.6.9") + &row(&registry, "1.6.1");
    let name = format!("{r}/source/a");
    let environment = checkout();
    environment.write("images-list", &unsorted);
    let line = format!("add-tag --full-images {name}:1.6.10");
    let output = environment.mirror(&line).exits(0);
    assert!(
        output.stderr.contains("images-list is out of order")
            && output.stderr.contains("`mirror fmt`"),
        "{}",
        output.stderr
    );
    for caller in CALLERS {
        environment.write("images-list", &unsorted);
        let set = [("IMAGES", name.as_str()), ("TAGS", "1.6.10")];
        caller
            .run(&environment, "add-tag-to-existing-image.sh", &set)
            .exits(0);
        let sorted = ["1.6.1", "1.6.9", "1.6.10"].map(|tag| row(&registry, tag));
        assert_eq!(
            environment.read("images-list"),
            sorted.concat(),
            "{caller:?}"
        );
    }
}

#[test]
fn problems_of_add_tag_are_errors_in_github_actions() {
    let environment = checkout().with_github_actions();
    environment.write("images-list", "a r.io/a 1\n");
    let set = [("IMAGES", "b"), ("TAGS", "2")];
    let output = Caller::Shell.run(&environment, "add-tag-to-existing-image.sh", &set);
    let output = output.exits(1);
    assert!(
        output
            .stderr
            .contains("::error::b:2: images-list has no row with this source"),
        "{}",
        output.stderr
    );
    let failed = environment.mirror("lint --images-list gone").exits(2);
    assert!(
        failed
            .stderr
            .contains("::error::cannot read the list gone: "),
        "{}",
        failed.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn image_mirror_writes_arch_tags() {
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
async fn image_mirror_and_compare_read_a_file_or_stdin() {
    let registry = registry().await;
    let environment = checkout();
    environment.write("file", row(&registry, "1.6.1"));
    environment.write("piped", row(&registry, "1.6.9"));
    let run = |script: &str, arguments: &[&str]| {
        let mut command = Caller::Shell.command(&environment, script, &[]);
        let piped = std::fs::File::open(environment.path("piped")).unwrap();
        let command = command.args(arguments).stdin(Stdio::from(piped));
        CommandOutput::new(command.output().unwrap())
    };
    run("compare.sh", &["file"]).exits(1);
    let output = run("image-mirror.sh", &["file", "--no-referrers"]).exits(0);
    assert!(!output.stdout.contains("1.6.9"), "{}", output.stdout);
    run("compare.sh", &["file", "--arch-tags"]).exits(0);
    run("compare.sh", &[]).exits(1);
    run("image-mirror.sh", &[]).exits(0);
    run("compare.sh", &[]).exits(0);
    run("image-mirror.sh", &["gone"]).exits(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn compare_reports_missing_rows() {
    for caller in CALLERS {
        let registry = registry().await;
        let environment = checkout();
        environment.write("daily", row(&registry, "1.6.1"));
        let set = [("IMAGES_FILE", "daily")];
        let output = caller.run(&environment, "compare.sh", &set);
        let output = output.exits(caller.code(1));
        assert!(output.stdout.contains("1 missing"), "{}", output.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn image_mirror_logs_in_with_the_docker_variables() {
    for caller in CALLERS {
        let registry = registry().await;
        let host = registry.host();
        let environment = checkout().without_auth_files();
        let environment = environment.with_env("DOCKER_PASSWORD", testkit::canary!("s3 cret "));
        environment.write("empty", "# nothing yet\n");
        let set = [
            ("DOCKER_REGISTRY", host.as_str()),
            ("DOCKER_USERNAME", "robot"),
            ("IMAGES_FILE", "empty"),
        ];
        caller.run(&environment, "image-mirror.sh", &set).exits(0);
        let stored = environment.home().join(".docker/config.json");
        let stored = std::fs::read_to_string(stored).unwrap();
        // base64 of `robot:s3 cret`, without the canary
        assert!(stored.contains("cm9ib3Q6czMgY3JldC"), "{stored}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn add_tag_wrappers_skip_existing_rows() {
    let table = |host: &str| {
        let source = format!("{host}/source/a");
        let full = format!("{source}:1.6.10,{source}:1.6.1");
        [
            (
                "add-tag-to-existing-image.sh",
                vec![
                    ("IMAGES", source),
                    ("TAGS", "1.6.10,1.6.1".to_owned()),
                    // Another step of the job has set it.
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
            // The list has every row now.
            caller.run(&environment, script, &set).exits(0);
            assert_eq!(environment.read("images-list"), want, "{caller:?} {script}");
        }
        let environment = checkout();
        let output = Caller::Shell.run(&environment, script, &[]).exits(2);
        assert!(output.stderr.contains("IMAGES"), "{}", output.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_new_images_exist_checks_added_rows() {
    let registry = registry().await;
    for caller in CALLERS {
        let mut environment = checkout();
        for (name, value) in GitRepository::environment() {
            environment = environment.with_env(name, value);
        }
        let git = |args: &[&str]| {
            let output = environment.command_for("git").args(args).output().unwrap();
            CommandOutput::new(output).exits(0).stdout.trim().to_owned()
        };
        environment.write("images-list", row(&registry, "1.6.1"));
        git(&["init", "--quiet", "--initial-branch=main"]);
        git(&["add", "images-list"]);
        git(&["commit", "--quiet", "--message", "first"]);
        git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
        let run = |variables: &[(&str, &str)]| {
            caller.run(&environment, "check-new-images-exist.sh", variables)
        };
        environment.write(
            "images-list",
            row(&registry, "1.6.1") + &row(&registry, "1.6.9"),
        );
        run(&[]).exits(0);
        let missing = row(&registry, "1.6.1") + &row(&registry, "1.7");
        environment.write("images-list", missing);
        let output = run(&[]).exits(caller.code(1));
        assert!(output.stdout.contains("1.7"), "{}", output.stdout);

        // Committed on main itself: only Drone's variables name the commit before.
        let before = git(&["rev-parse", "HEAD"]);
        git(&["commit", "--quiet", "--all", "--message", "second"]);
        git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
        run(&[]).exits(0);
        run(&[("DRONE", "true"), ("DRONE_COMMIT_BEFORE", &before)]).exits(caller.code(1));
    }
}
