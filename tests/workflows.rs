//! Rules for workflows, templates and the action that `actionlint` does not check.

use std::fs;
use std::path::PathBuf;

use crate::environment::TestEnvironment;
use crate::environment::repository_root;

/// The action as templates reference it.
const ACTION: &str = "your-org/mirror@0000000000000000000000000000000000000000 # v0.1.0";
/// The workflows that have a template.
const TEMPLATES: [&str; 6] = [
    "add-tag",
    "daily",
    "mirror",
    "mirror-sharded",
    "retrieve-tags",
    "validate",
];

/// The text of a YAML file, read line by line.
pub(crate) struct Yaml {
    name: String,
    text: String,
}

impl Yaml {
    pub(crate) fn read(name: &str) -> Self {
        let text = fs::read_to_string(repository_root().join(name)).unwrap();
        let name = name.to_owned();
        Self { name, text }
    }

    fn read_directory(name: &str) -> Vec<Self> {
        let entries = fs::read_dir(repository_root().join(name)).unwrap();
        let paths = entries.map(|entry| PathBuf::from(name).join(entry.unwrap().file_name()));
        let yaml = paths.filter(|path| path.extension().is_some_and(|kind| kind == "yml"));
        let mut found: Vec<_> = yaml
            .map(|path| Self::read(path.to_str().unwrap()))
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    /// Returns the values of a key at any depth.
    pub(crate) fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self
            .text
            .lines()
            .map(|line| line.trim_start_matches([' ', '-']));
        lines.filter_map(move |line| line.strip_prefix(key)?.strip_prefix(':'))
    }

    /// Returns the argument after an option, where each argument has its own line.
    pub(crate) fn argument_after(&self, option: &str) -> &str {
        let mut lines = self.text.lines().map(str::trim);
        lines.find(|line| *line == option).unwrap();
        lines.next().unwrap()
    }

    /// Returns the name of each step that has a script, and the script without indentation.
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
    let mut found = Yaml::read_directory(".github/workflows");
    found.extend(Yaml::read_directory("deploy/github"));
    assert!(
        found.len() >= 2 * TEMPLATES.len(),
        "workflows or templates are missing"
    );
    found
}

fn workflows_and_action() -> Vec<Yaml> {
    let mut found = workflows();
    found.push(Yaml::read("action.yml"));
    found
}

#[test]
fn actions_are_pinned_to_commits_with_a_version() {
    for yaml in workflows_and_action() {
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
fn scripts_are_strict_and_have_no_expressions() {
    for yaml in workflows_and_action() {
        for (step, script) in yaml.scripts() {
            assert!(
                !script.contains("${{"),
                "{}: {step}: pass expressions through env",
                yaml.name
            );
            let strict = script.starts_with("set -euo pipefail\n");
            assert!(
                strict,
                "{}: {step}: start with `set -euo pipefail`",
                yaml.name
            );
        }
    }
}

/// A text input may have line breaks. Scripts read it from a variable.
#[test]
fn inputs_of_workflows_are_variables() {
    let mut checked = 0;
    for yaml in workflows() {
        for line in yaml.text.lines().filter(|line| line.contains("inputs.")) {
            let line = line.trim();
            let is_flag = line == "${{ inputs.dry_run && '--dry-run' || '' }}";
            let is_variable = line
                .split_once(": ${{ inputs.")
                .is_some_and(|(name, input)| {
                    let name = name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
                    let input = input.strip_suffix(" }}").unwrap_or(" ");
                    name && input.chars().all(|c| c.is_ascii_lowercase() || c == '_')
                });
            assert!(is_flag || is_variable, "{}: {line}", yaml.name);
            checked += 1;
        }
    }
    assert!(checked >= 8, "found only {checked} inputs");
}

/// Returns the options in a line, such as `--entry` in `format('--entry={0}', …)`.
fn options(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split(|c: char| !c.is_ascii_lowercase() && c != '-');
    words.filter(|word| word.starts_with("--") && word.len() > 2)
}

#[test]
fn workflows_use_only_options_in_the_help() {
    let environment = TestEnvironment::new();
    let mut checked = 0;
    for yaml in workflows() {
        let mut help = String::new();
        for line in yaml.text.lines().map(str::trim) {
            if line.starts_with("- ") {
                help.clear();
            }
            // An empty command only installs the binary.
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
    assert!(checked > 10, "found only {checked} options");
}

#[test]
fn jobs_have_minimal_permissions_and_a_timeout() {
    for yaml in workflows() {
        let text = &yaml.text;
        assert!(
            text.contains("\npermissions: {}\n"),
            "{}: no permissions by default",
            yaml.name
        );
        assert!(
            text.contains("\nconcurrency:\n"),
            "{}: concurrency",
            yaml.name
        );
        assert!(
            !text.contains("\n  pull_request_target"),
            "{}: forks must not run with secrets",
            yaml.name
        );
        let jobs = yaml.values("runs-on").count();
        assert_eq!(
            yaml.values("timeout-minutes").count(),
            jobs,
            "{}: timeouts",
            yaml.name
        );
        let permissions = text.matches("\n    permissions:\n").count();
        assert_eq!(permissions, jobs, "{}: permissions of each job", yaml.name);
        assert!(
            yaml.values("shell").all(|shell| shell == " bash"),
            "{}",
            yaml.name
        );
        let checkouts = text.matches("uses: actions/checkout@").count();
        let without_token = text.matches("persist-credentials: false").count();
        assert_eq!(
            checkouts, without_token,
            "{}: checkouts keep the token",
            yaml.name
        );
        // A pull request may run foreign code: its jobs get no write permission and no password.
        if text.contains("\n  pull_request:") {
            assert!(!text.contains(": write"), "{}", yaml.name);
            assert!(!text.contains("secrets.MIRROR_USERNAME"), "{}", yaml.name);
        }
    }
}

#[test]
fn weekly_workflow_runs_every_fuzz_target() {
    let yaml = Yaml::read(".github/workflows/fuzz.yml");
    let targets = fs::read_dir(repository_root().join("fuzz/fuzz_targets")).unwrap();
    for target in targets {
        let target = target.unwrap().path().with_extension("");
        let line = format!("\n          - {}\n", target.file_name().unwrap().display());
        assert!(yaml.text.contains(&line), "fuzz.yml lacks{line}");
    }
}

#[test]
fn jobs_push_only_when_a_registry_is_configured() {
    for name in ["mirror", "mirror-sharded", "daily"] {
        let yaml = Yaml::read(&format!(".github/workflows/{name}.yml"));
        let guards = yaml.values("if");
        let guards = guards.filter(|guard| guard.contains("vars.MIRROR_REGISTRY != ''"));
        let jobs = yaml.values("runs-on").count();
        assert_eq!(
            guards.count(),
            jobs,
            "{name}: every job needs the condition"
        );
    }
}

#[test]
fn indexed_job_has_one_shard_per_pod() {
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
fn templates_equal_the_workflows_of_this_repository() {
    for name in TEMPLATES {
        let own = Yaml::read(&format!(".github/workflows/{name}.yml")).text;
        let template = Yaml::read(&format!("deploy/github/{name}.yml")).text;
        let (preface, rest) = template.split_once("\n#\n").unwrap_or_default();
        let target = format!(".github/workflows/{name}.yml");
        assert!(
            preface.contains(&target),
            "deploy/github/{name}.yml: name the destination in the preface"
        );
        let used = format!("uses: {ACTION}\n        with:\n          version: v0.1.0\n");
        let want = own.replace("uses: ./\n        with:\n", &used);
        assert_ne!(own, want);
        assert_eq!(rest, want, "deploy/github/{name}.yml differs from {target}");
    }
}
