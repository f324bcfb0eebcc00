//! What the checkout says of a list: under which path its repository has it, and
//! where that repository came from.

use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;
use crate::files::atomic_file::plain;
use crate::files::revision::git;

/// The path of a file from the top of its repository, which need not have it
/// yet: a lock may be new.
///
/// # Errors
///
/// [`Failure`] where there is no git or no repository.
pub(crate) async fn path_in_repository(file: &Path) -> Result<String, Failure> {
    let unusable = |why: &str| {
        Failure::unusable(format!("cannot propose {}: {why}", file.display()))
            .hint("run it in a checkout of the list's repository".to_owned())
    };
    let (folder, name) = place_of(file).map_err(|error| unusable(&plain(&error)))?;
    let shown = git(&folder, &["rev-parse", "--show-prefix"]).await?;
    if !shown.status.success() {
        return Err(unusable("it is in no git repository"));
    }
    let prefix = String::from_utf8_lossy(&shown.stdout);
    Ok(format!("{}{name}", prefix.trim_end_matches('\n')))
}

/// The address of the remote `origin`, if there is one.
///
/// # Errors
///
/// [`Failure`] where there is no git.
pub(crate) async fn origin(file: &Path) -> Result<Option<String>, Failure> {
    let Ok((folder, _)) = place_of(file) else {
        return Ok(None);
    };
    let said = git(&folder, &["remote", "get-url", "origin"]).await?;
    let url = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    Ok((said.status.success() && !url.is_empty()).then_some(url))
}

/// The folder and the name, behind all links: git knows a file under its own
/// name only.
fn place_of(file: &Path) -> std::io::Result<(PathBuf, String)> {
    let real = match std::fs::canonicalize(file) {
        Ok(real) => real,
        Err(_) => {
            let folder = file
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            let folder = std::fs::canonicalize(folder.unwrap_or(Path::new(".")))?;
            folder.join(file.file_name().unwrap_or_default())
        }
    };
    let name = real.file_name().and_then(|name| name.to_str());
    match (real.parent(), name) {
        (Some(folder), Some(name)) => Ok((folder.to_owned(), name.to_owned())),
        _ => Err(std::io::ErrorKind::InvalidInput.into()),
    }
}

#[cfg(test)]
mod tests {
    use testkit::GitRepository;

    use super::*;

    #[tokio::test]
    async fn a_file_is_known_by_its_path_from_the_top() {
        let repository = GitRepository::new();
        repository.write("lists/images-list", "");
        std::os::unix::fs::symlink("lists/images-list", repository.path().join("link")).unwrap();
        let table = [
            ("lists/images-list", "lists/images-list"),
            ("link", "lists/images-list"),
            ("lists/new.lock", "lists/new.lock"),
            ("top", "top"),
        ];
        for (file, want) in table {
            let found = path_in_repository(&repository.path().join(file)).await;
            assert_eq!(found.unwrap(), want, "{file}");
        }
        let outside = tempfile::NamedTempFile::new().unwrap();
        let failure = path_in_repository(outside.path()).await.unwrap_err();
        assert!(failure.message.contains("no git repository"), "{failure}");
    }

    #[tokio::test]
    async fn the_origin_is_where_a_clone_came_from() {
        let repository = GitRepository::new();
        repository.write("list", "");
        repository.git(&["add", "list"]);
        repository.git(&["commit", "--quiet", "--message=first"]);
        let clone = GitRepository::clone_of(&repository);
        let found = origin(&clone.path().join("list")).await.unwrap();
        assert_eq!(found.as_deref(), repository.path().to_str());
        assert_eq!(origin(&repository.path().join("list")).await.unwrap(), None);
    }
}
