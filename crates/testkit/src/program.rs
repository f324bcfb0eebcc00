//! The search for programs that the tests run.

use std::env;
use std::path::{Path, PathBuf};

/// Returns the path of a program in the directory `MIRROR_TEST_TOOLS`, in `.tools/bin` of the workspace, or
/// in `PATH`. A missing program is a panic that says how to install it.
pub fn program(name: &str) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/bin");
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = env::var_os("MIRROR_TEST_TOOLS")
        .map(PathBuf::from)
        .into_iter()
        .chain([workspace])
        .chain(env::split_paths(&path))
        // Debian's directory of nginx, which the PATH of users lacks.
        .chain([PathBuf::from("/usr/sbin")]);
    match find_in(directories, name) {
        Some(path) => path,
        None => panic!(
            "{name} not found in MIRROR_TEST_TOOLS, .tools/bin or PATH: run scripts/test-tools"
        ),
    }
}

fn find_in(directories: impl Iterator<Item = PathBuf>, name: &str) -> Option<PathBuf> {
    directories
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn program_is_found_in_the_first_directory_that_has_it() {
        let top = tempfile::tempdir().unwrap();
        let directories = ["a", "b", "c"].map(|name| top.path().join(name));
        for directory in &directories[1..] {
            fs::create_dir(directory).unwrap();
            fs::write(directory.join("tool"), "").unwrap();
        }
        fs::create_dir_all(directories[0].join("tool")).unwrap();
        let found = find_in(directories.clone().into_iter(), "tool");
        assert_eq!(
            found,
            Some(directories[1].join("tool")),
            "a directory is not a program"
        );
        assert_eq!(find_in(directories.into_iter(), "other"), None);
    }
}
