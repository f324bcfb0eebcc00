//! The repository of the working directory, and the only place where `mirror` runs git.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use program_runner::{Confinement, KeptStderr, Output, Program, RunError, find};

use super::settings;
use super::tracked::{Links, PathError, TrackedPath};
use crate::cli::failure::Failure;
use crate::cli::git_variables::GitVariables;
use crate::files::atomic_file::io_message;

/// The deadline of one call. git reads local objects only.
const DEADLINE: Duration = Duration::from_secs(60);

/// Maximum output of one call, in bytes: far above the size of a list.
const MAX_OUTPUT: usize = 64 * 1024 * 1024;

/// The command or option that needs a repository, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// `check-new`
    CheckNew,
    /// `--changed-since`
    ChangedSince,
    /// `retrieve-tags --open-prs`
    OpenPrs,
    /// `prune`
    Prune,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::CheckNew => "check-new",
            Self::ChangedSince => "--changed-since",
            Self::OpenPrs => "--open-prs",
            Self::Prune => "prune",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::ChangedSince => "run it in a checkout, or select rows with --match",
            Self::CheckNew | Self::OpenPrs => "run it in a checkout of the list's repository",
            Self::Prune => {
                "run it in a checkout of the list's repository, which shows what rows have written, or \
                 with --no-history"
            }
        }
    }
}

/// The repository of the working directory.
#[derive(Debug)]
pub(crate) struct Git {
    program: PathBuf,
    search_path: OsString,
    /// git reads local files only.
    confinement: Confinement,
    safe_directories: Vec<OsString>,
    /// The directory that the command runs in, without links.
    working_directory: PathBuf,
    /// The top of the work tree, without links.
    top: PathBuf,
    purpose: Purpose,
}

impl Git {
    /// Finds the repository of the working directory.
    ///
    /// # Errors
    ///
    /// [`Failure`] if git is not installed, or the working directory is in no repository that git
    /// accepts.
    pub(crate) async fn discover(
        variables: &GitVariables,
        purpose: Purpose,
    ) -> Result<Self, Failure> {
        let working_directory = env::current_dir().map_err(|error| {
            Failure::unusable(format!(
                "cannot find the working directory: {}",
                io_message(&error)
            ))
        })?;
        Self::discover_from(&working_directory, variables, purpose).await
    }

    /// Finds the repository of a directory.
    ///
    /// # Errors
    ///
    /// As [`Git::discover`].
    pub(super) async fn discover_from(
        directory: &Path,
        variables: &GitVariables,
        purpose: Purpose,
    ) -> Result<Self, Failure> {
        let unusable = |why: &str| {
            Failure::unusable(format!("{} needs a git repository: {why}", purpose.name()))
        };
        let working_directory = directory
            .canonicalize()
            .map_err(|error| unusable(&io_message(&error)))?;
        // git itself would also accept a directory with the files of a bare repository.
        let top = working_directory
            .ancestors()
            .find(|directory| directory.join(".git").symlink_metadata().is_ok());
        let Some(top) = top else {
            let why = format!(
                "not a git repository (or any of the parent directories): {}",
                working_directory.display()
            );
            return Err(unusable(&why).hint(purpose.hint().to_owned()));
        };
        let Some(program) = find(&variables.search_path, "git") else {
            return Err(Failure::unusable("cannot run git: it is not in PATH")
                .hint("install git".to_owned()));
        };
        let mut git = Self {
            program,
            search_path: variables.search_path.clone(),
            confinement: Confinement::new(variables.confiner.clone()).offline(),
            safe_directories: Vec::new(),
            top: top.to_owned(),
            working_directory,
            purpose,
        };
        git.safe_directories = git.read_safe_directories(variables).await?;
        let found = git.run(["rev-parse", "--git-dir"]).await?;
        if found.status.success() {
            return Ok(git);
        }
        let why = first_line_of_stderr(&found);
        let hint = if why.contains("dubious ownership") {
            let top = git.top.display();
            format!(
                "if you trust the repository, run `git config --global --add safe.directory {top}`"
            )
        } else {
            purpose.hint().to_owned()
        };
        Err(unusable(&why).hint(hint))
    }

    /// Returns the values of `safe.directory`, the only setting of the user that the calls need.
    async fn read_safe_directories(
        &self,
        variables: &GitVariables,
    ) -> Result<Vec<OsString>, Failure> {
        let program = Program::new(&self.program)
            .args([
                "config",
                "--null",
                "--type=path",
                "--get-all",
                "safe.directory",
            ])
            // Outside of any repository, whose configuration could include other files.
            .current_dir("/")
            .confined(self.confinement.clone())
            .env("PATH", self.search_path.clone())
            .env("LC_ALL", "C")
            .envs(
                variables
                    .user_configuration
                    .iter()
                    .map(|(name, value)| (name, value)),
            );
        let read = run(program).await?;
        let values = read.stdout.split(|byte| *byte == 0);
        let mut values: Vec<OsString> = values.map(os_string).collect();
        // The last value ends with a NUL too.
        values.pop();
        values.extend(variables.safe_directories.iter().cloned());
        Ok(values)
    }

    /// Runs git at the top of the work tree. A failure of git is in the output's status.
    ///
    /// # Errors
    ///
    /// [`Failure`] if git cannot be started, or does not end within the deadline.
    pub(super) async fn run<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Output, Failure> {
        let mut program = Program::new(&self.program)
            .args(settings::options(&self.safe_directories))
            .args(arguments)
            .current_dir(&self.top)
            .confined(self.confinement.clone())
            .envs(settings::environment(&self.search_path));
        if let Some(above) = self.top.parent() {
            program = program.env("GIT_CEILING_DIRECTORIES", above);
        }
        run(program).await
    }

    /// Finds the path of a file in the repository. The file need not exist.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a file outside the repository or in one within it and, unless they are
    /// followed, for symbolic links.
    pub(crate) fn track(&self, file: &Path, links: Links) -> Result<TrackedPath, Failure> {
        let tracked = self.resolve(file, links);
        tracked.map_err(|error| self.unusable_path(&error))
    }

    fn resolve(&self, file: &Path, links: Links) -> Result<TrackedPath, PathError> {
        TrackedPath::resolve(&self.top, &self.working_directory, file, links)
    }

    fn unusable_path(&self, error: &PathError) -> Failure {
        let hint = match error {
            PathError::Link { .. } => {
                "commit the file itself, since a link can lead to any file of the machine"
            }
            PathError::Nested { .. } | PathError::Outside { .. } | PathError::Unusable { .. } => {
                self.purpose.hint()
            }
        };
        Failure::unusable(error.to_string()).hint(hint.to_owned())
    }

    /// Refuses a file of the repository that is a symbolic link, or is reached through one. Files
    /// outside the repository are accepted, since the user chose them.
    ///
    /// # Errors
    ///
    /// [`Failure`] that names the link.
    pub(crate) fn refuse_links(&self, file: &Path) -> Result<(), Failure> {
        match self.resolve(file, Links::Refuse) {
            Err(error @ PathError::Link { .. }) => Err(self.unusable_path(&error)),
            _ => Ok(()),
        }
    }

    /// Returns the URL of the remote `origin`, if there is one.
    ///
    /// # Errors
    ///
    /// As [`Git::run`].
    pub(crate) async fn origin(&self) -> Result<Option<String>, Failure> {
        let found = self.run(["remote", "get-url", "origin"]).await?;
        let url = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        Ok((found.status.success() && !url.is_empty()).then_some(url))
    }
}

async fn run(program: Program) -> Result<Output, Failure> {
    let program = program
        .deadline(DEADLINE)
        .max_stdout(MAX_OUTPUT)
        .keep_stderr(KeptStderr::First(16 * 1024));
    program.run().await.map_err(|error| match error {
        RunError::TimedOut { deadline, .. } => Failure::unusable(format!(
            "git did not finish within {} s",
            deadline.as_secs()
        )),
        RunError::TooMuchOutput { limit, .. } => {
            Failure::unusable(format!("git wrote more than {limit} bytes"))
        }
        error => Failure::unusable(error.to_string()).hint("install git".to_owned()),
    })
}

pub(super) fn os_string(bytes: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStringExt;
    OsString::from_vec(bytes.to_owned())
}

/// Returns the first line that git wrote to stderr.
pub(super) fn first_line_of_stderr(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let line = stderr.lines().next().unwrap_or("no message from git");
    line.trim_start_matches("fatal: ").to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;

    use testkit::GitRepository;

    use super::*;

    pub(in super::super) fn variables() -> GitVariables {
        GitVariables {
            search_path: env::var_os("PATH").unwrap(),
            user_configuration: vec![("GIT_CONFIG_NOSYSTEM", "1".into())],
            safe_directories: Vec::new(),
            confiner: None,
        }
    }

    async fn discover(directory: &Path) -> Result<Git, Failure> {
        Git::discover_from(directory, &variables(), Purpose::CheckNew).await
    }

    #[tokio::test]
    async fn top_is_the_nearest_directory_with_dot_git() {
        let repository = GitRepository::new();
        repository.write("lists/images-list", "");
        let git = discover(&repository.path().join("lists")).await.unwrap();
        assert_eq!(git.top, repository.path().canonicalize().unwrap());
        let tracked = git.track(Path::new("images-list"), Links::Refuse).unwrap();
        assert_eq!(tracked.path(), Path::new("lists/images-list"));
    }

    #[tokio::test]
    async fn bare_repository_is_not_discovered() {
        let repository = GitRepository::new();
        repository.git(&["init", "--quiet", "--bare", "lists"]);
        let git = discover(&repository.path().join("lists")).await.unwrap();
        assert_eq!(git.top, repository.path().canonicalize().unwrap());

        let outside = tempfile::tempdir().unwrap();
        fs::create_dir(outside.path().join(".git")).unwrap();
        let bare = GitRepository::new();
        let arguments = ["init", "--quiet", "--bare"];
        bare.git(&[&arguments[..], &[outside.path().to_str().unwrap()]].concat());
        let failure = discover(outside.path()).await.unwrap_err();
        assert!(
            failure.message.contains("needs a git repository"),
            "{failure}"
        );
    }

    #[tokio::test]
    async fn origin_is_the_url_of_the_cloned_repository() {
        let repository = GitRepository::new();
        repository.commit("first");
        let clone = GitRepository::clone_of(&repository);
        let found = discover(clone.path()).await.unwrap().origin().await;
        assert_eq!(found.unwrap().as_deref(), repository.path().to_str());
        let found = discover(repository.path()).await.unwrap().origin().await;
        assert_eq!(found, Ok(None));
    }

    #[tokio::test]
    async fn safe_directories_of_the_user_are_passed_on() {
        let home = tempfile::tempdir().unwrap();
        let text = "[safe]\n\tdirectory = ~/list\n\tdirectory =\n\tdirectory = *\n";
        fs::write(home.path().join(".gitconfig"), text).unwrap();
        let variables = GitVariables {
            user_configuration: vec![
                ("GIT_CONFIG_NOSYSTEM", "1".into()),
                ("HOME", home.path().into()),
            ],
            safe_directories: vec!["/srv/list".into()],
            ..variables()
        };
        let repository = GitRepository::new();
        let git = Git::discover_from(repository.path(), &variables, Purpose::CheckNew).await;
        let list = home.path().join("list");
        let want = [
            list.as_os_str(),
            OsStr::new(""),
            OsStr::new("*"),
            OsStr::new("/srv/list"),
        ];
        assert_eq!(git.unwrap().safe_directories, want);
    }

    #[tokio::test]
    async fn relative_directories_in_path_are_skipped() {
        let repository = GitRepository::new();
        let variables = GitVariables {
            search_path: ".:bin".into(),
            ..variables()
        };
        let git = Git::discover_from(repository.path(), &variables, Purpose::CheckNew).await;
        let message = git.unwrap_err().message;
        assert_eq!(message, "cannot run git: it is not in PATH");
    }
}
