//! Where the programs are that the tests run.

use std::env;
use std::path::{Path, PathBuf};

/// The path of a program: in the folder `MIRROR_TEST_TOOLS`, else in `.tools/bin` of the
/// workspace, else in `PATH`. A missing one is a panic that says how to install it.
pub fn program(name: &str) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/bin");
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::var_os("MIRROR_TEST_TOOLS")
        .map(PathBuf::from)
        .into_iter()
        .chain([workspace])
        .chain(env::split_paths(&path));
    match first(folders, name) {
        Some(path) => path,
        None => panic!(
            "{name} is in none of MIRROR_TEST_TOOLS, .tools/bin and PATH: run scripts/test-tools"
        ),
    }
}

fn first(folders: impl Iterator<Item = PathBuf>, name: &str) -> Option<PathBuf> {
    folders
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_first_folder_with_the_program_wins() {
        let folder = tempfile::tempdir().unwrap();
        let folders = ["a", "b", "c"].map(|name| folder.path().join(name));
        for folder in &folders[1..] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("tool"), "").unwrap();
        }
        fs::create_dir_all(folders[0].join("tool")).unwrap();
        let found = first(folders.clone().into_iter(), "tool");
        assert_eq!(
            found,
            Some(folders[1].join("tool")),
            "a folder is no program"
        );
        assert_eq!(first(folders.into_iter(), "other"), None);
    }
}
