//! The scripts in the workflows, run against real git repositories and a fake `gh`.

use std::fs;

use testkit::GitRepository;

use crate::environment::{CommandOutput, TestEnvironment, registry_with};
use crate::workflows::Yaml;

/// The checkout of a job, and the script of one step.
struct Job {
    environment: TestEnvironment,
    script: String,
}

impl Job {
    /// Clones `origin` for a step of a workflow. `gh` is the body of the fake `gh`.
    fn new(workflow: &str, step: &str, origin: &GitRepository, gh: &str) -> Self {
        let yaml = Yaml::read(&format!(".github/workflows/{workflow}.yml"));
        let scripts = yaml.scripts();
        let script = scripts.iter().find(|(name, _)| name == step);
        let mut environment = TestEnvironment::new();
        let gh_script = format!("#!/bin/bash\nprintf '%s\\n' \"$*\" >>\"$HOME/gh\"\n{gh}\n");
        let tools = environment.install_script("bin", "gh", &gh_script);
        let set = [
            ("PATH", format!("{}:/usr/bin:/bin", tools.display())),
            ("RUNNER_TEMP", environment.home().display().to_string()),
            (
                "GITHUB_OUTPUT",
                environment.home().join("output").display().to_string(),
            ),
            (
                "GITHUB_STEP_SUMMARY",
                environment.home().join("summary").display().to_string(),
            ),
            ("GITHUB_REPOSITORY", "o/r".to_owned()),
            ("GITHUB_SERVER_URL", "https://github.example".to_owned()),
            ("GITHUB_REF_NAME", "main".to_owned()),
            ("GITHUB_ACTOR", "octocat".to_owned()),
            ("GITHUB_RUN_ID", "7".to_owned()),
            ("GITHUB_RUN_ATTEMPT", "1".to_owned()),
            (
                "GITHUB_WORKFLOW_REF",
                format!("o/r/.github/workflows/{workflow}.yml@refs/heads/main"),
            ),
        ];
        for (name, value) in set {
            environment = environment.with_env(name, &value);
        }
        // The script sets its own identity.
        for (name, value) in GitRepository::environment() {
            if name.starts_with("GIT_CONFIG") {
                environment = environment.with_env(name, value);
            }
        }
        let script = script.map(|(_, text)| text.clone()).unwrap();
        let source = origin.path().to_str().unwrap();
        let cloned = environment
            .command_for("git")
            .args(["clone", "--quiet", source, "."])
            .output();
        CommandOutput::new(cloned.unwrap()).exits(0);
        Self {
            environment,
            script,
        }
    }

    /// Runs the script as a runner does for `shell: bash`.
    fn run(&self, variables: &[(&str, &str)]) -> CommandOutput {
        let file = self.environment.home().join("script.sh");
        fs::write(&file, &self.script).unwrap();
        let mut command = self.environment.command_for("bash");
        command
            .args(["--noprofile", "--norc", "-eo", "pipefail"])
            .arg(file);
        CommandOutput::new(command.envs(variables.iter().copied()).output().unwrap())
    }

    fn read_home(&self, name: &str) -> String {
        fs::read_to_string(self.environment.home().join(name)).unwrap_or_default()
    }
}

/// A repository with three commits, and their hashes.
fn history() -> (GitRepository, Vec<String>) {
    let origin = GitRepository::new();
    let commits = ["1", "2", "3"].map(|tag| {
        origin.write("images-list", &format!("a r.io/a {tag}\n"));
        origin.commit(tag)
    });
    (origin, commits.into())
}

#[test]
fn mirror_starts_from_the_last_successful_run() {
    let (origin, commits) = history();
    let zeros = "0".repeat(40);
    let unknown = "1234567890".repeat(4);
    let (first, second) = (commits[0].as_str(), commits[1].as_str());
    let argument = |commit: &str| format!("argument=--changed-since={commit}\n");
    // The script of gh, `before` of the push, and the output.
    let table = [
        // The run for the second commit was canceled or failed.
        (format!("echo {first}"), second, argument(first)),
        // The first run.
        ("echo".to_owned(), second, argument(second)),
        ("exit 1".to_owned(), second, argument(second)),
        // A force push: the commits are not in this history.
        (format!("echo {unknown}"), unknown.as_str(), String::new()),
        (format!("echo {unknown}"), second, argument(second)),
        // A new branch.
        ("echo".to_owned(), zeros.as_str(), String::new()),
    ];
    for (gh, before, want) in table {
        let job = Job::new("mirror", "Find the commit to start from", &origin, &gh);
        let set = [("GITHUB_EVENT_NAME", "push"), ("BEFORE", before)];
        let output = job.run(&set).exits(0);
        assert_eq!(job.read_home("output"), want, "{gh} {before}");
        assert_eq!(
            want.is_empty(),
            output.stdout.contains("the whole list"),
            "{output:?}"
        );
        let calls = job.read_home("gh");
        assert!(
            calls.contains("--workflow mirror.yml --branch main"),
            "{calls}"
        );
    }
    let job = Job::new("mirror", "Find the commit to start from", &origin, "exit 1");
    job.run(&[("GITHUB_EVENT_NAME", "workflow_dispatch"), ("BEFORE", "")])
        .exits(0);
    assert_eq!(
        (job.read_home("output"), job.read_home("gh")),
        (String::new(), String::new())
    );
}

/// A `gh` that saves the body of `gh pr create`.
const GH_PR_CREATE: &str = r#"if [[ $1 == pr ]]; then
    cp "${@: -1}" "$HOME/body"
    echo https://github.example/o/r/pull/12
fi"#;

#[test]
fn add_tag_opens_a_pull_request_with_the_added_rows() {
    let (origin, commits) = history();
    let job = Job::new("add-tag", "Open a pull request", &origin, GH_PR_CREATE);
    job.environment
        .write("images-list", "a r.io/a 3\na r.io/a 4\n");
    let tags = "4\"; touch pwned; $(touch pwned)";
    let set = [("IMAGES", "a"), ("TAGS", tags), ("FULL_IMAGES", "")];
    let output = job.run(&set).exits(0);
    assert!(output.stdout.contains("/o/r/pull/12"), "{output:?}");
    assert!(!job.environment.path("pwned").exists());

    let title = format!("Added tag(s) {tags} for image(s) a");
    let log = ["log", "--format=%an|%s|%P", "-1", "add-tag/7-1"];
    let pushed = origin.git(&log);
    assert_eq!(
        pushed.trim(),
        format!("github-actions[bot]|{title}|{}", commits[2])
    );
    assert_eq!(
        origin.git(&["show", "add-tag/7-1:images-list"]),
        "a r.io/a 3\na r.io/a 4\n"
    );
    assert_eq!(origin.git(&["rev-parse", "main"]).trim(), commits[2]);
    let called = job.read_home("gh");
    let create = format!("pr create --base main --head add-tag/7-1 --title {title} --body-file");
    assert!(called.contains(&create), "{called}");
    assert!(called.contains("repos/o/r/issues/12/labels"), "{called}");
    let body = job.read_home("body");
    assert!(
        body.contains("\na r.io/a 4\n") && !body.contains("a r.io/a 3\n"),
        "{body}"
    );
    assert!(job.read_home("summary").contains("/pull/12"));
}

#[test]
fn add_tag_titles_name_the_request_within_the_length_limit() {
    let (origin, _) = history();
    let long = "x".repeat(300);
    let table = [
        ("", "", "b:1", "Added image(s) b:1".to_owned()),
        (
            "a",
            "4",
            "b:1",
            "Added image(s) b:1; tag(s) 4 for a".to_owned(),
        ),
        (
            "a",
            "4\n5",
            "",
            "Added tag(s) 4 5 for image(s) a".to_owned(),
        ),
        (
            "a",
            &long,
            "",
            format!("Added tag(s) {} ", "x".repeat(243))
                .trim()
                .to_owned(),
        ),
    ];
    for (images, tags, full, want) in table {
        let job = Job::new("add-tag", "Open a pull request", &origin, GH_PR_CREATE);
        job.environment
            .write("images-list", "a r.io/a 3\na r.io/a 4\n");
        job.run(&[("IMAGES", images), ("TAGS", tags), ("FULL_IMAGES", full)])
            .exits(0);
        let called = job.read_home("gh");
        let title = format!("--title {want} --body-file");
        assert!(called.contains(&title), "{title}: {called}");
        origin.git(&["branch", "-D", "add-tag/7-1"]);
    }
}

#[test]
fn add_tag_opens_no_pull_request_without_new_rows() {
    let (origin, _) = history();
    let job = Job::new("add-tag", "Open a pull request", &origin, "exit 1");
    let set = [("IMAGES", "a"), ("TAGS", "3"), ("FULL_IMAGES", "")];
    let output = job.run(&set).exits(0);
    assert!(output.stdout.contains("Nothing to add"), "{output:?}");
    assert_eq!(job.read_home("gh"), "");
    assert_eq!(origin.git(&["branch", "--list"]).trim(), "* main");
}

#[test]
fn retrieve_tags_refuses_entries_that_would_be_further_arguments() {
    let (origin, _) = history();
    for (entries, code, output) in [
        ("", 0, ""),
        ("a,b c", 0, "argument=--entry=a,b c\n"),
        ("a\n--config=/etc/passwd", 2, ""),
        ("a\r--apply", 2, ""),
    ] {
        let job = Job::new("retrieve-tags", "Check the entries", &origin, "exit 1");
        job.run(&[("ENTRIES", entries)]).exits(code);
        assert_eq!(job.read_home("output"), output, "{entries:?}");
    }
}

#[test]
fn retrieve_tags_builds_helm_only_for_chart_entries() {
    let go =
        "#!/bin/bash\necho \"$@ into $GOBIN\" >>\"$HOME/go\"\ninstall -D \"$0\" \"$GOBIN/helm\"\n";
    for (source, needed) in [("registry", false), ("helm-oci", true)] {
        let origin = GitRepository::new();
        origin.write(
            "config.json",
            &format!("{{\"a\": {{\"versionSource\": \"{source}\"}}}}\n"),
        );
        origin.commit("first");
        let job = Job::new("retrieve-tags", "Install helm", &origin, "exit 1");
        job.environment.install_script("bin", "go", go);
        let home = job.environment.home();
        let env_file = home.join("variables");
        let set = [
            ("VERSION", "v9.9.9"),
            ("GITHUB_ENV", env_file.to_str().unwrap()),
        ];
        job.run(&set).exits(0);
        // The next run uses the cache.
        job.run(&set).exits(0);
        let directory = home.join(".local/mirror-helm");
        let (go_calls, variables) = match needed {
            true => (
                format!(
                    "install -trimpath helm.sh/helm/v3/cmd/helm@v9.9.9 into {}\n",
                    directory.display()
                ),
                format!("HELM={}/helm\n", directory.display()).repeat(2),
            ),
            false => (String::new(), String::new()),
        };
        assert_eq!(
            (job.read_home("go"), job.read_home("variables")),
            (go_calls, variables)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn validate_needs_only_the_fetch_depth_of_the_workflow() {
    let registry = registry_with(&["a:3"]).await;
    let host = registry.host();
    let rows: Vec<_> = ["1", "2", "3"]
        .map(|tag| format!("{host}/a {host}/copies/a {tag}\n"))
        .into();
    // Tag 2 was merged by another pull request and is missing: this check ignores it.
    let origin = GitRepository::new();
    origin.write("images-list", &rows[0]);
    origin.commit("first");
    origin.git(&["checkout", "--quiet", "-b", "topic"]);
    origin.write("images-list", &[&rows[0][..], &rows[2]].concat());
    origin.commit("third");
    origin.git(&["checkout", "--quiet", "main"]);
    origin.write("images-list", &[&rows[0][..], &rows[1]].concat());
    origin.commit("second");
    // Adjacent rows conflict in git: record the merge by hand.
    origin.git(&[
        "merge",
        "--quiet",
        "--no-commit",
        "--strategy=ours",
        "topic",
    ]);
    origin.write("images-list", &rows.concat());
    origin.commit("merge");

    let yaml = Yaml::read(".github/workflows/validate.yml");
    let depth = yaml.values("fetch-depth").next().unwrap().trim();
    let base = yaml.argument_after("--base");
    let environment = TestEnvironment::new();
    let source = format!("file://{}", origin.path().display());
    environment.run("git", &["clone", "--quiet", "--depth", depth, &source, "."]);
    let line = format!("check-new --output json --base {base}");
    let document = environment.mirror(&line).exits(0).json();
    assert_eq!(document["added"].as_array().unwrap().len(), 1, "{document}");
    assert_eq!(
        (
            &document["added"][0]["tag"],
            &document["added"][0]["status"]
        ),
        (&"3".into(), &"ok".into())
    );
}
