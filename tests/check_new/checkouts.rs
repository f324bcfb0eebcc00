//! Malicious checkouts: configured programs, and links to files outside.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::branch_with;
use crate::environment::TestEnvironment;

/// Commands that run git in the checkout.
const COMMANDS: [&str; 2] = ["check-new", "sync --changed-since HEAD --dry-run"];

/// Settings of a repository that name a program; `PROGRAM` creates a file.
const PROGRAMS: &str = r#"
[core]
    fsmonitor = PROGRAM
    hooksPath = HOOKS
    sshCommand = PROGRAM
    gitProxy = PROGRAM
    askPass = PROGRAM
    pager = PROGRAM
    editor = PROGRAM
    alternateRefsCommand = PROGRAM
[diff]
    external = PROGRAM
[diff "all"]
    textconv = PROGRAM
    command = PROGRAM
[filter "all"]
    smudge = PROGRAM
    clean = PROGRAM
    process = PROGRAM
[pager]
    rev-parse = PROGRAM
    merge-base = PROGRAM
    ls-tree = PROGRAM
    cat-file = PROGRAM
    config = PROGRAM
[alias]
    rev-parse = !PROGRAM
    cat-file = !PROGRAM
[credential]
    helper = !PROGRAM
[gpg]
    program = PROGRAM
[protocol]
    allow = always
[protocol "ext"]
    allow = always
[remote "origin"]
    url = ext::PROGRAM
    uploadpack = PROGRAM
    promisor = true
    partialclonefilter = blob:none
[extensions]
    partialClone = origin
"#;

/// Programs in git settings and hooks that create a marker file.
struct ConfiguredPrograms {
    environment: TestEnvironment,
    settings: String,
}

impl ConfiguredPrograms {
    fn new(environment: TestEnvironment) -> Self {
        let marker = environment.home().join("program-was-run");
        let text = format!("#!/bin/sh\ntouch '{}'\n", marker.display());
        let hooks = environment.install_script("hooks", "post-index-change", &text);
        let program = hooks.join("post-index-change").display().to_string();
        for hook in [
            "post-checkout",
            "reference-transaction",
            "fsmonitor-watchman",
        ] {
            environment.install_script("hooks", hook, &text);
        }
        let settings = PROGRAMS.replace("PROGRAM", &program);
        let settings = settings.replace("HOOKS", &hooks.display().to_string());
        Self {
            environment,
            settings,
        }
    }

    fn add_settings_to(&self, config: &Path) {
        let old = fs::read_to_string(config).unwrap();
        // Extensions need this version of the format.
        let old = old.replace("repositoryformatversion = 0", "repositoryformatversion = 1");
        fs::write(config, old + &self.settings).unwrap();
        let attributes = "* diff=all filter=all\n";
        fs::write(self.environment.path(".gitattributes"), attributes).unwrap();
    }

    fn marker(&self) -> PathBuf {
        self.environment.home().join("program-was-run")
    }

    /// Asserts that a plain `git fetch` runs the programs.
    #[track_caller]
    fn assert_effective(&self, repository: &str) {
        let mut git = self.environment.command_for("git");
        git.args(["-C", repository, "fetch", "origin"])
            .output()
            .unwrap();
        fs::remove_file(self.marker()).unwrap();
    }

    #[track_caller]
    fn assert_not_run(&self, by: &str) {
        let marker = self.marker();
        assert!(!marker.exists(), "{by} ran a program of the checkout");
    }
}

#[test]
fn a_committed_bare_repository_runs_no_program() {
    let programs = ConfiguredPrograms::new(branch_with("a r.io/a 1\n"));
    let environment = &programs.environment;
    let git = |args: &[&str]| environment.git(args);
    git(&["init", "-q", "--bare", "lists"]);
    git(&["push", "-q", "lists", "HEAD:refs/heads/master"]);
    git(&["push", "-q", "lists", "HEAD:refs/remotes/origin/main"]);
    git(&["--git-dir=lists", "config", "core.bare", "false"]);
    git(&["--git-dir=lists", "config", "core.worktree", ".."]);
    programs.add_settings_to(&environment.path("lists/config"));
    programs.assert_effective("lists");
    environment.write("lists/images-list", "a r.io/a 1\n");
    git(&["add", "lists"]);
    git(&["commit", "-qm", "a list and a repository"]);
    git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    for command in COMMANDS {
        let line = format!("{command} --images-list lists/images-list");
        environment.mirror(&line).exits(0);
        programs.assert_not_run(command);
        // From inside the bare repository, where git would discover it.
        let words = command.split(' ');
        let mut inside = environment.mirror_command_without_vv();
        let done = inside
            .args(words)
            .current_dir(environment.path("lists"))
            .output()
            .unwrap();
        assert_eq!(done.status.code(), Some(0), "{command}: {done:?}");
        programs.assert_not_run(command);
    }
}

#[test]
fn a_directory_with_a_gitdir_file_is_refused() {
    let programs = ConfiguredPrograms::new(branch_with("a r.io/a 1\n"));
    let environment = &programs.environment;
    environment.git(&["clone", "-q", "--bare", ".", "bare"]);
    let config = environment.path("bare/config");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("bare = true", "bare = false")).unwrap();
    programs.add_settings_to(&config);
    programs.assert_effective("bare");
    fs::create_dir(environment.path("lists")).unwrap();
    environment.write("lists/.git", "gitdir: ../bare\n");
    environment.write("lists/images-list", "a r.io/a 1\n");
    for command in COMMANDS {
        let line = format!("{command} --images-list lists/images-list");
        let done = environment.mirror(&line).exits(2);
        let want = "error: lists/images-list is in another git repository, ";
        assert!(done.stderr.starts_with(want), "{}", done.stderr);
        programs.assert_not_run(command);
    }
}

#[test]
fn settings_of_the_repository_itself_run_no_program() {
    let programs = ConfiguredPrograms::new(branch_with("a r.io/a 1\n"));
    let environment = &programs.environment;
    // The blob of the list at the base is missing, as in a partial clone.
    environment.write("images-list", "# other\na r.io/a 1\n");
    environment.git(&["commit", "-qam", "second"]);
    let blob = environment.stdout_of("git", &["rev-parse", "HEAD~1:images-list"]);
    let (directory, file) = blob.trim().split_at(2);
    let object = format!(".git/objects/{directory}/{file}");
    fs::remove_file(environment.path(&object)).unwrap();
    programs.add_settings_to(&environment.path(".git/config"));
    programs.assert_effective(".");
    for command in ["check-new", "sync --changed-since HEAD~1 --dry-run"] {
        let done = environment.mirror(command).exits(2);
        assert!(
            done.stderr
                .starts_with("error: cannot read images-list of "),
            "{}",
            done.stderr
        );
        let hint = "\n hint: fetch the missing objects of the partial clone with `git fetch --refetch --no-filter origin`, or check out without `filter`\n";
        assert!(done.stderr.ends_with(hint), "{}", done.stderr);
        programs.assert_not_run(command);
    }
}

#[test]
fn git_receives_no_token_and_none_of_its_own_variables() {
    let environment = branch_with("a r.io/a 1\n");
    let directory = environment.install_script(
        "bin",
        "git",
        "#!/bin/sh\nenv | tr \"\\n\" \" \" >&2\nexit 1\n",
    );
    let path = format!("{}:/usr/bin:/bin", directory.display());
    let elsewhere = "/nowhere";
    let environment = environment
        .with_env("PATH", &path)
        .with_env("GIT_DIR", elsewhere)
        .with_env("GIT_WORK_TREE", elsewhere)
        .with_env("GIT_INDEX_FILE", elsewhere)
        .with_env("GIT_OBJECT_DIRECTORY", elsewhere)
        .with_env("GIT_EXTERNAL_DIFF", elsewhere)
        .with_env("GIT_SSH_COMMAND", elsewhere)
        .with_env("GIT_EXEC_PATH", elsewhere)
        .with_env("GIT_TRACE", "/nonexistent/trace")
        .with_env("GIT_CONFIG_COUNT", "1")
        .with_env("GIT_CONFIG_KEY_0", "core.fsmonitor")
        .with_env("GIT_CONFIG_VALUE_0", elsewhere)
        .with_env("LD_PRELOAD", "");
    for command in COMMANDS {
        // The error message has what git printed. git cannot write a file: it is confined.
        let seen = environment.mirror(command).exits(2).stderr;
        for unwanted in [
            elsewhere,
            "TOKEN",
            "PASSWORD",
            "GIT_TRACE",
            "LD_PRELOAD",
            "PROXY",
        ] {
            assert!(
                !seen.contains(unwanted),
                "{command}: {unwanted} in:\n{seen}"
            );
        }
        assert!(seen.contains("GIT_NO_LAZY_FETCH=1"), "{command}: {seen}");
    }
}

#[test]
fn links_in_the_checkout_are_refused_and_other_commands_follow_them() {
    let environment = branch_with("a r.io/a 1\n");
    // A file outside the checkout. An error for an invalid row would quote it.
    let secret = environment.home().join("secret");
    fs::write(&secret, "not a list\n").unwrap();
    fs::create_dir(environment.path("lists")).unwrap();
    environment.write("lists/images-list", "a r.io/a 1\n");
    symlink("lists", environment.path("directory")).unwrap();
    symlink("../home", environment.path("out")).unwrap();
    symlink("images-list", environment.path("link")).unwrap();
    symlink(&secret, environment.path("lists/secret")).unwrap();
    let top = environment.path("").canonicalize().unwrap();
    let table = [
        ("link", "link", "link"),
        (
            "directory/images-list",
            "directory/images-list",
            "directory",
        ),
        ("lists/secret", "lists/secret", "lists/secret"),
        ("out/secret", "out/secret", "out"),
    ];
    for command in COMMANDS {
        for (list, file, link) in table {
            let done = environment
                .mirror(&format!("{command} --images-list {list}"))
                .exits(2);
            let link = top.join(link);
            let want = format!(
                "error: cannot read {file}: {} is a symbolic link\n hint: commit the file itself, since a link can lead to any file of the machine\n",
                link.display()
            );
            assert_eq!(done.stderr, want, "{command} {list}");
        }
    }
    environment.mirror("lint --images-list link").exits(0);
    environment
        .mirror("lint --images-list directory/images-list")
        .exits(0);

    symlink("lists/images-list", environment.path("images-list.lock")).unwrap();
    for command in COMMANDS {
        let done = environment.mirror(command).exits(2);
        let want = "error: cannot read images-list.lock: ";
        assert!(done.stderr.starts_with(want), "{}", done.stderr);
    }
    fs::remove_file(environment.path("images-list.lock")).unwrap();
    symlink(&secret, environment.path("config.json")).unwrap();
    let done = environment.mirror("check-new").exits(2);
    assert!(
        done.stderr.starts_with("error: cannot read config.json: "),
        "{}",
        done.stderr
    );
}

#[test]
fn a_list_outside_of_the_working_directorys_repository_is_refused() {
    let (environment, other) = (branch_with("a r.io/a 1\n"), branch_with("a r.io/a 1\n"));
    let list = other.path("images-list").canonicalize().unwrap();
    for command in COMMANDS {
        let line = format!("{command} --images-list {}", list.display());
        let done = environment.mirror(&line).exits(2);
        let want = format!("error: {} is not in the git repository ", list.display());
        assert!(done.stderr.starts_with(&want), "{}", done.stderr);
    }
}
