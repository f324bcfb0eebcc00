//! README.md and docs/: examples work, links point to files, and every command and flag of the binary is
//! documented.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, iter};

use embedded_registry::Registry;
use serde_json::Value;

use crate::environment::{
    CommandOutput, TestEnvironment, block, path_with_mirror, push_tags, repository_root,
};

/// Flags of other programs that the pages name.
const FOREIGN_FLAGS: [&str; 13] = [
    "--all",
    "--all-platforms",
    "--all-tags",
    "--digest-tags",
    "--from-oci-layout",
    "--input",
    "--kube-version",
    "--name",
    "--namespace",
    "--rate",
    "--recursive",
    "--referrers",
    "--set",
];

/// The subcommands of commands.
const SUBCOMMANDS: [(&str, &str); 4] = [
    ("policy", "export"),
    ("report", "merge"),
    ("bundle", "inspect"),
    ("bundle", "verify"),
];

struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap();
        Self { path, text }
    }

    fn name(&self) -> String {
        let path = self
            .path
            .strip_prefix(repository_root())
            .unwrap_or(&self.path);
        path.display().to_string()
    }

    /// Returns the code blocks of a language (`""`: without a language).
    fn blocks<'a>(&'a self, language: &'a str) -> impl Iterator<Item = &'a str> {
        let fenced = self.text.split("\n```").skip(1).step_by(2);
        fenced.filter_map(move |block| block.strip_prefix(language)?.strip_prefix('\n'))
    }

    /// Returns the `mirror` command lines in shell blocks, without comments.
    fn command_lines(&self) -> impl Iterator<Item = Vec<&str>> {
        let lines = self.blocks("sh").flat_map(str::lines);
        let lines = lines.filter_map(|line| {
            let line = line.split(" #").next().unwrap_or_default();
            let (_, command) = line.split_once("mirror ").filter(|(before, _)| {
                before.is_empty() || before.ends_with("| ") || before.ends_with("=.json ")
            })?;
            Some(command.split_whitespace().collect())
        });
        lines.filter(|words: &Vec<&str>| !words.is_empty())
    }
}

fn readme() -> Page {
    Page::read(repository_root().join("README.md"))
}

fn pages() -> Vec<Page> {
    let docs = fs::read_dir(repository_root().join("docs")).unwrap();
    let mut paths: Vec<PathBuf> = docs
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    paths.sort();
    iter::once(repository_root().join("README.md"))
        .chain(paths)
        .map(Page::read)
        .collect()
}

/// The flags in the help by command; global flags have the empty name.
struct Help {
    flags: BTreeMap<String, BTreeSet<String>>,
}

impl Help {
    fn read() -> Self {
        let environment = TestEnvironment::new();
        let top_level = environment.mirror_without_vv("--help").exits(0).stdout;
        let commands = section(&top_level, "Commands:");
        let names = commands.filter_map(|line| line.split_whitespace().next());
        let names: Vec<&str> = names.filter(|name| *name != "help").collect();
        assert!(names.len() >= 14, "{names:?}");
        let mut flags = BTreeMap::from([(String::new(), flags_of(&top_level))]);
        for name in names {
            let help = environment
                .mirror_without_vv(&format!("{name} --help"))
                .exits(0);
            let mut of_command = flags_of(&help.stdout);
            let subcommands = SUBCOMMANDS.iter().filter(|(command, _)| *command == name);
            for (_, subcommand) in subcommands {
                let line = format!("{name} {subcommand} --help");
                let help = environment.mirror_without_vv(&line).exits(0);
                of_command.extend(flags_of(&help.stdout));
            }
            flags.insert(name.to_owned(), of_command);
        }
        Self { flags }
    }

    fn commands(&self) -> impl Iterator<Item = &str> {
        let names = self.flags.keys().map(String::as_str);
        names.filter(|name| !name.is_empty())
    }

    fn has(&self, command: &str, flag: &str) -> bool {
        let of = |name: &str| {
            self.flags
                .get(name)
                .is_some_and(|flags| flags.contains(flag))
        };
        of(command) || of("")
    }

    fn has_anywhere(&self, flag: &str) -> bool {
        self.flags.values().any(|flags| flags.contains(flag))
    }

    fn all_flags(&self) -> BTreeSet<&str> {
        self.flags.values().flatten().map(String::as_str).collect()
    }
}

/// Returns the lines between a heading and the next.
fn section<'a>(help: &'a str, heading: &str) -> impl Iterator<Item = &'a str> {
    let start = help.find(heading).unwrap() + heading.len();
    let lines = help[start..].lines().skip(1);
    lines.take_while(|line| line.is_empty() || line.starts_with(' '))
}

/// Returns the flags that a help text defines.
fn flags_of(help: &str) -> BTreeSet<String> {
    let lines = help.lines().map(str::trim_start);
    let lines = lines.filter(|line| line.starts_with('-'));
    lines.flat_map(flags_in).collect()
}

/// Returns every `--flag` in a text.
fn flags_in(text: &str) -> impl Iterator<Item = String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '-';
    let words = text.split(move |c: char| !is_part(c));
    let flags = words.filter(|word| word.starts_with("--") && word.len() > 3);
    flags.map(|word| word.trim_end_matches('-').to_owned())
}

/// Returns the text between backquotes.
fn inline_code(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
}

#[test]
fn every_command_and_flag_is_documented() {
    let help = Help::read();
    let all: String = pages().into_iter().map(|page| page.text).collect();
    for command in help.commands() {
        assert!(
            all.contains(&format!("mirror {command}")),
            "no page has `mirror {command}`"
        );
    }
    let named: BTreeSet<String> = flags_in(&all).collect();
    let missing: Vec<&str> = help
        .all_flags()
        .into_iter()
        .filter(|flag| !named.contains(*flag))
        .filter(|flag| !["--help", "--version"].contains(flag))
        .collect();
    assert!(missing.is_empty(), "no page names {missing:?}");
}

#[test]
fn pages_name_only_existing_flags() {
    let help = Help::read();
    for page in pages() {
        for words in page.command_lines() {
            let known = help.flags.contains_key(words[0]);
            assert!(
                known || words[0].starts_with('-'),
                "{}: {words:?}",
                page.name()
            );
            for flag in flags_in(&words.join(" ")) {
                let exists = help.has(words[0], &flag) || flag == "--help";
                assert!(exists, "{}: {flag} in {words:?}", page.name());
            }
        }
        let is_mirror = |code: &&str| code.starts_with("--") || code.starts_with("mirror ");
        for flag in inline_code(&page.text).filter(is_mirror).flat_map(flags_in) {
            let exists = help.has_anywhere(&flag) || FOREIGN_FLAGS.contains(&flag.as_str());
            assert!(exists, "{}: `{flag}`", page.name());
        }
    }
}

#[test]
fn links_point_to_existing_files() {
    let others = [".github/CONTRIBUTING.md", "ARCHITECTURE.md", "SECURITY.md"];
    let others = others.map(|name| Page::read(repository_root().join(name)));
    for page in pages().into_iter().chain(others) {
        let links = page.text.split("](").skip(1);
        for link in links.filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.contains(' ') {
                continue;
            }
            let directory = page.path.parent().unwrap_or(Path::new("."));
            assert!(directory.join(target).exists(), "{}: {link}", page.name());
        }
    }
}

#[test]
fn architecture_names_files_that_exist() {
    let text = fs::read_to_string(repository_root().join("ARCHITECTURE.md")).unwrap();
    let crates = repository_root().join("crates");
    let mut files = BTreeSet::new();
    for code in inline_code(&text) {
        if code.contains("/src") || code.contains("/tests") {
            let path = code.trim_start_matches("crates/");
            assert!(crates.join(path).exists(), "there is no crates/{path}");
            files.insert(path.to_owned());
        }
    }
    assert!(files.len() > 30, "{files:?}");
    let (_, way) = text.split_once("## The way of one row").unwrap();
    let (way, _) = way.split_once("\n## ").unwrap();
    let way: BTreeSet<&str> = inline_code(way)
        .filter(|code| code.contains(".rs"))
        .collect();
    assert!((20..=40).contains(&way.len()), "{} files", way.len());
}

#[test]
fn readme_has_at_most_200_lines() {
    assert!(readme().text.lines().count() <= 200);
}

#[test]
fn example_lists_pass_lint() {
    let mut count = 0;
    for page in pages() {
        for block in page
            .blocks("")
            .filter(|block| block.starts_with("# SOURCE"))
        {
            let environment = TestEnvironment::new();
            environment.write("images-list", block);
            environment.mirror("lint").exits(0);
            count += 1;
        }
    }
    assert!(count >= 2, "{count} lists");
}

#[test]
fn example_configurations_pass_lint_and_show_every_source_and_key() {
    let environment = TestEnvironment::new();
    environment.write("images-list", "");
    let mut all = String::new();
    for name in [
        "docs/version-sources.md",
        "docs/charts.md",
        "docs/follow.md",
    ] {
        let page = Page::read(repository_root().join(name));
        for block in page.blocks("json") {
            environment.write("config.json", block);
            let output = environment.mirror("lint");
            assert_eq!(output.code, Some(0), "{name}: {}\n{block}", output.stdout);
            all += block;
        }
    }
    for source in [
        "registry",
        "github-releases:",
        "github-latest-release:",
        "github-tagged-images-file:",
        "gitlab-releases:",
        "git-tags:",
        "helm-latest:",
        "helm-oci",
        "helm-directory:",
    ] {
        let expected = format!("\"versionSource\": \"{source}");
        assert!(all.contains(&expected), "no example of {source}");
    }
    let schema = fs::read_to_string(repository_root().join("config.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let definitions = schema["$defs"].as_object().unwrap().values();
    let keys = definitions.filter_map(|definition| definition["properties"].as_object());
    let keys: Vec<&String> = keys.flat_map(|properties| properties.keys()).collect();
    assert!(keys.len() >= 20, "{} keys in the schema", keys.len());
    for key in keys {
        assert!(all.contains(&format!("\"{key}\": ")), "no example of {key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn example_of_targets_runs_and_shows_every_key() {
    let registry = Registry::new().start().await.unwrap();
    push_tags(
        &registry,
        &[
            "quay.io/coreos/etcd:v3.5.17",
            "quay.io/coreos/etcd:v3.5.18",
            "quay.io/coreos/flannel:v0.15.1",
            "quay.io/prometheus/node-exporter:v1.8.2",
            "docker.io/rancher/mirrored-prometheus-node-exporter:v0",
        ],
    );
    let page = Page::read(repository_root().join("docs/targets.md"));
    let environment = TestEnvironment::new();
    let targets: String = page.blocks("json").collect();
    environment.write("targets.json", &targets);
    environment.write("images-list", page.blocks("text").collect::<String>());
    environment.mirror("lint").exits(0);
    let schema = fs::read_to_string(repository_root().join("targets.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let definitions = schema["$defs"].as_object().unwrap().values();
    let objects = definitions.chain([&schema]);
    let keys = objects.filter_map(|definition| definition["properties"].as_object());
    let keys: Vec<&String> = keys.flat_map(|properties| properties.keys()).collect();
    assert!(keys.len() >= 14, "{} keys in the schema", keys.len());
    for key in keys {
        assert!(
            targets.contains(&format!("\"{key}\": ")),
            "no example of {key}"
        );
    }

    let ecr = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
    let conf = ["quay.io", "docker.io", "registry.example.com", ecr].map(|host| {
        let location = format!("{}/{host}", registry.host());
        format!("[[registry]]\nprefix = \"{host}\"\nlocation = \"{location}\"\n")
    });
    environment.write("registries.conf", conf.concat());
    let mut ran = 0;
    for line in page.blocks("sh").flat_map(str::lines) {
        let line = line
            .split(" #")
            .next()
            .unwrap_or_default()
            .replace('\'', "");
        let line = line.trim_start_matches("mirror ");
        let output = environment.mirror(&format!("{line} --registries-conf registries.conf"));
        output.exits(0);
        ran += 1;
    }
    assert_eq!(ran, 6);
    let tags = registry.tags("docker.io/rancher/mirrored-prometheus-node-exporter");
    assert_eq!(tags, ["v0", "v1.8.2"]);
}

#[test]
fn example_registries_conf_is_accepted_without_a_warning() {
    let page = Page::read(repository_root().join("docs/registries-conf.md"));
    for block in page.blocks("toml") {
        let environment = TestEnvironment::new();
        environment.write("images-list", "# SOURCE DESTINATION TAG\n");
        environment.write("registries.conf", block);
        let output = environment
            .mirror_without_vv("compare --allow-empty --registries-conf registries.conf");
        let stderr = output.exits(0).stderr;
        assert!(!stderr.contains("not used"), "{stderr}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn first_sync_of_the_readme_works() {
    let registry = Registry::new().start().await.unwrap();
    push_tags(
        &registry,
        &[
            "quay.io/coreos/etcd:v3.5.17",
            "quay.io/coreos/etcd:v3.5.18",
            "quay.io/coreos/etcd:v3.5.19",
        ],
    );
    let environment = TestEnvironment::new()
        .with_env("PATH", &path_with_mirror())
        .with_env("CONTAINERS_REGISTRIES_CONF", "registries.conf");
    let conf = ["quay.io", "registry.example.com"].map(|host| {
        let location = format!("{}/{host}", registry.host());
        format!("[[registry]]\nprefix = \"{host}\"\nlocation = \"{location}\"\n")
    });
    environment.write("registries.conf", conf.concat());
    let page = readme();
    let (_, steps) = page.text.split_once("## First sync in a minute").unwrap();
    let steps = Page {
        path: page.path.clone(),
        text: steps.split("\n## ").next().unwrap_or_default().to_owned(),
    };
    let mut ran = 0;
    for line in steps.blocks("sh").flat_map(str::lines) {
        // `login` prompts, and `retrieve-tags` needs the network.
        let skipped = ["mirror login", "mirror retrieve-tags"];
        if line.is_empty() || skipped.iter().any(|command| line.starts_with(command)) {
            continue;
        }
        let mut shell = environment.command_for("sh");
        CommandOutput::new(block(|| shell.args(["-ec", line]).output()).unwrap()).exits(0);
        ran += 1;
    }
    assert!(ran >= 7, "{ran} commands");
    let list = environment.read("images-list");
    assert!(list.contains(" v3.5.19\n"), "{list}");
    let lock = environment.read("images-list.lock");
    assert_eq!(lock.matches("sha256:").count(), 3, "{lock}");
}
