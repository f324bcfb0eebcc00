//! Revisions of git: which one a branch left its base at, and a file as it was.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

use super::atomic_file::plain;
use crate::cli::failure::Failure;

/// How long one call of git may take. A partial clone fetches what it lacks.
const DEADLINE: Duration = Duration::from_secs(60);

/// What a branch is compared with where nobody says.
const DEFAULT_BASES: [&str; 3] = ["origin/HEAD", "origin/main", "origin/master"];

/// Where the branch that is checked out left `base`, or the first of
/// `origin/HEAD`, `origin/main` and `origin/master` that there is: the hash of
/// their merge base, in the repository that `file` is in.
///
/// # Errors
///
/// [`Failure`] where there is no git, no repository, no such revision, or the
/// clone has too little history to say.
pub(crate) async fn merge_base(base: Option<&str>, file: &Path) -> Result<String, Failure> {
    const ASKER: &str = "check-new";
    let (folder, _) = place_of(file)?;
    let commit = match base {
        Some(base) => {
            refuse_option(base)?;
            commit_of(base, &folder, ASKER).await?
        }
        None => default_base(&folder, ASKER).await?,
    };
    let found = git(&folder, &["merge-base", &commit, "HEAD"]).await?;
    if found.status.success() {
        return Ok(String::from_utf8_lossy(&found.stdout).trim().to_owned());
    }
    let name = base.unwrap_or("the base");
    let hint = if is_shallow(&folder).await? {
        SHALLOW
    } else {
        "name the branch that this one is to be merged into with --base"
    };
    let message = format!("git knows no commit that HEAD and {name} have in common");
    Err(Failure::unusable(message).hint(hint.to_owned()))
}

async fn default_base(folder: &Path, asker: &str) -> Result<String, Failure> {
    require_repository(folder, asker).await?;
    for base in DEFAULT_BASES {
        if let Some(commit) = find_commit(base, folder).await? {
            return Ok(commit);
        }
    }
    let hint = if is_shallow(folder).await? {
        SHALLOW
    } else {
        "name the branch that this one is to be merged into with --base, or get it with `git fetch origin`"
    };
    let message = format!("git knows none of {}", DEFAULT_BASES.join(", "));
    Err(Failure::unusable(message).hint(hint.to_owned()))
}

/// What to fetch. A shallow clone follows one branch only, so the others are named.
const SHALLOW: &str = "the clone is shallow: get the history with \
    `git fetch --unshallow origin '+refs/heads/*:refs/remotes/origin/*'`, \
    or check out with `fetch-depth: 0`";

/// The content of `file` in `revision`, `None` if it did not exist then.
///
/// # Errors
///
/// [`Failure`] where there is no git, no repository, no such revision.
pub(crate) async fn content_at(revision: &str, file: &Path) -> Result<Option<Vec<u8>>, Failure> {
    refuse_option(revision)?;
    let (folder, name) = place_of(file)?;
    let folder = folder.as_path();
    let name = name.as_str();
    let commit = commit_of(revision, folder, "--changed-since").await?;
    let listed = git(
        folder,
        &[
            "ls-tree",
            "-z",
            "--name-only",
            &commit,
            "--",
            &literal(name),
        ],
    )
    .await?;
    if listed.status.success() && listed.stdout.is_empty() {
        return Ok(None);
    }
    let shown = git(folder, &["cat-file", "blob", &format!("{commit}:./{name}")]).await?;
    if shown.status.success() {
        return Ok(Some(shown.stdout));
    }
    let why = said(&shown);
    Err(Failure::unusable(format!(
        "cannot read {} of {revision} with git: {why}",
        file.display()
    )))
}

/// A name and no pattern.
fn literal(name: &str) -> String {
    format!(":(literal){name}")
}

fn refuse_option(revision: &str) -> Result<(), Failure> {
    // git would take it for an option.
    if revision.is_empty() || revision.starts_with('-') {
        let message = format!("{revision:?} is no git revision");
        return Err(Failure::unusable(message));
    }
    Ok(())
}

/// The folder and the name of a file, behind all links: git knows it under its
/// own name only.
fn place_of(file: &Path) -> Result<(PathBuf, String), Failure> {
    let real =
        std::fs::canonicalize(file).or_else(|error| match (file.parent(), file.file_name()) {
            // One that is gone was where it would be now.
            (Some(folder), Some(name)) if error.kind() == ErrorKind::NotFound => {
                let here = folder.as_os_str().is_empty();
                let folder = if here { Path::new(".") } else { folder };
                Ok(std::fs::canonicalize(folder)?.join(name))
            }
            _ => Err(error),
        });
    let real = real.map_err(|error: std::io::Error| {
        Failure::unusable(format!("cannot read {}: {}", file.display(), plain(&error)))
    })?;
    let name = real.file_name().and_then(|name| name.to_str());
    match (real.parent(), name) {
        (Some(folder), Some(name)) => Ok((folder.to_owned(), name.to_owned())),
        _ => Err(Failure::unusable(format!(
            "{} is no file that git could know",
            file.display()
        ))),
    }
}

async fn commit_of(revision: &str, folder: &Path, asker: &str) -> Result<String, Failure> {
    require_repository(folder, asker).await?;
    if let Some(commit) = find_commit(revision, folder).await? {
        return Ok(commit);
    }
    let hint = if is_shallow(folder).await? {
        SHALLOW
    } else {
        "`git fetch` may bring it; `git log` shows what there is"
    };
    Err(Failure::unusable(format!("git knows no revision {revision:?}")).hint(hint.to_owned()))
}

async fn require_repository(folder: &Path, asker: &str) -> Result<(), Failure> {
    let inside = git(folder, &["rev-parse", "--is-inside-work-tree"]).await?;
    if inside.status.success() {
        return Ok(());
    }
    let why = said(&inside);
    let hint = match asker {
        "--changed-since" => "run it in a checkout, or select rows with --match",
        _ => "run it in a checkout of the list's repository",
    };
    Err(Failure::unusable(format!("{asker} needs a git repository: {why}")).hint(hint.to_owned()))
}

async fn find_commit(revision: &str, folder: &Path) -> Result<Option<String>, Failure> {
    let spec = format!("{revision}^{{commit}}");
    let parsed = git(folder, &["rev-parse", "--verify", "--quiet", &spec]).await?;
    let hash = String::from_utf8_lossy(&parsed.stdout).trim().to_owned();
    Ok(parsed.status.success().then_some(hash))
}

async fn is_shallow(folder: &Path) -> Result<bool, Failure> {
    let shallow = git(folder, &["rev-parse", "--is-shallow-repository"]).await?;
    Ok(shallow.stdout.starts_with(b"true"))
}

/// Runs git in a folder.
///
/// # Errors
///
/// [`Failure`] where there is no git, or no answer in time; that git failed is in the output.
pub(crate) async fn git(folder: &Path, args: &[&str]) -> Result<Output, Failure> {
    let run = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(args)
        .env("LC_ALL", "C")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(DEADLINE, run).await {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(error)) => Err(
            Failure::unusable(format!("cannot run git: {}", plain(&error)))
                .hint("install git".to_owned()),
        ),
        Err(_) => Err(Failure::unusable(format!(
            "git gave no answer within {} s",
            DEADLINE.as_secs()
        ))),
    }
}

/// The first line of what git complained of.
fn said(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let line = stderr.lines().next().unwrap_or("git said nothing");
    line.trim_start_matches("fatal: ").to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    async fn repository() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        fs::create_dir(here.join("sub")).unwrap();
        fs::write(here.join("sub/list"), "old").unwrap();
        let steps: [&[&str]; 3] = [
            &["init", "-q"],
            &["add", "sub/list"],
            &[
                "-c",
                "user.name=n",
                "-c",
                "user.email=e@x",
                "commit",
                "-qm",
                "first",
            ],
        ];
        for step in steps {
            let done = git(here, step).await.unwrap();
            assert!(done.status.success(), "{step:?}: {}", said(&done));
        }
        folder
    }

    #[tokio::test]
    async fn a_file_is_read_as_it_was() {
        let folder = repository().await;
        let (list, link) = (folder.path().join("sub/list"), folder.path().join("link"));
        fs::write(&list, "new").unwrap();
        std::os::unix::fs::symlink("sub/list", &link).unwrap();
        for path in [list, link] {
            let content = content_at("HEAD", &path).await.unwrap();
            assert_eq!(content.as_deref(), Some(&b"old"[..]), "{}", path.display());
        }
        // A name that would be a pattern, and did not exist.
        let later = folder.path().join("sub/lis*");
        fs::write(&later, "new").unwrap();
        assert_eq!(content_at("HEAD", &later).await, Ok(None));
    }

    #[tokio::test]
    async fn revisions_that_cannot_be_had() {
        let folder = repository().await;
        let list = folder.path().join("sub/list");
        for revision in ["no-such", "--version", "", "HEAD~1"] {
            let failure = content_at(revision, &list).await.unwrap_err();
            assert!(
                failure.message.contains("revision"),
                "{revision}: {failure}"
            );
        }
        let outside = tempfile::NamedTempFile::new().unwrap();
        let failure = content_at("HEAD", outside.path()).await.unwrap_err();
        assert!(
            failure.message.contains("needs a git repository"),
            "{failure}"
        );
    }
}
