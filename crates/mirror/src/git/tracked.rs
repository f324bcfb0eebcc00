//! Paths of files in the repository.

use std::env;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::cli::failure::Failure;
use crate::files::atomic_file::io_message;

/// The treatment of symbolic links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// Links within the checkout are errors.
    Refuse,
    /// Links are followed to the file.
    Follow,
}

/// A path in the repository, which need not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrackedPath {
    /// The path as given by the user.
    name: String,
    /// The path from the top of the work tree.
    path: PathBuf,
}

/// The reason why a file has no path in the repository.
#[derive(Debug, thiserror::Error)]
pub(super) enum PathError {
    #[error("{name} is not in the git repository {}", top.display())]
    Outside { name: String, top: PathBuf },
    #[error("cannot read {name}: {} is a symbolic link", link.display())]
    Link { name: String, link: PathBuf },
    #[error("{name} is in another git repository, {}", top.display())]
    Nested { name: String, top: PathBuf },
    #[error("cannot read {name}: {reason}")]
    Unusable { name: String, reason: String },
}

impl TrackedPath {
    /// Resolves `file`, which is relative to `working_directory`. Both directories must be canonical.
    pub(super) fn resolve(
        top: &Path,
        working_directory: &Path,
        file: &Path,
        links: Links,
    ) -> Result<Self, PathError> {
        let name = file.display().to_string();
        let unusable = |error: io::Error| PathError::Unusable {
            name: name.clone(),
            reason: io_message(&error),
        };
        let named = working_directory.join(file);
        let (Some(parent), Some(file_name)) = (named.parent(), named.file_name()) else {
            return Err(unusable(io::ErrorKind::IsADirectory.into()));
        };
        let real_parent = fs::canonicalize(parent).map_err(unusable)?;
        let real = match (links, fs::canonicalize(&named)) {
            (Links::Follow, Ok(real)) => real,
            (Links::Follow, Err(_)) | (Links::Refuse, _) => real_parent.join(file_name),
        };
        if links == Links::Refuse
            && let Some(link) = first_link(top, &named, &real)
        {
            return Err(PathError::Link { name, link });
        }
        let Ok(path) = real.strip_prefix(top) else {
            let top = top.to_owned();
            return Err(PathError::Outside { name, top });
        };
        let directories = real.ancestors().skip(1);
        let mut below_top = directories.take_while(|directory| *directory != top);
        if let Some(nested) = below_top.find(|at| at.join(".git").symlink_metadata().is_ok()) {
            let top = nested.to_owned();
            return Err(PathError::Nested { name, top });
        }
        let path = path.to_owned();
        Ok(Self { name, path })
    }

    /// Creates a path from the top of the work tree.
    pub(crate) fn from_top(path: PathBuf) -> Self {
        let name = path.display().to_string();
        Self { name, path }
    }

    /// Returns the path as given by the user.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the path from the top of the work tree.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path from the top of the work tree as text, for APIs.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a path that is not UTF-8.
    pub(crate) fn to_text(&self) -> Result<String, Failure> {
        let text = self.path.to_str().map(str::to_owned);
        text.ok_or_else(|| {
            Failure::unusable(format!("cannot use the path {}: not UTF-8", self.name))
        })
    }
}

/// Rejects a write to a file in a checkout if its path contains a symbolic link, since the
/// checked-out commit controls the target of the link. The checkouts are that of the working directory
/// and that of the file. git is not run.
///
/// # Errors
///
/// [`Failure`] that names the link.
pub(crate) fn refuse_link_to_write(file: &Path) -> Result<(), Failure> {
    let Ok(working_directory) = env::current_dir().and_then(fs::canonicalize) else {
        return Ok(());
    };
    match link_to_write(&working_directory, file) {
        None => Ok(()),
        Some(link) => {
            let (name, link) = (file.display(), link.display());
            let message = format!("cannot write {name}: {link} is a symbolic link in the checkout");
            Err(Failure::unusable(message)
                .hint("remove the link, or name a file outside the checkout".to_owned()))
        }
    }
}

fn link_to_write(working_directory: &Path, file: &Path) -> Option<PathBuf> {
    let named = working_directory.join(file);
    // A directory that does not exist fails when the file is written.
    let parent = fs::canonicalize(named.parent()?).ok()?;
    let real = parent.join(named.file_name()?);
    let spelled = without_dots(&named);
    let top_of = |path: &Path| {
        let has_git = |directory: &&Path| directory.join(".git").symlink_metadata().is_ok();
        let top = path.ancestors().find(has_git)?;
        fs::canonicalize(top).ok()
    };
    let tops = [top_of(working_directory), top_of(&spelled)];
    let mut links = tops.iter().flatten();
    links.find_map(|top| first_link(top, &named, &real))
}

/// Returns the first symbolic link among the components of a path as written, below the top. Links
/// above the top are not part of the checkout.
fn first_link(top: &Path, named: &Path, real: &Path) -> Option<PathBuf> {
    let written = without_dots(named);
    let is_top = |directory: &&Path| fs::canonicalize(directory).is_ok_and(|real| real == top);
    // Use the outermost match: inside the checkout, a link to the top is refused like any other link.
    let written_top = written.ancestors().filter(is_top).last()?;
    let below_top = written.strip_prefix(written_top).ok()?;
    let mut at = top.to_owned();
    for component in below_top.components() {
        at.push(component);
        if at.is_symlink() {
            return Some(at);
        }
    }
    // `without_dots` drops `link` from `link/../file`, but the system follows it.
    (at != real).then(|| named.to_owned())
}

/// Removes `.`, and `..` with the component before it.
fn without_dots(path: &Path) -> PathBuf {
    let mut written = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                written.pop();
            }
            other => written.push(other),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A checkout `top` with a list and links, beside a directory `elsewhere`, in a directory that
    /// is also called `alias`.
    fn checkout() -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let at = root.path().canonicalize().unwrap();
        for directory in ["top/lists/daily", "top/module/.git", "elsewhere/sub"] {
            fs::create_dir_all(at.join(directory)).unwrap();
        }
        fs::write(at.join("top/lists/images-list"), "").unwrap();
        fs::write(at.join("elsewhere/images-list"), "").unwrap();
        symlink("top", at.join("alias")).unwrap();
        symlink("images-list", at.join("top/lists/link")).unwrap();
        symlink("/dev/null", at.join("top/lists/null")).unwrap();
        symlink("gone", at.join("top/lists/dangling")).unwrap();
        symlink("lists", at.join("top/within")).unwrap();
        symlink("../elsewhere", at.join("top/out")).unwrap();
        symlink("../elsewhere/sub", at.join("top/deep")).unwrap();
        symlink(".", at.join("top/self")).unwrap();
        (root, at)
    }

    fn resolve(at: &Path, file: &str, links: Links) -> Result<String, PathError> {
        let file = PathBuf::from(file.replace("ROOT", at.to_str().unwrap()));
        let top = at.join("top");
        let tracked = TrackedPath::resolve(&top, &top.join("lists"), &file, links)?;
        Ok(tracked.path().to_str().unwrap().to_owned())
    }

    #[test]
    fn all_names_of_a_file_have_the_same_path() {
        let (_root, at) = checkout();
        for file in [
            "images-list",
            "./images-list",
            "daily/../images-list",
            "../lists/images-list",
            "../../top/lists/images-list",
            "ROOT/top/lists/images-list",
            "ROOT/alias/lists/images-list",
        ] {
            for links in [Links::Refuse, Links::Follow] {
                let found = resolve(&at, file, links).unwrap();
                assert_eq!(found, "lists/images-list", "{file}");
            }
        }
        // A lock that does not exist.
        let found = resolve(&at, "images-list.lock", Links::Refuse).unwrap();
        assert_eq!(found, "lists/images-list.lock");
    }

    #[test]
    fn links_in_the_checkout_are_refused_or_followed() {
        let (_root, at) = checkout();
        let table = [
            ("link", Some("lists/images-list")),
            ("null", None),
            ("dangling", Some("lists/dangling")),
            ("../within/images-list", Some("lists/images-list")),
            ("../self/lists/images-list", Some("lists/images-list")),
            ("ROOT/alias/within/images-list", Some("lists/images-list")),
            ("../out/images-list", None),
            // The system reads elsewhere/images-list.
            ("../deep/../images-list", None),
        ];
        for (file, followed) in table {
            let refused = resolve(&at, file, Links::Refuse);
            assert!(
                matches!(refused, Err(PathError::Link { .. })),
                "{file}: {refused:?}"
            );
            let found = resolve(&at, file, Links::Follow).ok();
            assert_eq!(found.as_deref(), followed, "{file}");
        }
    }

    #[test]
    fn files_are_not_written_through_links_of_a_checkout() {
        let (_root, at) = checkout();
        fs::create_dir(at.join("top/.git")).unwrap();
        symlink("../../elsewhere", at.join("top/module/out")).unwrap();
        let top = at.join("top");
        let table = [
            ("images-list", None),
            ("new", None),
            ("../../elsewhere/new", None),
            ("ROOT/alias/lists/new", None),
            ("/dev/stderr", None),
            ("missing/new", None),
            ("link", Some("lists/link")),
            ("dangling", Some("lists/dangling")),
            ("../within/new", Some("within")),
            ("../out/new", Some("out")),
            ("ROOT/alias/out/new", Some("out")),
            ("../module/out/new", Some("module/out")),
        ];
        for (file, link) in table {
            let file = PathBuf::from(file.replace("ROOT", at.to_str().unwrap()));
            let want = link.map(|link| top.join(link));
            let found = link_to_write(&top.join("lists"), &file);
            assert_eq!(found, want, "{}", file.display());
            // From elsewhere, the checkout is that of the file.
            let found = link_to_write(&at, &top.join("lists").join(&file));
            assert_eq!(found, want, "{}", file.display());
        }
    }

    #[test]
    fn files_of_other_repositories_are_refused() {
        let (_root, at) = checkout();
        let outside = resolve(&at, "../../elsewhere/images-list", Links::Refuse);
        assert!(
            matches!(outside, Err(PathError::Outside { .. })),
            "{outside:?}"
        );
        let nested = resolve(&at, "../module/images-list", Links::Refuse);
        assert!(
            matches!(nested, Err(PathError::Nested { .. })),
            "{nested:?}"
        );
        let missing = resolve(&at, "gone/images-list", Links::Refuse).unwrap_err();
        let want = "cannot read gone/images-list: No such file or directory";
        assert_eq!(missing.to_string(), want);
    }
}
