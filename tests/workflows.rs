//! What holds for every workflow, for the templates and for the action. `actionlint` says the rest.

use std::fs;
use std::path::PathBuf;

use crate::environment::TestEnvironment;
use crate::wrappers::top;

/// The line of a template that names the action.
const ACTION: &str = "your-org/mirror@0000000000000000000000000000000000000000 # v0.1.0";
/// The workflows of a repository with a list.
const OF_LISTS: [&str; 6] = [
    "add-tag",
    "daily",
    "mirror",
    "mirror-sharded",
    "retrieve-tags",
    "validate",
];

/// A YAML file, its lines with their indentation.
pub(crate) struct Yaml {
    name: String,
    text: String,
}

impl Yaml {
    pub(crate) fn read(name: &str) -> Self {
        let text = fs::read_to_string(top().join(name)).unwrap();
        let name = name.to_owned();
        Self { name, text }
    }

    fn folder(name: &str) -> Vec<Self> {
        let entries = fs::read_dir(top().join(name)).unwrap();
        let paths = entries.map(|entry| PathBuf::from(name).join(entry.unwrap().file_name()));
        let yaml = paths.filter(|path| path.extension().is_some_and(|kind| kind == "yml"));
        let mut found: Vec<_> = yaml
            .map(|path| Self::read(path.to_str().unwrap()))
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    /// The values of a key, wherever it stands.
    pub(crate) fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self
            .text
            .lines()
            .map(|line| line.trim_start_matches([' ', '-']));
        lines.filter_map(move |line| line.strip_prefix(key)?.strip_prefix(':'))
    }

    /// The line after this one, of arguments one a line.
    pub(crate) fn argument_after(&self, option: &str) -> &str {
        let mut lines = self.text.lines().map(str::trim);
        lines.find(|line| *line == option).unwrap();
        lines.next().unwrap()
    }

    /// The scripts: the name of each step and its text without the indentation.
    pub(crate) fn scripts(&self) -> Vec<(String, String)> {
        let mut scripts = Vec::new();
        let mut step = String::new();
        let mut lines = self.text.lines().peekable();
        while let Some(line) = lines.next() {
            let item = line.trim_start_matches([' ', '-']);
            if let Some(name) = item.strip_prefix("name: ") {
                name.clone_into(&mut step);
            }
            let Some(script) = item.strip_prefix("run:") else {
                continue;
            };
            if script.is_empty() {
                // `defaults.run`, or a key of that name.
                continue;
            }
            assert_eq!(
                script, " |",
                "{}: write the script as a block: {line}",
                self.name
            );
            let indent = line.len() - line.trim_start().len();
            let inside =
                |line: &&str| line.is_empty() || line.len() - line.trim_start().len() > indent;
            let mut text = String::new();
            while let Some(line) = lines.next_if(inside) {
                text += line.get(indent + 2..).unwrap_or_default();
                text.push('\n');
            }
            scripts.push((step.clone(), text));
        }
        scripts
    }
}

fn workflows() -> Vec<Yaml> {
    let mut found = Yaml::folder(".github/workflows");
    found.extend(Yaml::folder("deploy/github"));
    assert!(
        found.len() >= 2 * OF_LISTS.len(),
        "they are not where they were"
    );
    found
}

fn with_action() -> Vec<Yaml> {
    let mut found = workflows();
    found.push(Yaml::read("action.yml"));
    found
}

#[test]
fn actions_are_pinned_to_commits() {
    for yaml in with_action() {
        for used in yaml.values("uses").map(str::trim) {
            if used == "./" {
                continue;
            }
            let (action, version) = used.split_once(" # v").unwrap_or((used, ""));
            let commit = action.split_once('@').map_or("", |(_, commit)| commit);
            let pinned = commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
            assert!(pinned && !version.is_empty(), "{}: {used}", yaml.name);
        }
    }
}

#[test]
fn nothing_is_pasted_into_scripts() {
    for yaml in with_action() {
        for (step, script) in yaml.scripts() {
            assert!(
                !script.contains("${{"),
                "{}: {step}: give it through env",
                yaml.name
            );
            let strict = script.starts_with("set -euo pipefail\n");
            assert!(
                strict,
                "{}: {step}: begin with `set -euo pipefail`",
                yaml.name
            );
        }
    }
}

/// The options that a line names, such as `--entry` in `format('--entry={0}', …)`.
fn options(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split(|c: char| !c.is_ascii_lowercase() && c != '-');
    words.filter(|word| word.starts_with("--") && word.len() > 2)
}

#[test]
fn commands_know_the_options_that_they_are_given() {
    let environment = TestEnvironment::new();
    let mut checked = 0;
    for yaml in workflows() {
        let mut help = String::new();
        for line in yaml.text.lines().map(str::trim) {
            if line.starts_with("- ") {
                help.clear();
            }
            // An empty one only installs.
            if let Some(command) = line
                .strip_prefix("command: ")
                .filter(|name| *name != "\"\"")
            {
                let line = format!("{command} --help");
                help = environment.mirror(&line).exits(0).stdout;
                continue;
            }
            for option in options(line).filter(|_| !help.is_empty()) {
                assert!(help.contains(option), "{}: {option}: {line}", yaml.name);
                checked += 1;
            }
        }
    }
    assert!(checked > 10, "{checked} options: they are not found");
}

#[test]
fn jobs_have_few_rights_and_an_end() {
    for yaml in workflows() {
        let text = &yaml.text;
        assert!(
            text.contains("\npermissions: {}\n"),
            "{}: nothing by default",
            yaml.name
        );
        assert!(
            text.contains("\nconcurrency:\n"),
            "{}: concurrency",
            yaml.name
        );
        assert!(
            !text.contains("\n  pull_request_target"),
            "{}: strangers",
            yaml.name
        );
        let jobs = yaml.values("runs-on").count();
        assert_eq!(
            yaml.values("timeout-minutes").count(),
            jobs,
            "{}: timeouts",
            yaml.name
        );
        let rights = text.matches("\n    permissions:\n").count();
        assert_eq!(rights, jobs, "{}: permissions of each job", yaml.name);
        assert!(
            yaml.values("shell").all(|shell| shell == " bash"),
            "{}",
            yaml.name
        );
        let checkouts = text.matches("uses: actions/checkout@").count();
        let forgotten = text.matches("persist-credentials: false").count();
        assert_eq!(
            checkouts, forgotten,
            "{}: checkouts keep the token",
            yaml.name
        );
        // Who may write is never asked for where others' code may run.
        if text.contains("\n  pull_request:") {
            assert!(!text.contains(": write"), "{}", yaml.name);
            assert!(!text.contains("secrets.MIRROR_USERNAME"), "{}", yaml.name);
        }
    }
}

#[test]
fn every_fuzz_target_is_run_every_week() {
    let yaml = Yaml::read(".github/workflows/fuzz.yml");
    let targets = fs::read_dir(top().join("fuzz/fuzz_targets")).unwrap();
    for target in targets {
        let target = target.unwrap().path().with_extension("");
        let line = format!("\n          - {}\n", target.file_name().unwrap().display());
        assert!(yaml.text.contains(&line), "fuzz.yml lacks{line}");
    }
}

#[test]
fn nothing_is_pushed_until_a_registry_is_named() {
    for name in ["mirror", "mirror-sharded", "daily"] {
        let yaml = Yaml::read(&format!(".github/workflows/{name}.yml"));
        let guards = yaml.values("if");
        let guards = guards.filter(|guard| guard.contains("vars.MIRROR_REGISTRY != ''"));
        let jobs = yaml.values("runs-on").count();
        assert_eq!(guards.count(), jobs, "{name}: a guard for each job");
    }
}

#[test]
fn every_pod_of_the_indexed_job_has_its_share() {
    let yaml = Yaml::read("deploy/kubernetes/indexed-job.yaml");
    let one = |key| {
        let values: Vec<_> = yaml.values(key).map(str::trim).collect();
        assert_eq!(values.len(), 1, "{key}: {values:?}");
        values[0].to_owned()
    };
    assert_eq!(one("completionMode"), "Indexed");
    let pods = one("completions");
    assert_eq!(one("parallelism"), pods);
    let set = format!("name: JOB_COMPLETIONS\n                  value: \"{pods}\"\n");
    assert!(yaml.text.contains(&set), "JOB_COMPLETIONS is {pods}");
}

#[test]
fn templates_are_what_this_repository_runs() {
    for name in OF_LISTS {
        let own = Yaml::read(&format!(".github/workflows/{name}.yml")).text;
        let template = Yaml::read(&format!("deploy/github/{name}.yml")).text;
        let (preface, rest) = template.split_once("\n#\n").unwrap_or_default();
        let target = format!(".github/workflows/{name}.yml");
        assert!(
            preface.contains(&target),
            "deploy/github/{name}.yml: say where it goes"
        );
        let used = format!("uses: {ACTION}\n        with:\n          version: v0.1.0\n");
        let want = own.replace("uses: ./\n        with:\n", &used);
        assert_ne!(own, want);
        assert_eq!(rest, want, "deploy/github/{name}.yml differs from {target}");
    }
}
