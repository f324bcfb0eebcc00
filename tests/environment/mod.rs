//! A place of its own for each test: a folder, an environment with nothing of
//! the caller's in it, a home inside the folder.
//!
//! Secrets are planted wherever the binary takes credentials from, unless the
//! test puts its own there (which bear the same mark). It runs at its most
//! talkative, and what it writes, to its streams and into files, is searched
//! for them. A test sees what a run would have said without `-vv`.

mod log;
mod planted;

pub(crate) use planted::is_not_in;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A test that has one of them is about how much is told.
const LOUDNESS: [&str; 4] = ["-q", "--quiet", "-v", "-vv"];

/// The place.
pub(crate) struct TestEnvironment {
    root: TempDir,
    variables: Vec<(String, String)>,
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl TestEnvironment {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["home", "work", "run"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        let variables = planted::in_every_place(root.path());
        Self { root, variables }
    }

    /// Sets a variable for every run from now on.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// For a test of the places where people keep credentials: nothing is there yet.
    pub(crate) fn with_no_auth_files(self) -> Self {
        std::fs::remove_dir_all(self.root.path().join("run/containers")).unwrap();
        self.with("DOCKER_CONFIG", "")
            .with("REGISTRY_AUTH_FILE", "")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// A file in the folder where the binary is run.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("work").join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The names of all files there.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path("")).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The binary with its environment, arguments to follow. It tells all that
    /// it can: [`Finished::of`] leaves out what was not asked for.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.quiet();
        command.arg("-vv");
        command
    }

    /// The same, for a test of how much is told.
    pub(crate) fn quiet(&self) -> Command {
        self.program(env!("CARGO_BIN_EXE_mirror"))
    }

    /// Another program with that environment, arguments to follow.
    pub(crate) fn program(&self, program: impl AsRef<OsStr>) -> Command {
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

    /// Runs the binary; `line` is split at blanks.
    pub(crate) fn mirror(&self, line: &str) -> Finished {
        let says_how_much = line.split_whitespace().any(|word| LOUDNESS.contains(&word));
        if says_how_much {
            return self.result_of(line);
        }
        self.searched(self.command(), line).without_its_log()
    }

    /// The same, with nothing added: for a test of how much is told, or of a
    /// result for people, which `-v` makes longer.
    pub(crate) fn result_of(&self, line: &str) -> Finished {
        self.searched(self.quiet(), line)
    }

    fn searched(&self, mut command: Command, line: &str) -> Finished {
        command.args(line.split_whitespace());
        let whole = Finished::with_its_log(command.output().unwrap());
        for key in planted::keys_below(&self.path("")) {
            let shown = whole.stdout.contains(&key) || whole.stderr.contains(&key);
            assert!(!shown, "a client's key is shown: {whole:?}");
        }
        whole
    }

    /// A program in a folder of its own, to be put into PATH. It is copied by a
    /// process: what this one has open for writing, a child started at that
    /// moment has too, and then it cannot be run.
    pub(crate) fn executable(&self, folder: &str, name: &str, text: &str) -> PathBuf {
        let folder = self.root.path().join(folder);
        let written = folder.with_extension("text");
        std::fs::write(&written, text).unwrap();
        let mut command = self.program("install");
        command.args(["-D", "--mode=755"]).arg(written);
        Finished::of(command.arg(folder.join(name)).output().unwrap()).exits(0);
        folder
    }

    /// Another program in the same place.
    pub(crate) fn run(&self, program: &str, args: &[&str]) {
        self.output(program, args);
    }

    /// What another program in the same place says.
    pub(crate) fn output(&self, program: &str, args: &[&str]) -> String {
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(self.path(""))
            .env("HOME", self.home())
            .env("GIT_CONFIG_NOSYSTEM", "1");
        let done = Finished::of(command.output().unwrap());
        assert_eq!(done.code, Some(0), "{program} {args:?}: {done:?}");
        done.stdout
    }
}

impl Drop for TestEnvironment {
    fn drop(&mut self) {
        // What has failed says why.
        if !std::thread::panicking() {
            planted::is_in_no_file_of(self.root.path());
        }
    }
}

impl Finished {
    /// What a run shows that was not asked for its log.
    #[track_caller]
    pub(crate) fn of(output: Output) -> Self {
        Self::with_its_log(output).without_its_log()
    }

    fn without_its_log(self) -> Self {
        Self {
            stdout: log::left_out_of(&self.stdout),
            stderr: log::left_out_of(&self.stderr),
            ..self
        }
    }

    /// The same of a run whose output was read by the test.
    #[track_caller]
    pub(crate) fn read(code: Option<i32>, stdout: String, stderr: String) -> Self {
        let whole = Self {
            code,
            stdout,
            stderr,
        };
        whole.searched().without_its_log()
    }

    /// All that a run shows.
    #[track_caller]
    pub(crate) fn with_its_log(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let whole = Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        whole.searched()
    }

    #[track_caller]
    fn searched(self) -> Self {
        planted::is_not_in("standard output", &self.stdout);
        planted::is_not_in("standard error", &self.stderr);
        self
    }

    /// The exit code, and stdout if it is what was expected.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    /// stdout as one document and nothing else.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let document = serde_json::from_str(&self.stdout);
        document.unwrap_or_else(|error| unreachable!("{error} in:\n{}", self.stdout))
    }
}

/// A mode as `chmod` takes it.
pub(crate) fn mode_of(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
