//! A file as it was in a git revision.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

use crate::atomic_file::plain;
use crate::failure::Failure;

/// How long one call of git may take. A partial clone fetches what it lacks.
const DEADLINE: Duration = Duration::from_secs(60);

/// The content of `file` in `revision`, `None` if it did not exist then.
///
/// # Errors
///
/// [`Failure`] where there is no git, no repository, no such revision.
pub(crate) async fn content_at(revision: &str, file: &Path) -> Result<Option<Vec<u8>>, Failure> {
    // git would take it for an option.
    if revision.is_empty() || revision.starts_with('-') {
        return Err(Failure::unusable(format!(
            "{revision:?} is no git revision"
        )));
    }
    // git knows the file behind a link under its own name only.
    let real = std::fs::canonicalize(file).map_err(|error| {
        Failure::unusable(format!("cannot read {}: {}", file.display(), plain(&error)))
    })?;
    let (Some(folder), Some(name)) = (
        real.parent(),
        real.file_name().and_then(|name| name.to_str()),
    ) else {
        return Err(Failure::unusable(format!(
            "{} is no file that git could know",
            file.display()
        )));
    };
    let commit = commit_of(revision, folder).await?;
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

async fn commit_of(revision: &str, folder: &Path) -> Result<String, Failure> {
    let inside = git(folder, &["rev-parse", "--is-inside-work-tree"]).await?;
    if !inside.status.success() {
        let why = said(&inside);
        return Err(
            Failure::unusable(format!("--changed-since needs a git repository: {why}"))
                .hint("run it in a checkout, or select rows with --match".to_owned()),
        );
    }
    let spec = format!("{revision}^{{commit}}");
    let parsed = git(folder, &["rev-parse", "--verify", "--quiet", &spec]).await?;
    if parsed.status.success() {
        return Ok(String::from_utf8_lossy(&parsed.stdout).trim().to_owned());
    }
    let shallow = git(folder, &["rev-parse", "--is-shallow-repository"]).await?;
    let hint = if shallow.stdout.starts_with(b"true") {
        "the clone is shallow: run `git fetch --unshallow`, or check out with `fetch-depth: 0`"
    } else {
        "`git fetch` may bring it; `git log` shows what there is"
    };
    Err(Failure::unusable(format!("git knows no revision {revision:?}")).hint(hint.to_owned()))
}

async fn git(folder: &Path, args: &[&str]) -> Result<Output, Failure> {
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
                .hint("install git, or select rows with --match".to_owned()),
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
