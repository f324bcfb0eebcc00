//! The scripts inside the workflows, run against real git repositories and a `gh` that answers what
//! the test says.

use std::fs;

use embedded_registry::Registry;
use embedded_registry::images::{Platform, sample_image};
use testkit::GitRepository;

use crate::environment::{Finished, TestEnvironment};
use crate::workflows::Yaml;

/// A checkout of a repository, as a job has it.
struct Job {
    environment: TestEnvironment,
    script: String,
}

impl Job {
    /// `gh` is the body of a script; it is called with what the workflow calls it with.
    fn new(workflow: &str, step: &str, origin: &GitRepository, gh: &str) -> Self {
        let yaml = Yaml::read(&format!(".github/workflows/{workflow}.yml"));
        let scripts = yaml.scripts();
        let script = scripts.iter().find(|(name, _)| name == step);
        let mut environment = TestEnvironment::new();
        let fake = format!("#!/bin/bash\nprintf '%s\\n' \"$*\" >>\"$HOME/gh\"\n{gh}\n");
        let tools = environment.executable("bin", "gh", &fake);
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
            ("GITHUB_ACTOR", "somebody".to_owned()),
            ("GITHUB_RUN_ID", "7".to_owned()),
            ("GITHUB_RUN_ATTEMPT", "1".to_owned()),
            (
                "GITHUB_WORKFLOW_REF",
                format!("o/r/.github/workflows/{workflow}.yml@refs/heads/main"),
            ),
        ];
        for (name, value) in set {
            environment = environment.with(name, &value);
        }
        // Not the identity: the script sets its own.
        for (name, value) in GitRepository::environment() {
            if name.starts_with("GIT_CONFIG") {
                environment = environment.with(name, value);
            }
        }
        let script = script.map(|(_, text)| text.clone()).unwrap();
        let source = origin.path().to_str().unwrap();
        let cloned = environment
            .program("git")
            .args(["clone", "--quiet", source, "."])
            .output();
        Finished::of(cloned.unwrap()).exits(0);
        Self {
            environment,
            script,
        }
    }

    /// As a runner runs `shell: bash`.
    fn run(&self, variables: &[(&str, &str)]) -> Finished {
        let file = self.environment.home().join("script.sh");
        fs::write(&file, &self.script).unwrap();
        let mut command = self.environment.program("bash");
        command
            .args(["--noprofile", "--norc", "-eo", "pipefail"])
            .arg(file);
        Finished::of(command.envs(variables.iter().copied()).output().unwrap())
    }

    fn left(&self, name: &str) -> String {
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
fn a_push_mirrors_what_no_run_has_mirrored() {
    let (origin, commits) = history();
    let zeros = "0".repeat(40);
    let gone = "1234567890".repeat(4);
    let (first, second) = (commits[0].as_str(), commits[1].as_str());
    let argument = |commit: &str| format!("argument=--changed-since={commit}\n");
    // What gh answers, `before`, what is handed on.
    let table = [
        // The run of the second commit was dropped while it waited, or failed.
        (format!("echo {first}"), second, argument(first)),
        // There was no run yet.
        ("echo".to_owned(), second, argument(second)),
        ("exit 1".to_owned(), second, argument(second)),
        // A forced push: neither is in this history.
        (format!("echo {gone}"), gone.as_str(), String::new()),
        (format!("echo {gone}"), second, argument(second)),
        // A new branch.
        ("echo".to_owned(), zeros.as_str(), String::new()),
    ];
    for (gh, before, want) in table {
        let job = Job::new("mirror", "Find the commit to start from", &origin, &gh);
        let set = [("GITHUB_EVENT_NAME", "push"), ("BEFORE", before)];
        let done = job.run(&set).exits(0);
        assert_eq!(job.left("output"), want, "{gh} {before}");
        assert_eq!(
            want.is_empty(),
            done.stdout.contains("the whole list"),
            "{done:?}"
        );
        let asked = job.left("gh");
        assert!(
            asked.contains("--workflow mirror.yml --branch main"),
            "{asked}"
        );
    }
    let job = Job::new("mirror", "Find the commit to start from", &origin, "exit 1");
    job.run(&[("GITHUB_EVENT_NAME", "workflow_dispatch"), ("BEFORE", "")])
        .exits(0);
    assert_eq!(
        (job.left("output"), job.left("gh")),
        (String::new(), String::new())
    );
}

/// `gh pr create` that keeps what it was given.
const CREATE: &str = r#"if [[ $1 == pr ]]; then
    cp "${@: -1}" "$HOME/body"
    echo https://github.example/o/r/pull/12
fi"#;

#[test]
fn added_rows_become_a_pull_request() {
    let (origin, commits) = history();
    let job = Job::new("add-tag", "Open a pull request", &origin, CREATE);
    job.environment
        .write("images-list", "a r.io/a 3\na r.io/a 4\n");
    let tags = "4\"; touch pwned; $(touch pwned)";
    let set = [("IMAGES", "a"), ("TAGS", tags), ("FULL_IMAGES", "")];
    let done = job.run(&set).exits(0);
    assert!(done.stdout.contains("/o/r/pull/12"), "{done:?}");
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
    let called = job.left("gh");
    let create = format!("pr create --base main --head add-tag/7-1 --title {title} --body-file");
    assert!(called.contains(&create), "{called}");
    assert!(called.contains("repos/o/r/issues/12/labels"), "{called}");
    let body = job.left("body");
    assert!(
        body.contains("\na r.io/a 4\n") && !body.contains("a r.io/a 3\n"),
        "{body}"
    );
    assert!(job.left("summary").contains("/pull/12"));
}

#[test]
fn titles_fit_and_say_what_was_asked() {
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
        let job = Job::new("add-tag", "Open a pull request", &origin, CREATE);
        job.environment
            .write("images-list", "a r.io/a 3\na r.io/a 4\n");
        job.run(&[("IMAGES", images), ("TAGS", tags), ("FULL_IMAGES", full)])
            .exits(0);
        let called = job.left("gh");
        let title = format!("--title {want} --body-file");
        assert!(called.contains(&title), "{title}: {called}");
        origin.git(&["branch", "-D", "add-tag/7-1"]);
    }
}

#[test]
fn where_nothing_was_added_nothing_is_opened() {
    let (origin, _) = history();
    let job = Job::new("add-tag", "Open a pull request", &origin, "exit 1");
    let set = [("IMAGES", "a"), ("TAGS", "3"), ("FULL_IMAGES", "")];
    let done = job.run(&set).exits(0);
    assert!(done.stdout.contains("Nothing to add"), "{done:?}");
    assert_eq!(job.left("gh"), "");
    assert_eq!(origin.git(&["branch", "--list"]).trim(), "* main");
}

#[test]
fn helm_is_built_where_an_entry_needs_it() {
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
        job.environment.executable("bin", "go", go);
        let home = job.environment.home();
        let variables = home.join("variables");
        let set = [
            ("VERSION", "v9.9.9"),
            ("GITHUB_ENV", variables.to_str().unwrap()),
        ];
        job.run(&set).exits(0);
        // The next run finds it in the cache.
        job.run(&set).exits(0);
        let folder = home.join(".local/mirror-helm");
        let (built, told) = match needed {
            true => (
                format!(
                    "install -trimpath helm.sh/helm/v3/cmd/helm@v9.9.9 into {}\n",
                    folder.display()
                ),
                format!("HELM={}/helm\n", folder.display()).repeat(2),
            ),
            false => (String::new(), String::new()),
        };
        assert_eq!((job.left("go"), job.left("variables")), (built, told));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_commits_are_enough_to_validate_a_pull_request() {
    let registry = Registry::new().start().await.unwrap();
    let host = registry.host();
    let rows: Vec<_> = ["1", "2", "3"]
        .map(|tag| format!("{host}/a {host}/copies/a {tag}\n"))
        .into();
    let image = sample_image("a", 1, &[Platform::linux("amd64")], 1).unwrap();
    // The one that somebody else merged meanwhile is gone: nobody's business here.
    image.push(&registry, "a", Some("3"));
    let origin = GitRepository::new();
    origin.write("images-list", &rows[0]);
    origin.commit("first");
    origin.git(&["checkout", "--quiet", "-b", "topic"]);
    origin.write("images-list", &[&rows[0][..], &rows[2]].concat());
    origin.commit("third");
    origin.git(&["checkout", "--quiet", "main"]);
    origin.write("images-list", &[&rows[0][..], &rows[1]].concat());
    origin.commit("second");
    // Rows beside each other: git cannot merge them by itself.
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
    let added = environment.mirror(&line).exits(0).json();
    assert_eq!(added["added"].as_array().unwrap().len(), 1, "{added}");
    assert_eq!(
        (&added["added"][0]["tag"], &added["added"][0]["status"]),
        (&"3".into(), &"ok".into())
    );
}
