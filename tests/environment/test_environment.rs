//! A working directory, home and environment for one test, free of the caller's settings.
//!
//! Every credential location has a canary: a secret with a known marker. A test that needs its own
//! credentials uses the same marker. Every run has `-vv`, and its streams and files are searched for
//! the marker. The test gets the output without the debug lines.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{CommandOutput, block, canaries};

/// A run with one of these flags gets no `-vv`.
const VERBOSITY_FLAGS: [&str; 4] = ["-q", "--quiet", "-v", "-vv"];

/// The working directory, home and variables of one test.
pub(crate) struct TestEnvironment {
    root: TempDir,
    variables: Vec<(String, String)>,
}

impl TestEnvironment {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for directory in ["home", "work", "run"] {
            std::fs::create_dir(root.path().join(directory)).unwrap();
        }
        let variables = canaries::plant(root.path());
        Self { root, variables }
    }

    /// Sets a variable for all later runs.
    pub(crate) fn with_env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Removes the planted auth files, for tests of the default locations.
    pub(crate) fn without_auth_files(self) -> Self {
        std::fs::remove_dir_all(self.root.path().join("run/containers")).unwrap();
        self.with_env("DOCKER_CONFIG", "")
            .with_env("REGISTRY_AUTH_FILE", "")
    }

    /// Runs as in a GitHub Actions job; the step summary goes to `summary.md`.
    pub(crate) fn with_github_actions(self) -> Self {
        let summary = self.path("summary.md");
        self.with_env("GITHUB_ACTIONS", "true")
            .with_env("GITHUB_STEP_SUMMARY", summary.to_str().unwrap())
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// Returns the path of a file in the working directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("work").join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn read_json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// Returns the sorted names of all files in the working directory.
    pub(crate) fn file_names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path("")).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Returns the binary with `-vv`, arguments to follow. [`CommandOutput::new`] removes the
    /// debug lines again.
    pub(crate) fn mirror_command(&self) -> Command {
        let mut command = self.mirror_command_without_vv();
        command.arg("-vv");
        command
    }

    /// Returns the binary, arguments to follow, for tests of the default verbosity.
    pub(crate) fn mirror_command_without_vv(&self) -> Command {
        self.command_for(env!("CARGO_BIN_EXE_mirror"))
    }

    /// Returns another program with the same environment, arguments to follow.
    pub(crate) fn command_for(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path(""))
            .env_clear()
            .env("HOME", self.home())
            .env("XDG_RUNTIME_DIR", self.root.path().join("run"))
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CEILING_DIRECTORIES", self.root.path())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary with the whitespace-separated arguments in `line`.
    pub(crate) fn mirror(&self, line: &str) -> CommandOutput {
        let sets_verbosity = |word| VERBOSITY_FLAGS.contains(&word);
        if line.split_whitespace().any(sets_verbosity) {
            return self.mirror_without_vv(line);
        }
        self.run_mirror(self.mirror_command(), line)
            .without_debug_log()
    }

    /// The same as [`Self::mirror`] at the default verbosity: `-v` prints more rows.
    pub(crate) fn mirror_without_vv(&self, line: &str) -> CommandOutput {
        self.run_mirror(self.mirror_command_without_vv(), line)
    }

    fn run_mirror(&self, mut command: Command, line: &str) -> CommandOutput {
        command.args(line.split_whitespace());
        let output = CommandOutput::with_debug_log(block(|| command.output()).unwrap());
        for key in canaries::private_keys_below(&self.path("")) {
            let leaked = output.stdout.contains(&key) || output.stderr.contains(&key);
            assert!(!leaked, "the output has a private key: {output:?}");
        }
        output
    }

    /// Installs an executable in a directory for `PATH`, and returns the directory. `install`
    /// copies the file: a descriptor that this process holds open for writing leaks into children
    /// started at that moment, and running the file then fails with ETXTBSY.
    pub(crate) fn install_script(&self, directory: &str, name: &str, text: &str) -> PathBuf {
        let directory = self.root.path().join(directory);
        let draft = directory.with_extension("text");
        std::fs::write(&draft, text).unwrap();
        let mut command = self.command_for("install");
        command.args(["-D", "--mode=755"]).arg(draft);
        CommandOutput::new(command.arg(directory.join(name)).output().unwrap()).exits(0);
        directory
    }

    /// Runs another program in the working directory.
    pub(crate) fn run(&self, program: &str, args: &[&str]) {
        self.stdout_of(program, args);
    }

    /// Runs another program in the working directory and returns its stdout.
    pub(crate) fn stdout_of(&self, program: &str, args: &[&str]) -> String {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.path(""))
            .env("HOME", self.home())
            .env("GIT_CONFIG_NOSYSTEM", "1");
        let output = CommandOutput::new(command.output().unwrap());
        assert_eq!(output.code, Some(0), "{program} {args:?}: {output:?}");
        output.stdout
    }

    /// Runs git in the working directory.
    pub(crate) fn git(&self, args: &[&str]) {
        self.run("git", args);
    }

    /// Makes the working directory a git repository with these files in its first commit.
    pub(crate) fn commit_first(&self, files: &[&str]) {
        self.git(&["init", "-q", "-b", "main"]);
        self.git(&["config", "user.email", "test@example.com"]);
        self.git(&["config", "user.name", "test"]);
        self.git(&[&["add"], files].concat());
        // Rows that stood for a short time only are no proof that a run has had them.
        let date = "GIT_COMMITTER_DATE=2020-01-01T00:00:00Z";
        self.run("env", &[date, "git", "commit", "-qm", "first"]);
    }
}

impl Drop for TestEnvironment {
    fn drop(&mut self) {
        // A second panic would abort and hide the failure.
        if !std::thread::panicking() {
            canaries::assert_no_file_has_canary(self.root.path());
        }
    }
}

/// Returns the permission bits of a file.
pub(crate) fn file_mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Returns the top directory of this repository.
pub(crate) fn repository_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns a PATH that finds the built binary first.
pub(crate) fn path_with_mirror() -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_mirror")).parent().unwrap();
    format!("{}:/usr/local/bin:/usr/bin:/bin", binary.display())
}
